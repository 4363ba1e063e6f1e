import { IcestreamError } from '../base/errors.ts';
import type { DataFile, LiveFile } from './file.ts';
import { type KeyRange, keyColumns, keyRanges, rangesMeet } from './key-range.ts';
import type { TableMetadata } from './metadata.ts';
import { partitionKey } from './partition.ts';
import type { PartitionSpec } from './schema.ts';

/** The delete files of a snapshot, found by the data file that they apply to (specification, "Scan Planning"). */
export class DeleteIndex {
  readonly #metadata: TableMetadata;
  /** Equality deletes under an unpartitioned spec reach every partition. */
  readonly #global = new EqualityDeletes();
  readonly #equalityByPartition = new Map<string, EqualityDeletes>();
  readonly #positionByPartition = new Map<string, LiveFile[]>();
  readonly #positionByPath = new Map<string, LiveFile[]>();
  readonly #columns = new Map<string, KeyColumns>();
  #count = 0;

  constructor(metadata: TableMetadata) {
    this.#metadata = metadata;
  }

  add(live: LiveFile): void {
    this.#count++;
    const { file } = live;
    if (file.format === 'PUFFIN') {
      throw new IcestreamError('iceberg.unsupported-table', 'deletion vectors are not read', {
        context: { path: file.path },
      });
    }
    const key = partitionKey(file.specId, file.partition);
    if (file.content === 'equality-deletes') {
      const columns = this.#columnsOf(file.equalityIds ?? []);
      const list = isUnpartitioned(live.spec) ? this.#global : this.#equalityList(key);
      list.add({ live, columns, ranges: keyRanges(file, columns) });
      return;
    }
    const path = file.referencedDataFile ?? null;
    if (path === null) append(this.#positionByPartition, key, live);
    else append(this.#positionByPath, path, live);
  }

  /** The deletes that apply to a data file, position deletes last. */
  find(data: LiveFile): readonly LiveFile[] {
    if (this.#count === 0) return [];
    const { file } = data;
    const key = partitionKey(file.specId, file.partition);
    const rangesOf = this.#rangesOf(file);
    const found: LiveFile[] = [];
    this.#global.find(data, rangesOf, found);
    this.#equalityByPartition.get(key)?.find(data, rangesOf, found);
    for (const live of this.#positionByPartition.get(key) ?? []) {
      if (data.dataSequenceNumber <= live.dataSequenceNumber && mayNamePath(live.file, file.path))
        found.push(live);
    }
    for (const live of this.#positionByPath.get(file.path) ?? []) {
      if (data.dataSequenceNumber <= live.dataSequenceNumber) found.push(live);
    }
    return found;
  }

  #equalityList(key: string): EqualityDeletes {
    let list = this.#equalityByPartition.get(key);
    if (list === undefined) this.#equalityByPartition.set(key, (list = new EqualityDeletes()));
    return list;
  }

  #columnsOf(fieldIds: readonly number[]): KeyColumns {
    const key = fieldIds.join(' ');
    let columns = this.#columns.get(key);
    if (columns === undefined) this.#columns.set(key, (columns = keyColumns(this.#metadata, fieldIds)));
    return columns;
  }

  /** The data file's ranges for the keys of delete files, worked out once per set of key columns. */
  #rangesOf(file: DataFile): RangesOf {
    const known = new Map<KeyColumns, readonly (KeyRange | null)[]>();
    return (columns) => {
      let ranges = known.get(columns);
      if (ranges === undefined) known.set(columns, (ranges = keyRanges(file, columns)));
      return ranges;
    };
  }
}

type KeyColumns = ReturnType<typeof keyColumns>;
type RangesOf = (columns: KeyColumns) => readonly (KeyRange | null)[];

interface EqualityDelete {
  readonly live: LiveFile;
  /** One object for each set of key columns, so that it can stand for the set. */
  readonly columns: KeyColumns;
  readonly ranges: readonly (KeyRange | null)[];
}

class EqualityDeletes {
  readonly #deletes: EqualityDelete[] = [];
  #isSorted = true;

  add(entry: EqualityDelete): void {
    this.#deletes.push(entry);
    this.#isSorted = false;
  }

  /** Only deletes of later commits apply: one never reaches rows of its own (strictly less, rule L-2). */
  find(data: LiveFile, rangesOf: RangesOf, found: LiveFile[]): void {
    if (!this.#isSorted) this.#sort();
    for (let i = this.#firstAfter(data.dataSequenceNumber); i < this.#deletes.length; i++) {
      const { live, columns, ranges } = this.#deletes[i];
      if (rangesMeet(rangesOf(columns), ranges)) found.push(live);
    }
  }

  #sort(): void {
    this.#deletes.sort((a, b) => Number(a.live.dataSequenceNumber - b.live.dataSequenceNumber));
    this.#isSorted = true;
  }

  #firstAfter(sequenceNumber: bigint): number {
    let low = 0;
    let high = this.#deletes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#deletes[middle].live.dataSequenceNumber <= sequenceNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A spec without fields, or one whose fields were all dropped in version 1 (`void`). */
export function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform === 'void');
}

/** `file_path` in position delete files. */
const PATH_FIELD_ID = 2147483546;

function mayNamePath(file: DataFile, path: string): boolean {
  const lower = file.metrics.lowerBounds.get(PATH_FIELD_ID);
  const upper = file.metrics.upperBounds.get(PATH_FIELD_ID);
  const bytes = Buffer.from(path);
  return (
    (lower === undefined || Buffer.compare(bytes, lower) >= 0) &&
    (upper === undefined || Buffer.compare(bytes, upper) <= 0)
  );
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
