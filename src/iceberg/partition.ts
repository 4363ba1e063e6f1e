import { IcestreamError } from '../base/errors.ts';
import type { PartitionValue } from './file.ts';
import type { TableMetadata } from './metadata.ts';
import type { NestedField, PartitionField, PartitionSpec, PrimitiveType, StructType } from './schema.ts';
import { transformResultType } from './transform.ts';
import { compareValues, encodeValue } from './values.ts';

/** One column of a spec's partition tuples. */
export interface PartitionColumn {
  readonly field: PartitionField;
  readonly type: PrimitiveType;
}

/**
 * Columns and types of a spec's tuples. A source column may be gone from the current schema; older schemas still tell
 * its type. `iceberg.unsupported-table` for transforms that are not known.
 */
export function partitionColumns(metadata: TableMetadata, spec: PartitionSpec): readonly PartitionColumn[] {
  return spec.fields.map((field) => {
    const type = columnType(metadata, field['source-id']);
    if (type !== null) return { field, type: transformResultType(field.transform, type) };
    throw new IcestreamError('iceberg.format', 'the source column of a partition field is in no schema', {
      context: { location: metadata.location, field: field.name, sourceId: field['source-id'] },
    });
  });
}

/** The type of a primitive column by its id: in the current schema, else in the newest that has it. */
export function columnType(metadata: TableMetadata, id: number): PrimitiveType | null {
  const current = metadata['current-schema-id'];
  const newestFirst = [...metadata.schemas].sort(
    (a, b) => rank(b['schema-id'], current) - rank(a['schema-id'], current),
  );
  for (const schema of newestFirst) {
    const field = findField(schema, id);
    if (field !== null && typeof field.type === 'string') return field.type;
  }
  return null;
}

function rank(schemaId: number, current: number): number {
  return schemaId === current ? Number.POSITIVE_INFINITY : schemaId;
}

/** A field by its id, also inside of structs (not in lists or maps, whose values cannot be partition sources or keys). */
export function findField(struct: StructType, id: number): NestedField | null {
  for (const field of struct.fields) {
    if (field.id === id) return field;
    if (typeof field.type === 'object' && field.type.type === 'struct') {
      const nested = findField(field.type, id);
      if (nested !== null) return nested;
    }
  }
  return null;
}

/** A partition as a string that is equal for equal tuples of the same spec, for use as a map's key. */
export function partitionKey(specId: number, values: readonly PartitionValue[]): string {
  let key = String(specId);
  for (const value of values) key += `\u0000${valueKey(value)}`;
  return key;
}

function valueKey(value: PartitionValue): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('latin1')}`;
  if (Object.is(value, -0)) return 'v-0';
  return typeof value === 'string' ? `s${value.replaceAll('\u0000', '\u0000\u0001')}` : `v${value}`;
}

/** `field_summary` of the manifest list: what values a partition column has in a manifest. */
export interface FieldSummary {
  readonly containsNull: boolean;
  readonly containsNan: boolean | null;
  readonly lowerBound: Uint8Array | null;
  readonly upperBound: Uint8Array | null;
}

/** Gathers the summary of one partition column. */
export class SummaryBuilder {
  readonly #type: PrimitiveType;
  #containsNull = false;
  #containsNan = false;
  #lower: Exclude<PartitionValue, null> | null = null;
  #upper: Exclude<PartitionValue, null> | null = null;

  constructor(type: PrimitiveType) {
    this.#type = type;
  }

  add(value: PartitionValue): void {
    if (value === null) {
      this.#containsNull = true;
    } else if (typeof value === 'number' && Number.isNaN(value)) {
      this.#containsNan = true;
    } else {
      if (this.#lower === null || compareValues(this.#type, value, this.#lower) < 0) this.#lower = value;
      if (this.#upper === null || compareValues(this.#type, value, this.#upper) > 0) this.#upper = value;
    }
  }

  build(): FieldSummary {
    return {
      containsNull: this.#containsNull,
      containsNan: this.#containsNan,
      lowerBound: this.#lower === null ? null : encodeValue(this.#type, this.#lower),
      upperBound: this.#upper === null ? null : encodeValue(this.#type, this.#upper),
    };
  }
}
