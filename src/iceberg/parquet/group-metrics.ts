import type { FileMetaData, ParquetParsers } from 'hyparquet';
import type { ColumnMetrics, PartitionValue } from '../file.ts';
import type { NestedField, PrimitiveType } from '../schema.ts';
import { encodeValue } from '../values.ts';
import type { FileNode } from './raw-schema.ts';

/** Statistics without the losses of hyparquet's own conversions. */
export const RAW_PARSERS: Partial<ParquetParsers> = {
  dateFromDays: (days) => days,
  timestampFromMicroseconds: (micros) => micros,
  stringFromBytes: (bytes) => bytes,
  uuidFromBytes: (bytes) => bytes,
};

/** What a row group's statistics say of the key columns, in the form of a file's metrics. */
export function groupMetrics(
  group: FileMetaData['row_groups'][number],
  fields: readonly NestedField[],
  nodes: readonly FileNode[],
): ColumnMetrics {
  const valueCounts = new Map<number, bigint>();
  const nullValueCounts = new Map<number, bigint>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  fields.forEach((field, i) => {
    const chunk = group.columns.find((column) => column.meta_data?.path_in_schema[0] === nodes[i].name);
    if (chunk?.meta_data === undefined) return;
    const { statistics, num_values: count } = chunk.meta_data;
    valueCounts.set(field.id, count);
    if (statistics?.null_count !== undefined) nullValueCounts.set(field.id, BigInt(statistics.null_count));
    const lower = singleValue(field.type as PrimitiveType, statistics?.min_value);
    const upper = singleValue(field.type as PrimitiveType, statistics?.max_value);
    if (lower !== null) lowerBounds.set(field.id, lower);
    if (upper !== null) upperBounds.set(field.id, upper);
  });
  const none = new Map<number, bigint>();
  return { columnSizes: none, nanValueCounts: none, valueCounts, nullValueCounts, lowerBounds, upperBounds };
}

/** Null where there is no bound that can be trusted: hyparquet gives decimals as doubles. */
function singleValue(type: PrimitiveType, value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return type.startsWith('decimal') ? null : value;
  switch (type) {
    case 'int':
    case 'date':
      return typeof value === 'number' ? encodeValue(type, value) : null;
    case 'long':
      return isWhole(value) ? encodeValue(type, BigInt(value)) : null;
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return typeof value === 'bigint' ? encodeValue(type, value as PartitionValue & bigint) : null;
    default:
      return null;
  }
}

function isWhole(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}
