import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asIcestreamError, invariant } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import { fileErrorCode } from '../../base/file-error.ts';
import { writeFully } from '../../base/write-fully.ts';
import { type ChangeBatch, Op } from '../../record/batch.ts';
import { BatchBuilder } from '../../record/builder.ts';
import { BatchPool } from '../../record/pool.ts';
import type { TableSchema } from '../../record/table.ts';
import { KeyBytes } from './key-bytes.ts';
import { readKey } from './key-reader.ts';
import { Overlay } from './overlay.ts';
import { type ImageRef, TableMerge } from './table-merge.ts';

/** Parts that keys are spread over; one part's rows have to fit in memory, so this bounds a transaction at 256 budgets. */
const PARTITIONS = 256;
const WRITE_BYTES = 1 << 20;

/** Where one part of one run lies in the file. */
interface Extent {
  readonly start: number;
  readonly length: number;
  /** Images, and their cells. */
  readonly images: number;
  readonly cells: number;
}

/** Of a cell's place; of a row's place in its batch, in the key index and in the list of images. */
const CELL_BYTES = 8;
const ENTRY_BYTES = 80;

/** Arrays of portions that are kept for the next one. */
const POOL_BYTES = 64 * 1024 * 1024;

/**
 * A table's merge state beyond its memory budget (L-4): entries go to disk by key hash, run after run, and come back one
 * part at a time, where the runs of one key meet again in order.
 */
export class SpillStore {
  readonly #path: string;
  #file: FileHandle | null = null;
  #length = 0;
  #runs: Extent[][] = [];
  readonly #pool = new BatchPool(POOL_BYTES);

  constructor(directory: string, name: string) {
    this.#path = join(directory, `${name}.spill`);
  }

  get bytes(): number {
    return this.#length;
  }

  /** Sets aside all entries of `merge`, whose images lie in `batches`. */
  async add(
    merge: TableMerge,
    batches: readonly ChangeBatch[],
    overlay: Overlay,
    schemas: readonly TableSchema[],
  ): Promise<void> {
    const batchOf = (number: number) => (number === overlay.number ? overlay.batch() : batches[number]);
    await this.#resolveMoved(merge, batchOf, schemas);
    const run: Extent[] = [];
    const { order, starts } = byPartition(merge);
    const out = new RecordWriter();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const start = this.#length;
      out.images = 0;
      out.cells = 0;
      for (let i = starts[partition]; i < starts[partition + 1]; i++) {
        writeEntry(out, merge, order[i], batchOf, schemas);
        if (out.length >= WRITE_BYTES) await this.#append(out);
      }
      await this.#append(out);
      run.push({ start, length: this.#length - start, images: out.images, cells: out.cells });
    }
    this.#runs.push(run);
  }

  /**
   * Everything, in portions of whole parts that take up to `portionBytes` of memory (one part, if that takes more): batches
   * which `absorbAll` feeds to a merge of its own. Each is valid until the next is asked for.
   */
  async *portions(schemas: readonly TableSchema[], portionBytes: number): AsyncIterable<ChangeBatch> {
    // All of one size, so that one fits in the arena of another.
    const arena = Math.min(Math.floor(portionBytes / 2), this.#length);
    for (let from = 0; from < PARTITIONS; ) {
      let bytes = this.#partMemory(from);
      let to = from + 1;
      while (to < PARTITIONS && bytes + this.#partMemory(to) <= portionBytes) bytes += this.#partMemory(to++);
      const portion = await this.#read(from, to, schemas, arena);
      if (portion !== null) yield portion;
      portion?.lease.release();
      from = to;
    }
  }

  /** Of its rows, their cells, and the merge that they will go through. */
  #partMemory(partition: number): number {
    return this.#runs.reduce((sum, run) => {
      const { length, cells, images } = run[partition];
      return sum + length + cells * CELL_BYTES + images * ENTRY_BYTES;
    }, 0);
  }

