import type { IcebergType, NestedField } from '../../iceberg/schema.ts';
import type { LogicalType } from '../../record/value.ts';

/**
 * Version of the mapping below, stored with every table that we create (`icestream.type-mapping`): a later mapping must
 * not change the types of tables that exist (rule L-10).
 */
export const TYPE_MAPPING_VERSION = 1;

const DECIMAL_PRECISION_MAX = 38;

/** Hands out field ids; nested fields need ids of their own. */
export type NextFieldId = () => number;

/** The lake's type of a logical type; see docs/types.md for the whole table and its reasons. */
export function lakeType(type: LogicalType, nextId: NextFieldId): IcebergType {
  switch (type.kind) {
    case 'boolean':
      return 'boolean';
    case 'int16':
    case 'int32':
      return 'int';
    case 'int64':
      return 'long';
    case 'float32':
      return 'float';
    case 'float64':
      return 'double';
    case 'decimal':
      return decimalType(type.precision, type.scale);
    case 'string':
    case 'json':
    case 'xml':
    case 'enum':
    case 'bits':
    case 'timetz':
    case 'interval':
      return 'string';
    case 'uuid':
      return 'uuid';
    case 'bytes':
      return 'binary';
    case 'date':
      return 'date';
    case 'time':
      return 'time';
    case 'timestamp':
      return 'timestamp';
    case 'timestamptz':
      return 'timestamptz';
    case 'list': {
      const id = nextId();
      return {
        type: 'list',
        'element-id': id,
        element: lakeType(type.element, nextId),
        'element-required': false,
      };
    }
    case 'map': {
      const keyId = nextId();
      const valueId = nextId();
      const value = lakeType(type.value, nextId);
      return {
        type: 'map',
        'key-id': keyId,
        key: 'string',
        'value-id': valueId,
        value,
        'value-required': false,
      };
    }
    case 'struct':
      return { type: 'struct', fields: type.fields.map((field) => structField(field, nextId)) };
  }
}

function structField(field: { name: string; type: LogicalType }, nextId: NextFieldId): NestedField {
  const id = nextId();
  return { id, name: field.name, required: false, type: lakeType(field.type, nextId) };
}

/**
 * decimal(p, s) where Iceberg has it; a scale below zero or above the precision is widened to a type that holds the same
 * values; what has no fixed scale or more than 38 digits becomes a string with all its digits.
 */
function decimalType(precision: number | null, scale: number | null): IcebergType {
  if (precision === null || scale === null) return 'string';
  const p = scale < 0 ? precision - scale : Math.max(precision, scale);
  const s = Math.max(0, scale);
  return p <= DECIMAL_PRECISION_MAX ? `decimal(${p}, ${s})` : 'string';
}
