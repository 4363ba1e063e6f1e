import { type FileMetaData, parquetMetadataAsync, parquetScan, readOffsetIndex } from 'hyparquet';
import { asIcestreamError, IcestreamError, isAbort } from '../../base/errors.ts';
import type { ColumnMetrics } from '../file.ts';
import type { NestedField, PrimitiveType } from '../schema.ts';
import type { Storage } from '../storage.ts';
import { DECOMPRESSORS } from './decompress.ts';
import { groupMetrics, RAW_PARSERS } from './group-metrics.ts';
import { KeyCursor } from './key-cursor.ts';
import { RangeFile } from './range-file.ts';
import { type FileNode, RawSchema } from './raw-schema.ts';
import { type StoredValue, type ValueTaker, writeStored } from './stored-value.ts';

/** The keys that are looked for, in whatever canonical form the caller compares them. */
export interface KeyMatcher {
  /** Takes the key values of one row, in the order of `keyColumns`, between `reset` and `match`. */
  readonly taker: ValueTaker;
  reset(): void;
  /** Number of the wanted key that this is, or -1. */
  match(): number;
  /** Whether every key has been found, so that reading may end. */
  readonly done: boolean;
}

export interface LookupQuery {
  /** Fields of the table's current schema; the file's own names and types may be older. */
  readonly keyColumns: readonly NestedField[];
  readonly columns: readonly NestedField[];
  readonly keys: KeyMatcher;
  /** Whether a row group of these bounds can hold a wanted key; default: yes. */
  readonly mayHold?: (group: { readonly metrics: ColumnMetrics }) => boolean;
  /** One row with a wanted key: which one, where in the file, and the values of `columns` (null where the file has none). */
  readonly onRow: (key: number, position: number, values: readonly StoredValue[]) => void;
}

export interface LookupStats {
  readonly bytesRead: number;
  readonly rowsScanned: number;
  readonly rowsFound: number;
  readonly groupsRead: number;
  readonly groupsPruned: number;
}

/**
 * Finds rows by key in one Parquet data file: row groups are pruned by their bounds, of the others the key columns are
 * read, and of the columns wanted only the pages with a hit (whole chunks where the file has no offset index). Memory is
 * bounded by the key columns of one row group and one page of each wanted column.
 *
 * The newest version of a row is found by asking the files from the highest data sequence number down and forgetting each
 * key as it is found: an older version of the key can only be in a file with a lower one. Position deletes are the
 * caller's, by the position given.
 *
 * @throws IcestreamError storage.*, iceberg.format where the file cannot be read
 */
export async function lookupRows(
  file: { readonly storage: Storage; readonly location: string; readonly fileSizeBytes: number },
  query: LookupQuery,
  signal?: AbortSignal,
): Promise<LookupStats> {
  const input = new RangeFile(file.storage, file.location, file.fileSizeBytes, signal);
  try {
    return await new Lookup(input, query, signal).run();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw asIcestreamError(error, 'iceberg.format', { path: file.location });
  }
}

interface Hit {
  /** Within the row group. */
  readonly row: number;
  readonly key: number;
}

type RowGroup = FileMetaData['row_groups'][number];
type Scan = Awaited<ReturnType<typeof parquetScan>>;

/** The footer and, in files of ours, the offset indexes before it. */
const TAIL_BYTES = 128 * 1024;
/** Key columns are decoded for so many rows at a time. */
const ROWS_PER_READ = 32_768;
/** Chunks of key columns up to this size are read in one request. */
const HELD_CHUNK_BYTES = 32 * 1024 * 1024;

class Lookup {
  readonly #input: RangeFile;
  readonly #query: LookupQuery;
  readonly #signal: AbortSignal | undefined;
  #rowsScanned = 0;
  #rowsFound = 0;
  #groupsRead = 0;
  #groupsPruned = 0;

  constructor(input: RangeFile, query: LookupQuery, signal: AbortSignal | undefined) {
    this.#input = input;
    this.#query = query;
    this.#signal = signal;
  }

  async run(): Promise<LookupStats> {
    const input = this.#input;
    const tail = Math.max(0, input.byteLength - TAIL_BYTES);
    await input.hold(tail, input.byteLength);
    const metadata = await parquetMetadataAsync(input, {
      parsers: RAW_PARSERS,
      initialFetchSize: input.byteLength - tail,
      geoparquet: false,
    });
    const schema = new RawSchema(metadata);
    const keys = this.#query.keyColumns.map((field) => schema.find(field));
    // A file from before a key column was added holds no key that anyone can ask for.
    if (keys.every((node) => node !== null)) await this.#readGroups(metadata, schema, keys);
    return {
      bytesRead: input.bytesRead,
      rowsScanned: this.#rowsScanned,
      rowsFound: this.#rowsFound,
      groupsRead: this.#groupsRead,
      groupsPruned: this.#groupsPruned,
    };
  }

