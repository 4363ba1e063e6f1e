import type { DataFile, PartitionValue } from './file.ts';
import type { TableMetadata } from './metadata.ts';
import { columnType } from './partition.ts';
import type { PrimitiveType } from './schema.ts';
import { compareValues, decodeValue } from './values.ts';

/**
 * What a file's statistics say of one key column. Bounds that were cut to a width still enclose all values, so every
 * answer drawn from them is either "certainly not" or "perhaps".
 */
export interface KeyRange {
  readonly type: PrimitiveType;
  /** Null where unknown. */
  readonly lower: Exclude<PartitionValue, null> | null;
  readonly upper: Exclude<PartitionValue, null> | null;
  readonly mayHoldNull: boolean;
  readonly mayHoldValue: boolean;
}

/** The ranges of key columns in a file; null for columns of unknown type, about which nothing can be said. */
export function keyRanges(
  file: DataFile,
  columns: readonly { readonly id: number; readonly type: PrimitiveType | null }[],
): readonly (KeyRange | null)[] {
  const { metrics } = file;
  return columns.map(({ id, type }) => {
    if (type === null) return null;
    const lower = metrics.lowerBounds.get(id);
    const upper = metrics.upperBounds.get(id);
    const nulls = metrics.nullValueCounts.get(id);
    const values = metrics.valueCounts.get(id);
    return {
      type,
      lower: lower === undefined ? null : decodeValue(type, lower),
      upper: upper === undefined ? null : decodeValue(type, upper),
      mayHoldNull: nulls === undefined || nulls > 0n,
      mayHoldValue: nulls === undefined || values === undefined || nulls < values,
    };
  });
}

export function keyColumns(
  metadata: TableMetadata,
  fieldIds: readonly number[],
): readonly { readonly id: number; readonly type: PrimitiveType | null }[] {
  return fieldIds.map((id) => ({ id, type: columnType(metadata, id) }));
}

/** Whether two files can have a key in common. */
export function rangesMeet(left: readonly (KeyRange | null)[], right: readonly (KeyRange | null)[]): boolean {
  for (let i = 0; i < left.length; i++) {
    const a = left[i];
    const b = right[i];
    if (a !== null && b !== null && !columnsMeet(a, b)) return false;
  }
  return true;
}

function columnsMeet(a: KeyRange, b: KeyRange): boolean {
  if (a.mayHoldNull && b.mayHoldNull) return true;
  if (!a.mayHoldValue || !b.mayHoldValue) return false;
  if (a.lower !== null && b.upper !== null && compareValues(a.type, a.lower, b.upper) > 0) return false;
  return !(a.upper !== null && b.lower !== null && compareValues(a.type, a.upper, b.lower) < 0);
}

/**
 * A test for data files: whether one may hold any of the wanted keys, each a value per column of `fieldIds`. Columns are
 * looked at one by one, which is exact enough: it errs only towards reading a file.
 */
export function pruneByKeyBounds(
  metadata: TableMetadata,
  fieldIds: readonly number[],
  keys: readonly (readonly PartitionValue[])[],
): (file: DataFile) => boolean {
  const columns = keyColumns(metadata, fieldIds);
  const wanted = columns.map(({ type }, i) => (type === null ? null : wantedValues(type, keys, i)));
  return (file) => {
    const ranges = keyRanges(file, columns);
    return keys.length > 0 && ranges.every((range, i) => range === null || mayHold(range, wanted[i]!));
  };
}

interface WantedValues {
  /** In ascending order. */
  readonly values: readonly Exclude<PartitionValue, null>[];
  readonly hasNull: boolean;
}

function wantedValues(
  type: PrimitiveType,
  keys: readonly (readonly PartitionValue[])[],
  column: number,
): WantedValues {
  const values: Exclude<PartitionValue, null>[] = [];
  let hasNull = false;
  for (const key of keys) {
    const value = key[column];
    if (value === null || value === undefined) hasNull = true;
    else values.push(value);
  }
  return { values: values.sort((a, b) => compareValues(type, a, b)), hasNull };
}

function mayHold(range: KeyRange, wanted: WantedValues): boolean {
  if (wanted.hasNull && range.mayHoldNull) return true;
  if (!range.mayHoldValue) return false;
  const { lower, type } = range;
  const first = lower === null ? 0 : firstNotBelow(wanted.values, type, lower);
  if (first === wanted.values.length) return false;
  return range.upper === null || compareValues(type, wanted.values[first], range.upper) <= 0;
}

function firstNotBelow(
  values: readonly Exclude<PartitionValue, null>[],
  type: PrimitiveType,
  bound: Exclude<PartitionValue, null>,
): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareValues(type, values[middle], bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
