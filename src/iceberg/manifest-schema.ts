import type { AvroField, AvroNode, AvroSchema } from './avro.ts';
import type { PartitionColumn } from './partition.ts';
import { decimalOf, type PrimitiveType } from './schema.ts';

/** Avro schemas of manifest lists and manifests, format version 2, with the field ids of the specification. */

/** `manifest_file`: what a manifest list says of a manifest (specification, "Manifest Lists"). */
export const MANIFEST_FILE_SCHEMA: AvroSchema = record('manifest_file', [
  field(500, 'manifest_path', 'string'),
  field(501, 'manifest_length', 'long'),
  field(502, 'partition_spec_id', 'int'),
  field(517, 'content', 'int'),
  field(515, 'sequence_number', 'long'),
  field(516, 'min_sequence_number', 'long'),
  field(503, 'added_snapshot_id', 'long'),
  field(504, 'added_files_count', 'int'),
  field(505, 'existing_files_count', 'int'),
  field(506, 'deleted_files_count', 'int'),
  field(512, 'added_rows_count', 'long'),
  field(513, 'existing_rows_count', 'long'),
  field(514, 'deleted_rows_count', 'long'),
  optional(507, 'partitions', {
    type: 'array',
    'element-id': 508,
    items: record('r508', [
      field(509, 'contains_null', 'boolean'),
      optional(518, 'contains_nan', 'boolean'),
      optional(510, 'lower_bound', 'bytes'),
      optional(511, 'upper_bound', 'bytes'),
    ]),
  }),
  optional(519, 'key_metadata', 'bytes'),
]);

/** `manifest_entry`: a file and what happened to it; the partition tuple has the columns of the manifest's spec. */
export function manifestEntrySchema(columns: readonly PartitionColumn[]): AvroSchema {
  return record('manifest_entry', [
    field(0, 'status', 'int'),
    optional(1, 'snapshot_id', 'long'),
    optional(3, 'sequence_number', 'long'),
    optional(4, 'file_sequence_number', 'long'),
    field(2, 'data_file', dataFileSchema(columns)),
  ]);
}

function dataFileSchema(columns: readonly PartitionColumn[]): AvroSchema {
  return record('r2', [
    field(134, 'content', 'int'),
    field(100, 'file_path', 'string'),
    field(101, 'file_format', 'string'),
    field(102, 'partition', record('r102', columns.map(partitionField))),
    field(103, 'record_count', 'long'),
    field(104, 'file_size_in_bytes', 'long'),
    optional(108, 'column_sizes', intMap(117, 118, 'long')),
    optional(109, 'value_counts', intMap(119, 120, 'long')),
    optional(110, 'null_value_counts', intMap(121, 122, 'long')),
    optional(137, 'nan_value_counts', intMap(138, 139, 'long')),
    optional(125, 'lower_bounds', intMap(126, 127, 'bytes')),
    optional(128, 'upper_bounds', intMap(129, 130, 'bytes')),
    optional(131, 'key_metadata', 'bytes'),
    optional(132, 'split_offsets', { type: 'array', items: 'long', 'element-id': 133 }),
    optional(135, 'equality_ids', { type: 'array', items: 'int', 'element-id': 136 }),
    optional(140, 'sort_order_id', 'int'),
    optional(143, 'referenced_data_file', 'string'),
  ]);
}

function partitionField({ field: { name, 'field-id': id }, type }: PartitionColumn): AvroField {
  return optional(id, avroName(name), partitionAvroType(type, id));
}

/** Avro type of a partition value (specification, Appendix A). Fixed types carry the id: names must be unique. */
function partitionAvroType(type: PrimitiveType, id: number): AvroSchema {
  switch (type) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return type;
    case 'binary':
      return 'bytes';
    case 'date':
      return logical('int', 'date');
    case 'time':
      return logical('long', 'time-micros');
    case 'timestamp':
      return { ...logical('long', 'timestamp-micros'), 'adjust-to-utc': false } as AvroNode;
    case 'timestamptz':
      return { ...logical('long', 'timestamp-micros'), 'adjust-to-utc': true } as AvroNode;
    case 'uuid':
      return { type: 'fixed', name: `uuid_fixed_${id}`, size: 16, logicalType: 'uuid' };
    default: {
      const decimal = decimalOf(type);
      if (decimal === null) return { type: 'fixed', name: `fixed_${id}`, size: fixedLength(type) };
      const { precision, scale } = decimal;
      const size = decimalBytes(precision);
      return { type: 'fixed', name: `decimal_${id}`, size, logicalType: 'decimal', precision, scale };
    }
  }
}

/** Fewest bytes whose two's complement holds every unscaled value of a precision. */
export function decimalBytes(precision: number): number {
  let bytes = 1;
  while ((1n << BigInt(8 * bytes - 1)) - 1n < 10n ** BigInt(precision) - 1n) bytes++;
  return bytes;
}

function fixedLength(type: PrimitiveType): number {
  return Number(/^fixed\[(\d+)\]$/.exec(type)?.[1] ?? 0);
}

/** A name that Avro accepts, changed as the reference implementation changes it: `order-date` is `order_x2Ddate`. */
export function avroName(name: string): string {
  let result = '';
  for (let i = 0; i < name.length; i++) {
    const char = name[i];
    if (/[A-Za-z_]/.test(char) || (i > 0 && /[0-9]/.test(char))) result += char;
    else if (/[0-9]/.test(char)) result += `_${char}`;
    else result += `_x${char.charCodeAt(0).toString(16).toUpperCase()}`;
  }
  return result;
}

function record(name: string, fields: readonly AvroField[]): AvroNode {
  return { type: 'record', name, fields };
}

function field(id: number, name: string, type: AvroSchema): AvroField {
  return { name, type, 'field-id': id };
}

function optional(id: number, name: string, type: AvroSchema): AvroField {
  return { name, type: ['null', type], default: null, 'field-id': id };
}

function logical(type: 'int' | 'long', logicalType: string): AvroNode {
  return { type, logicalType };
}

/** Avro maps have string keys only; a map by field id is an array of pairs. */
function intMap(keyId: number, valueId: number, value: 'long' | 'bytes'): AvroNode {
  const pair = record(`k${keyId}_v${valueId}`, [field(keyId, 'key', 'int'), field(valueId, 'value', value)]);
  return { type: 'array', items: pair, logicalType: 'map' };
}
