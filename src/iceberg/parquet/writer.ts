import { IcestreamError, invariant } from '../../base/errors.ts';
import type { ColumnMetrics } from '../file.ts';
import type { StructType } from '../schema.ts';
import type { OutputFile } from '../storage.ts';
import type { ColumnChunk, PlacedChunk } from './chunk.ts';
import type { ColumnWriter } from './column-writer.ts';
import { createColumn } from './columns.ts';
import { PageCompressor } from './compressor.ts';
import { type PlacedGroup, renderFooter } from './footer.ts';
import { type Compression, MAGIC } from './format.ts';
import type { LeafColumn } from './leaf-column.ts';
import { type ParquetPlan, planColumns } from './plan.ts';

export interface ParquetOptions {
  /** Default zstd. */
  readonly compression?: Compression;
  /** Default 1: higher levels cost more than they save on tables that are compacted later anyway. */
  readonly zstdLevel?: number;
  /** A row group ends when its pages, as they lie in memory, take so many bytes. Default 32 MB. */
  readonly rowGroupBytes?: number;
  /** A page ends when its values take so many bytes. Default 512 KB. */
  readonly pageBytes?: number;
  /** Whether columns whose values repeat are written with a dictionary. Default true. */
  readonly dictionary?: boolean;
  /** Field ids of the columns whose bounds are not cut to 16 code points or bytes. */
  readonly fullMetricsFor?: ReadonlySet<number>;
  /** Further key-value metadata of the footer; `iceberg.schema` is always written. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ParquetFile {
  readonly fileSizeBytes: number;
  readonly recordCount: number;
  readonly metrics: ColumnMetrics;
  /** Where the row groups begin, ascending. */
  readonly splitOffsets: readonly bigint[];
}

/**
 * Writes one Parquet file, column by column: for a block of n rows the caller gives each of `columns` its n values in
 * turn, then calls `endRows(n)` and waits if that gives a promise. A block is held in memory whole: it should be bounded
 * in bytes, and 1,000 to 10,000 rows long where rows are small.
 *
 * After an error of any method the file is unusable and must be aborted.
 */
export class ParquetFileWriter {
  readonly columns: readonly ColumnWriter[];
  recordCount = 0;
  private readonly plan: ParquetPlan;
  private readonly leaves: LeafColumn[] = [];
  private readonly compressor: PageCompressor;
  private readonly rowGroupBytes: number;
  private readonly metadata: Readonly<Record<string, string>>;
  private readonly output: OutputFile;
  private readonly groups: PlacedGroup[] = [];
  private groupRows = 0;
  /** Where the next row group begins. */
  private offset = MAGIC.length;
  /** Bytes of the file that have not been handed to `output` yet. */
  private unwritten: Buffer[] = [MAGIC];
  private unwrittenBytes = MAGIC.length;
  /** The row groups being written, one after the other, and what they hold in memory. */
  private flushing: Promise<void> = Promise.resolve();
  private flushingBytes = 0;
  private failure: unknown;
  private ended = false;

  constructor(schema: StructType, output: OutputFile, options: ParquetOptions = {}) {
    this.output = output;
    this.rowGroupBytes = options.rowGroupBytes ?? 32 * 1024 * 1024;
    this.compressor = new PageCompressor(options.compression ?? 'zstd', options.zstdLevel ?? 1);
    this.metadata = { 'iceberg.schema': JSON.stringify({ 'schema-id': 0, ...schema }), ...options.metadata };
    this.plan = planColumns(schema.fields);
    const pageBytes = options.pageBytes ?? 512 * 1024;
    this.columns = this.plan.columns.map((column) =>
      createColumn(
        column,
        (leaf) => ({
          compressor: this.compressor,
          pageBytes,
          dictionary: options.dictionary ?? true,
          fullBounds: options.fullMetricsFor?.has(leaf.fieldId) ?? false,
        }),
        this.leaves,
      ),
    );
  }

  /** Ends a block of `count` rows. A promise means: wait, there is more in memory than may be. */
  endRows(count: number): void | Promise<void> {
    invariant(!this.ended, 'the Parquet file is closed already');
    this.check();
    const rows = this.groupRows + count;
    for (const leaf of this.leaves) {
      leaf.endRows();
      if (leaf.rowsBegun !== rows) this.failCount(leaf, rows);
    }
    this.groupRows = rows;
    this.recordCount += count;
    if (this.encodedBytes >= this.rowGroupBytes) this.startFlush();
    if (this.isOverfull()) return this.waitForRoom();
  }

  /** Memory that this writer holds. */
  get bufferedBytes(): number {
    let bytes = this.flushingBytes + this.unwrittenBytes;
    for (const leaf of this.leaves) bytes += leaf.bufferedBytes;
    return bytes;
  }

  /** What the file would take if it were closed now, from how far its pages have been compressed so far. */
  get estimatedFileBytes(): number {
    const inFlight = this.compressor.inFlightBytes;
    let stored = this.offset + this.flushingBytes - inFlight;
    let plain = -inFlight;
    let open = inFlight;
    for (const leaf of this.leaves) {
      stored += leaf.pageBytes;
      plain += leaf.plainBytes;
      open += leaf.encodedBytes - leaf.pageBytes;
    }
    const ratio = plain > 0 ? Math.min(1, stored / plain) : 0.5;
    return Math.round(stored + open * ratio) + this.leaves.length * 128;
  }