  async #readGroups(metadata: FileMetaData, schema: RawSchema, keys: readonly FileNode[]): Promise<void> {
    const { keyColumns, mayHold, keys: matcher } = this.#query;
    const scan = await parquetScan({
      file: this.#input,
      metadata: schema.metadata,
      compressors: DECOMPRESSORS,
      utf8: false,
    });
    let firstRow = 0;
    for (const group of metadata.row_groups) {
      this.#signal?.throwIfAborted();
      if (matcher.done) return;
      const rowCount = Number(group.num_rows);
      if (mayHold !== undefined && !mayHold({ metrics: groupMetrics(group, keyColumns, keys) })) {
        this.#groupsPruned++;
      } else {
        this.#groupsRead++;
        const hits = await this.#scanKeys(scan, group, keys, firstRow, rowCount);
        if (hits.length > 0) await this.#readHits(scan, schema, group, firstRow, hits);
      }
      firstRow += rowCount;
    }
  }

  async #scanKeys(
    scan: Scan,
    group: RowGroup,
    keys: readonly FileNode[],
    firstRow: number,
    rowCount: number,
  ): Promise<Hit[]> {
    const hits: Hit[] = [];
    const held = await this.#holdChunks(group, keys);
    const cursors = this.#openCursors(group, keys);
    for (let row = 0; row < rowCount; row += ROWS_PER_READ) {
      this.#signal?.throwIfAborted();
      const count = Math.min(ROWS_PER_READ, rowCount - row);
      if (cursors !== null) {
        this.#matchCursors(cursors, count, row, hits);
        await yieldToOthers();
      } else {
        const rowStart = firstRow + row;
        const values = await Promise.all(
          keys.map((node) => scan.readColumn({ column: node.name, rowStart, rowEnd: rowStart + count })),
        );
        this.#matchRows(values, count, row, hits);
      }
      this.#rowsScanned += count;
    }
    for (const start of held) this.#input.drop(start);
    return hits;
  }

  /** Null where a key column is stored in a way that the cursor does not know, or too large to be held. */
  #openCursors(group: RowGroup, keys: readonly FileNode[]): KeyCursor[] | null {
    const cursors: KeyCursor[] = [];
    for (const [i, node] of keys.entries()) {
      const meta = chunkOf(group, node).meta_data!;
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      const chunk = this.#input.held(start, start + Number(meta.total_compressed_size));
      const type = this.#query.keyColumns[i].type as PrimitiveType;
      if (chunk === null || !KeyCursor.canRead(meta, type)) return null;
      const cursor = new KeyCursor(chunk, meta, node.typeLength, node.isOptional, type);
      if (!cursor.open()) return null;
      cursors.push(cursor);
    }
    return cursors;
  }

  #matchCursors(cursors: readonly KeyCursor[], count: number, firstRow: number, hits: Hit[]): void {
    const { keys } = this.#query;
    for (let i = 0; i < count; i++) {
      keys.reset();
      let isWhole = true;
      for (let c = 0; c < cursors.length; c++) isWhole = cursors[c].next(keys.taker) && isWhole;
      const key = isWhole ? keys.match() : -1;
      if (key >= 0) hits.push({ row: firstRow + i, key });
    }
  }

  #matchRows(columns: readonly ArrayLike<unknown>[], count: number, firstRow: number, hits: Hit[]): void {
    const { keyColumns, keys } = this.#query;
    for (let i = 0; i < count; i++) {
      keys.reset();
      let isNull = false;
      for (let c = 0; c < columns.length; c++) {
        const value = columns[c][i];
        if (value === null || value === undefined) isNull = true;
        else writeStored(keys.taker, keyColumns[c].type, value as StoredValue);
      }
      const key = isNull ? -1 : keys.match();
      if (key >= 0) hits.push({ row: firstRow + i, key });
    }
  }

  async #holdChunks(group: RowGroup, keys: readonly FileNode[]): Promise<number[]> {
    const held: number[] = [];
    for (const node of keys) {
      const meta = chunkOf(group, node).meta_data!;
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      const size = Number(meta.total_compressed_size);
      if (size > HELD_CHUNK_BYTES) continue;
      await this.#input.hold(start, start + size);
      held.push(start);
    }
    return held;
  }

  async #readHits(
    scan: Scan,
    schema: RawSchema,
    group: RowGroup,
    firstRow: number,
    hits: readonly Hit[],
  ): Promise<void> {
    const { columns } = this.#query;
    const rows: StoredValue[][] = hits.map(() => []);
    for (const [c, field] of columns.entries()) {
      const node = schema.find(field);
      if (node === null) {
        for (const row of rows) row[c] = null;
        continue;
      }
      for (const [from, to] of await this.#runs(group, node, hits)) {
        this.#signal?.throwIfAborted();
        const start = hits[from].row;
        const rowEnd = firstRow + hits[to - 1].row + 1;
        const values = await scan.readColumn({ column: node.name, rowStart: firstRow + start, rowEnd });
        for (let h = from; h < to; h++) {
          rows[h][c] = schema.normalize(node, field.type, values[hits[h].row - start]);
        }
      }
    }
    hits.forEach((hit, h) => {
      this.#query.onRow(hit.key, firstRow + hit.row, rows[h]);
    });
    this.#rowsFound += hits.length;
  }

  /** The hits, as index ranges, that lie in one page each; all of them at once where the pages are not known. */
  async #runs(group: RowGroup, node: FileNode, hits: readonly Hit[]): Promise<[number, number][]> {
    const { offset_index_offset: offset, offset_index_length: length } = chunkOf(group, node);
    if (offset === undefined || length === undefined) return [[0, hits.length]];
    const bytes = await this.#input.slice(Number(offset), Number(offset) + length);
    const { page_locations: pages } = readOffsetIndex({ view: new DataView(bytes), offset: 0 });
    const runs: [number, number][] = [];
    let page = -1;
    hits.forEach((hit, h) => {
      const before = page;
      while (page + 1 < pages.length && Number(pages[page + 1].first_row_index) <= hit.row) page++;
      if (page === before && runs.length > 0) runs[runs.length - 1][1] = h + 1;
      else runs.push([h, h + 1]);
    });
    return runs;
  }
}

function chunkOf(group: RowGroup, node: FileNode): RowGroup['columns'][number] {
  const chunk = group.columns.find((column) => column.meta_data?.path_in_schema[0] === node.name);
  if (chunk !== undefined) return chunk;
  throw new IcestreamError('iceberg.format', 'a row group lacks a column of the schema', {
    context: { column: node.name },
  });
}

/** Between pages decoded without a wait: keepalives and the compression of files being written go on. */
function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