  /** Parts [from, to), each with its runs in order; null where they hold nothing. */
  async #read(
    from: number,
    to: number,
    schemas: readonly TableSchema[],
    arena = 0,
  ): Promise<ChangeBatch | null> {
    const extents: Extent[] = [];
    for (let partition = from; partition < to; partition++) {
      for (const run of this.#runs) if (run[partition].length > 0) extents.push(run[partition]);
    }
    if (extents.length === 0) return null;
    const sum = (of: 'length' | 'images' | 'cells') =>
      extents.reduce((total, extent) => total + extent[of], 0);
    const size = Math.max(arena, sum('length'));
    const builder = new BatchBuilder(size, sum('cells'), sum('images'), this.#pool);
    for (const { start, length } of extents) {
      await this.#readExtent(builder.bytes, builder.byteLength, start, length);
      builder.byteLength += length;
    }
    return readPart(builder, schemas);
  }

  /**
   * A row that changed its key and has unchanged values may find them in an earlier run, but under its old key, which
   * lies in another part: so they are looked for now.
   */
  async #resolveMoved(
    merge: TableMerge,
    batchOf: (number: number) => ChangeBatch,
    schemas: readonly TableSchema[],
  ): Promise<void> {
    const key = new KeyBytes();
    for (const [partition, entries] of movedByPartition(merge, batchOf, schemas, key)) {
      const part = await this.#read(partition, partition + 1, schemas);
      if (part === null) continue;
      const batches: ChangeBatch[] = [];
      const overlay = new Overlay(batches);
      const earlier = new TableMerge(schemas, overlay, false);
      absorbAll(part, batches.push(part) - 1, earlier, schemas);
      for (const [entry, origin] of entries) {
        readKey(batchOf(origin.batch), origin.cell, schemas[origin.schema], key);
        const found = earlier.index.find(key);
        if (found < 0) continue;
        const image = earlier.imageOf(found);
        const source = { batch: overlay.batchNumber(image.batch), image };
        merge.fillFrom(entry, batchOf(merge.images.batch[entry]), source, origin);
        const before = earlier.origins.get(found);
        if (before !== undefined) merge.moveOrigin(entry, overlay.batchNumber(before.batch), before);
      }
    }
  }

  /** Forgets everything; the file is emptied. */
  async clear(): Promise<void> {
    this.#runs = [];
    this.#length = 0;
    await this.#file?.truncate(0);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
    await rm(this.#path, { force: true });
  }

  async #append(out: RecordWriter): Promise<void> {
    const bytes = out.take();
    if (bytes.length === 0) return;
    try {
      this.#file ??= await this.#create();
      await writeFully(this.#file, bytes, bytes.length, this.#length);
    } catch (error) {
      throw asIcestreamError(error, fileErrorCode(error), { path: this.#path });
    }
    this.#length += bytes.length;
    failpoint('spill.written');
  }

  async #create(): Promise<FileHandle> {
    await mkdir(join(this.#path, '..'), { recursive: true });
    return open(this.#path, 'w+');
  }

  async #readExtent(into: Buffer, at: number, start: number, length: number): Promise<void> {
    invariant(this.#file !== null, 'nothing was spilled');
    const { bytesRead } = await this.#file.read(into, at, length, start);
    invariant(bytesRead === length, 'the spill file is shorter than what was written', { path: this.#path });
  }
}

/**
 * Feeds a part, which became batch number `number`, to a merge that has seen none of its keys. Its rows are the records
 * in order, their flags the entries'; the row after one with HAS_ORIGIN is its origin.
 */
export function absorbAll(
  part: ChangeBatch,
  number: number,
  merge: TableMerge,
  schemas: readonly TableSchema[],
): void {
  const schemaNumber = part.tables.map((table) => schemas.indexOf(table));
  const reference = (row: number): ImageRef => ({
    batch: number,
    cell: part.after[row],
    row,
    schema: schemaNumber[part.tableOf[row]],
  });
  for (let row = 0; row < part.rowCount; row++) {
    const flags = part.flags[row];
    const image = reference(row);
    const origin = (flags & HAS_ORIGIN) !== 0 ? reference(++row) : null;
    merge.absorb(part, image, flags & ~HAS_ORIGIN, origin);
  }
}

/** Unresolved entries whose key changed, by the part that holds their old key. */
function movedByPartition(
  merge: TableMerge,
  batchOf: (number: number) => ChangeBatch,
  schemas: readonly TableSchema[],
  key: KeyBytes,
): Map<number, [number, ImageRef][]> {
  const moved = new Map<number, [number, ImageRef][]>();
  for (const [entry, origin] of merge.origins) {
    readKey(batchOf(origin.batch), origin.cell, schemas[origin.schema], key);
    const partition = key.hash() >>> 24;
    moved.set(partition, [...(moved.get(partition) ?? []), [entry, origin]]);
  }
  return moved;
}

/** Entries in order of their part, and where in that order each part begins. */
function byPartition(merge: TableMerge): { order: Int32Array; starts: Int32Array } {
  const { index } = merge;
  const starts = new Int32Array(PARTITIONS + 1);
  // The index uses the low bits of the hash; taking the high ones keeps it even within a part.
  for (let entry = 0; entry < index.count; entry++) starts[(index.hash(entry) >>> 24) + 1]++;
  for (let partition = 0; partition < PARTITIONS; partition++) starts[partition + 1] += starts[partition];
  const next = starts.slice();
  const order = new Int32Array(index.count);
  for (let entry = 0; entry < index.count; entry++) order[next[index.hash(entry) >>> 24]++] = entry;
  return { order, starts };
}

/**
 * record = flags u8, image, [origin image]; image = schema u16, cell lengths i32 x columns, bytes. A dead entry that
 * deletes nothing still takes part: it hides what an earlier run holds of its key.
 */
function writeEntry(
  out: RecordWriter,
  merge: TableMerge,
  entry: number,
  batchOf: (number: number) => ChangeBatch,
  schemas: readonly TableSchema[],
): void {
  const { batch, cell, schema } = merge.images;
  const origin = merge.origins.get(entry);
  out.u8(merge.flags[entry] | (origin === undefined ? 0 : HAS_ORIGIN));
  out.image(batchOf(batch[entry]), cell[entry], schema[entry], schemas[schema[entry]]);
  if (origin !== undefined)
    out.image(batchOf(origin.batch), origin.cell, origin.schema, schemas[origin.schema]);
}

const HAS_ORIGIN = 0x80;

/** Finds the images in the bytes that the builder holds. */
function readPart(builder: BatchBuilder, schemas: readonly TableSchema[]): ChangeBatch {
  const { bytes, byteLength } = builder;
  let at = 0;
  const readImage = (flags: number) => {
    const schema = schemas[bytes.readUInt16LE(at)];
    const count = schema.columns.length;
    const cell = builder.cellCount;
    let start = at + 2 + count * 4;
    for (let i = 0; i < count; i++) {
      const length = bytes.readInt32LE(at + 2 + i * 4);
      builder.cell(start, length);
      if (length > 0) start += length;
    }
    at = start;
    builder.row(schema, Op.update, flags, -1, cell, 0, 0);
  };
  while (at < byteLength) {
    const flags = bytes[at++];
    readImage(flags);
    if ((flags & HAS_ORIGIN) !== 0) readImage(0);
  }
  return builder.finish(null);
}

class RecordWriter {
  #buffer = Buffer.allocUnsafeSlow(WRITE_BYTES * 2);
  length = 0;
  /** Written since they were last set. */
  images = 0;
  cells = 0;

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.length++] = value;
  }

  image(batch: ChangeBatch, cell: number, schemaNumber: number, schema: TableSchema): void {
    const count = schema.columns.length;
    this.images++;
    this.cells += count;
    const { cellLength, cellStart, bytes } = batch;
    let size = 0;
    for (let i = cell; i < cell + count; i++) if (cellLength[i] > 0) size += cellLength[i];
    this.#room(2 + count * 4 + size);
    const buffer = this.#buffer;
    this.length = buffer.writeUInt16LE(schemaNumber, this.length);
    for (let i = cell; i < cell + count; i++) this.length = buffer.writeInt32LE(cellLength[i], this.length);
    for (let i = cell; i < cell + count; i++) {
      if (cellLength[i] <= 0) continue;
      buffer.set(bytes.subarray(cellStart[i], cellStart[i] + cellLength[i]), this.length);
      this.length += cellLength[i];
    }
  }

  /** The bytes so far, valid until the next write. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.length);
    this.length = 0;
    return bytes;
  }

  #room(count: number): void {
    if (this.length + count <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.length + count, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}
