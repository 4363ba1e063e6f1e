import type { AvroRecord } from './avro.ts';
import type { ColumnMetrics, DataFile, FileContent, PartitionValue } from './file.ts';
import { decimalBytes } from './manifest-schema.ts';
import type { PartitionColumn } from './partition.ts';
import { decimalOf, type PrimitiveType } from './schema.ts';
import { fromTwosComplement, twosComplement } from './values.ts';

/** The `data_file` struct of a manifest entry as an Avro record, and back. */

const CONTENTS: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes'];

export function dataFileRecord(file: DataFile, columns: readonly PartitionColumn[]): AvroRecord {
  const { metrics } = file;
  return {
    _134: CONTENTS.indexOf(file.content),
    _100: file.path,
    _101: file.format ?? 'PARQUET',
    _102: partitionRecord(file.partition, columns),
    _103: file.recordCount,
    _104: file.fileSizeBytes,
    _108: pairs(metrics.columnSizes, '_117', '_118'),
    _109: pairs(metrics.valueCounts, '_119', '_120'),
    _110: pairs(metrics.nullValueCounts, '_121', '_122'),
    _137: pairs(metrics.nanValueCounts, '_138', '_139'),
    _125: bytePairs(metrics.lowerBounds, '_126', '_127'),
    _128: bytePairs(metrics.upperBounds, '_129', '_130'),
    _131: file.keyMetadata == null ? null : asBuffer(file.keyMetadata),
    _132: file.splitOffsets.length === 0 ? null : file.splitOffsets,
    _135: file.equalityIds,
    _140: file.sortOrderId,
    _143: file.referencedDataFile ?? null,
  };
}

/** A reader of `data_file` records of a spec. */
export function dataFileReader(
  specId: number,
  columns: readonly PartitionColumn[],
): (record: AvroRecord) => DataFile {
  return (record) => {
    const partition = (record._102 ?? {}) as AvroRecord;
    return {
      content: CONTENTS[(record._134 as number | undefined) ?? 0],
      path: record._100 as string,
      format: (record._101 as string).toUpperCase(),
      specId,
      partition: columns.map(({ field, type }) => partitionValue(partition[`_${field['field-id']}`], type)),
      recordCount: record._103 as bigint,
      fileSizeBytes: record._104 as bigint,
      metrics: readMetrics(record),
      splitOffsets: (record._132 as bigint[] | null | undefined) ?? [],
      equalityIds: (record._135 as number[] | null | undefined) ?? null,
      sortOrderId: (record._140 as number | null | undefined) ?? null,
      referencedDataFile: (record._143 as string | null | undefined) ?? null,
      keyMetadata: (record._131 as Uint8Array | null | undefined) ?? null,
    };
  };
}

function readMetrics(record: AvroRecord): ColumnMetrics {
  return {
    columnSizes: mapOf<bigint>(record._108, '_117', '_118'),
    valueCounts: mapOf<bigint>(record._109, '_119', '_120'),
    nullValueCounts: mapOf<bigint>(record._110, '_121', '_122'),
    nanValueCounts: mapOf<bigint>(record._137, '_138', '_139'),
    lowerBounds: mapOf<Uint8Array>(record._125, '_126', '_127'),
    upperBounds: mapOf<Uint8Array>(record._128, '_129', '_130'),
  };
}

function pairs(map: ReadonlyMap<number, bigint>, key: string, value: string): AvroRecord[] | null {
  if (map.size === 0) return null;
  return Array.from(map, ([id, count]) => ({ [key]: id, [value]: count }));
}

function bytePairs(map: ReadonlyMap<number, Uint8Array>, key: string, value: string): AvroRecord[] | null {
  if (map.size === 0) return null;
  return Array.from(map, ([id, bytes]) => ({ [key]: id, [value]: asBuffer(bytes) }));
}

const NO_PAIRS = new Map<number, never>() as ReadonlyMap<number, never>;

function mapOf<V>(list: unknown, key: string, value: string): ReadonlyMap<number, V> {
  if (list === null || list === undefined) return NO_PAIRS as ReadonlyMap<number, V>;
  const map = new Map<number, V>();
  for (const pair of list as AvroRecord[]) map.set(pair[key] as number, pair[value] as V);
  return map;
}

function partitionRecord(values: readonly PartitionValue[], columns: readonly PartitionColumn[]): AvroRecord {
  const record: AvroRecord = {};
  columns.forEach(({ field, type }, i) => {
    record[`_${field['field-id']}`] = avroValue(values[i] ?? null, type);
  });
  return record;
}

function avroValue(value: PartitionValue, type: PrimitiveType): unknown {
  if (value === null) return null;
  const decimal = decimalOf(type);
  if (decimal !== null) return padDecimal(value as bigint, decimalBytes(decimal.precision));
  return value instanceof Uint8Array ? asBuffer(value) : value;
}

/** Avro's fixed decimals are as wide as their precision needs, filled up with the sign. */
function padDecimal(unscaled: bigint, size: number): Buffer {
  const short = twosComplement(unscaled);
  const bytes = Buffer.alloc(size, unscaled < 0n ? 0xff : 0);
  bytes.set(short, size - short.length);
  return bytes;
}

/** A partition value as it was written, in the form of its present type: the source column may have been widened. */
function partitionValue(value: unknown, type: PrimitiveType): PartitionValue {
  if (value === null || value === undefined) return null;
  if (decimalOf(type) !== null) return fromTwosComplement(value as Uint8Array);
  switch (type) {
    case 'int':
    case 'date':
    case 'float':
    case 'double':
      return Number(value);
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return BigInt(value as number | bigint);
    default:
      return value as PartitionValue;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
