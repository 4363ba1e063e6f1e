import type { LiveFile, PartitionValue } from '../../iceberg/file.ts';
import { pruneByKeyBounds } from '../../iceberg/key-range.ts';
import type { ManifestCache } from '../../iceberg/manifest-cache.ts';
import { currentSchema } from '../../iceberg/metadata.ts';
import { type KeyMatcher, lookupRows } from '../../iceberg/parquet/lookup.ts';
import type { StoredValue } from '../../iceberg/parquet/stored-value.ts';
import { planScan } from '../../iceberg/scan.ts';
import type { NestedField, PrimitiveType } from '../../iceberg/schema.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import { KeyBytes } from './key-bytes.ts';
import { KeyIndex } from './key-index.ts';
import { readKey } from './key-reader.ts';
import type { LakeTable } from './lake-table.ts';
import { adaptKeyValue } from './value-adapter.ts';
import { ValueHolder } from './value-holder.ts';

/** One key that is looked for: where an image has it, and what the caller calls it. */
export interface WantedKey {
  readonly batch: ChangeBatch;
  readonly cell: number;
  readonly schema: TableSchema;
  readonly tag: number;
}

export interface LookupContext {
  readonly manifests: ManifestCache;
  readonly signal: AbortSignal;
  readonly onRead: (bytes: number) => void;
}

export type OnFound = (tag: number, file: LiveFile, values: readonly StoredValue[]) => void;

/**
 * Finds the newest row of each key in the table as it is now, and reads `columns` of it. Files are asked from the newest
 * down and each key is forgotten once found, so that an older, deleted row of the key is never taken for it.
 *
 * Of keys that are not in the lake nothing is heard; of one deleted there, an old row may be (rule P-6 and L-3: both ask
 * for keys that the source says are there, or do no harm with what is not).
 */
export async function lookupKeys(
  table: LakeTable,
  wanted: readonly WantedKey[],
  columns: readonly NestedField[],
  context: LookupContext,
  onFound: OnFound,
): Promise<void> {
  if (wanted.length === 0 || table.loaded === null) return;
  const loaded = table.loaded;
  const keyFields = keyFieldsOf(table);
  const keys = new WantedKeys(wanted);
  const values = wanted.map((key) => keyValues(key, keyFields));
  const accept = pruneByKeyBounds(
    loaded.metadata,
    keyFields.map((field) => field.id),
    values,
  );
  const files: LiveFile[] = [];
  const scan = planScan(loaded, { accept, cache: context.manifests, signal: context.signal });
  for await (const { file } of scan) files.push(file);
  files.sort((a, b) => Number(b.dataSequenceNumber - a.dataSequenceNumber));
  for (const live of files) {
    if (keys.done) return;
    const location = {
      storage: loaded.storage,
      location: live.file.path,
      fileSizeBytes: Number(live.file.fileSizeBytes),
    };
    const query = {
      keyColumns: keyFields,
      columns,
      keys,
      mayHold: (group: { metrics: typeof live.file.metrics }) =>
        accept({ ...live.file, metrics: group.metrics }),
      onRow: (key: number, _position: number, found: readonly StoredValue[]) =>
        onFound(wanted[key].tag, live, found),
    };
    const stats = await lookupRows(location, query, context.signal);
    context.onRead(stats.bytesRead);
  }
}

/** The lake fields that rows are merged by, in the order of the key. */
export function keyFieldsOf(table: LakeTable): NestedField[] {
  const { fields } = currentSchema(table.loaded!.metadata);
  const { keyColumns, columns } = table.latest!;
  return keyColumns.map((column) => fields.find((field) => field.name === columns[column].name)!);
}

function keyValues(key: WantedKey, fields: readonly NestedField[]): PartitionValue[] {
  return key.schema.keyColumns.map((column, i) => {
    const type = fields[i].type as PrimitiveType;
    const holder = new ValueHolder(type);
    const { type: logical, codec } = key.schema.columns[column];
    const start = key.batch.cellStart[key.cell + column];
    const end = start + key.batch.cellLength[key.cell + column];
    codec.read(key.batch.bytes, start, end, adaptKeyValue(logical, type, holder));
    return holder.value;
  });
}

/** The wanted keys in canonical bytes, each to be found once. */
class WantedKeys implements KeyMatcher {
  readonly taker = new KeyBytes();
  readonly #index = new KeyIndex();
  /** Which of the wanted keys an entry of the index is. */
  readonly #wantedOf: number[] = [];
  readonly #found: Uint8Array;
  #left: number;

  constructor(wanted: readonly WantedKey[]) {
    wanted.forEach(({ batch, cell, schema }, i) => {
      readKey(batch, cell, schema, this.taker);
      const entry = this.#index.entry(this.taker);
      this.#wantedOf[entry] ??= i;
    });
    this.#left = this.#index.count;
    this.#found = new Uint8Array(this.#index.count);
  }

  reset(): void {
    this.taker.reset();
  }

  match(): number {
    const entry = this.#index.find(this.taker);
    if (entry < 0 || this.#found[entry] === 1) return -1;
    this.#found[entry] = 1;
    this.#left--;
    return this.#wantedOf[entry];
  }

  get done(): boolean {
    return this.#left === 0;
  }
}