  async close(): Promise<ParquetFile> {
    invariant(!this.ended, 'the Parquet file is closed already');
    this.check();
    this.ended = true;
    if (this.groupRows > 0) this.startFlush();
    await this.flushing;
    this.check();
    const footer = renderFooter(
      {
        elements: this.plan.elements,
        rowCount: this.recordCount,
        groups: this.groups,
        metadata: this.metadata,
      },
      this.offset,
    );
    await this.put(footer, true);
    const fileSizeBytes = await this.output.close();
    return {
      fileSizeBytes,
      recordCount: this.recordCount,
      metrics: this.metrics(),
      splitOffsets: this.groups.map((group) => BigInt(group.offset)),
    };
  }

  async abort(): Promise<void> {
    this.ended = true;
    // What is under way refers to our buffers: let it end, whatever comes of it.
    await Promise.allSettled([this.flushing, this.compressor.drained()]);
    await this.output.abort();
  }

  private check(): void {
    this.compressor.check();
    if (this.failure !== undefined) throw this.failure;
  }

  private get encodedBytes(): number {
    let bytes = 0;
    for (const leaf of this.leaves) bytes += leaf.encodedBytes;
    return bytes;
  }

  private isOverfull(): boolean {
    if (this.compressor.inFlightBytes > IN_FLIGHT_BYTES) return true;
    return this.flushingBytes > 0 && this.encodedBytes > this.rowGroupBytes / 4;
  }

  private async waitForRoom(): Promise<void> {
    await this.compressor.drained(IN_FLIGHT_BYTES / 2);
    if (this.isOverfull()) await this.flushing;
    this.check();
  }

  /** Takes the chunks from the columns, which go on with the next row group while this one is written. */
  private startFlush(): void {
    const chunks = this.leaves.map((leaf) => leaf.takeChunk());
    const rows = this.groupRows;
    const held = chunks.reduce((total, chunk) => total + chunk.heldBytes, 0);
    this.groupRows = 0;
    this.flushingBytes += held;
    this.flushing = this.flushing.then(async () => {
      if (this.failure !== undefined) return;
      try {
        await this.writeGroup(chunks, rows);
      } catch (error) {
        this.failure ??= error;
      } finally {
        this.flushingBytes -= held;
      }
    });
  }

  private async writeGroup(chunks: readonly ColumnChunk[], rowCount: number): Promise<void> {
    const start = this.offset;
    const placed: PlacedChunk[] = [];
    for (const [i, chunk] of chunks.entries()) {
      await chunk.ready();
      const parts: Buffer[] = [];
      const place = chunk.place(this.offset, parts);
      placed.push(place);
      this.offset += place.storedBytes;
      this.leaves[i].totals.storedBytes += place.storedBytes;
      // Shifted out one by one, so that a page may be forgotten as soon as it is written.
      while (parts.length > 0) await this.put(parts.shift()!, false);
    }
    this.groups.push({ offset: start, rowCount, chunks: placed });
  }

  /** Hands bytes to the output in pieces of at least `WRITE_BYTES`; what is as large already is not copied. */
  private async put(bytes: Buffer, last: boolean): Promise<void> {
    if (bytes.length >= WRITE_BYTES) await this.writeOut();
    this.unwritten.push(bytes);
    this.unwrittenBytes += bytes.length;
    if (last || this.unwrittenBytes >= WRITE_BYTES) await this.writeOut();
  }

  private async writeOut(): Promise<void> {
    if (this.unwrittenBytes === 0) return;
    const piece = this.unwritten.length === 1 ? this.unwritten[0] : Buffer.concat(this.unwritten);
    this.unwritten = [];
    this.unwrittenBytes = 0;
    await this.output.write(piece);
  }

  private metrics(): ColumnMetrics {
    const columnSizes = new Map<number, bigint>();
    const valueCounts = new Map<number, bigint>();
    const nullValueCounts = new Map<number, bigint>();
    const nanValueCounts = new Map<number, bigint>();
    const lowerBounds = new Map<number, Uint8Array>();
    const upperBounds = new Map<number, Uint8Array>();
    for (const { totals } of this.leaves) {
      const { fieldId, lowerBound, upperBound } = totals;
      columnSizes.set(fieldId, BigInt(totals.storedBytes));
      valueCounts.set(fieldId, BigInt(totals.valueCount));
      nullValueCounts.set(fieldId, BigInt(totals.nullCount));
      if (totals.countsNaN) nanValueCounts.set(fieldId, BigInt(totals.nanCount));
      if (lowerBound !== null) lowerBounds.set(fieldId, lowerBound);
      if (upperBound !== null) upperBounds.set(fieldId, upperBound);
    }
    return { columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds };
  }

  private failCount(leaf: LeafColumn, expected: number): never {
    throw new IcestreamError(
      'internal',
      `the column ${leaf.name} got another number of values than there are rows`,
      {
        context: { column: leaf.name, expected, written: leaf.rowsBegun },
      },
    );
  }
}

/** Page bytes that may wait for compression; beyond, the caller waits. */
const IN_FLIGHT_BYTES = 8 * 1024 * 1024;

/** Pages are gathered to pieces of this size, so that a small file is one write. */
const WRITE_BYTES = 1024 * 1024;
