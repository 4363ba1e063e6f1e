import { IcestreamError } from '../base/errors.ts';
import type {
  ConnectField,
  ConnectList,
  ConnectMap,
  ConnectSchema,
  ConnectValue,
} from '../record/connect-schema.ts';
import { holeOf, holeWithDefault, mappedHole } from '../record/hole.ts';

export const STRING: ConnectSchema = { type: 'string', optional: false };
export const OPTIONAL_STRING: ConnectSchema = { type: 'string', optional: true };

/**
 * What is worked out once per schema. Keyed by identity: a table's events share their schema objects, and what a transform
 * makes of one is the same object again for the next transform and for the converter.
 */
export function perSchema<T>(derive: (schema: ConnectSchema) => T): (schema: ConnectSchema) => T {
  const known = new WeakMap<ConnectSchema, T>();
  let lastSchema: ConnectSchema | null = null;
  let last: T | undefined;
  return (schema) => {
    if (schema === lastSchema) return last as T;
    let derived = known.get(schema);
    if (derived === undefined && !known.has(schema)) {
      derived = derive(schema);
      known.set(schema, derived);
    }
    lastSchema = schema;
    last = derived;
    return derived as T;
  };
}

/** Name, version, doc and parameters, not whether it is optional nor its default (SchemaUtil.copySchemaBasics). */
export function basicsOf(schema: ConnectSchema): Omit<ConnectSchema, 'type' | 'optional'> {
  const { name, version, doc, parameters } = schema;
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(doc !== undefined && { doc }),
    ...(parameters !== undefined && { parameters }),
  };
}

/** The same schema, but optional, without a default; a struct loses its fields, as in Connect. */
export function optionalCopy(schema: ConnectSchema): ConnectSchema {
  const { type, keys, values } = schema;
  const nested = type === 'struct' ? { fields: [] } : { ...(keys && { keys }), ...(values && { values }) };
  return { type, optional: true, ...basicsOf(schema), ...nested };
}

/** A struct like `schema` with other fields; required, as Connect's transforms leave it. */
export function structLike(schema: ConnectSchema, fields: readonly ConnectField[]): ConnectSchema {
  const names = new Set<string>();
  for (const { name } of fields) {
    if (names.has(name)) throw failed(`Cannot create field because of field name duplication ${name}`);
    names.add(name);
  }
  return { type: 'struct', optional: false, ...basicsOf(schema), fields };
}

/** Where a field stands in a struct; -1: nowhere. */
export function fieldIndex(schema: ConnectSchema, name: string): number {
  return schema.fields?.findIndex((field) => field.name === name) ?? -1;
}

/** A value as Struct.get gives it: the schema's default where it is null. */
export function orDefault(schema: ConnectSchema, value: ConnectValue | undefined): ConnectValue {
  const ifNull = schema.default;
  if (value === null || value === undefined) return ifNull ?? null;
  if (ifNull === undefined || ifNull === null) return value;
  const hole = holeOf(value);
  return hole === undefined ? value : holeWithDefault(hole, ifNull);
}

/** A field of a struct that may be null, as `orDefault` gives it. */
export function fieldOf(struct: ConnectValue, schema: ConnectSchema, index: number): ConnectValue {
  if (struct === null) return null;
  const hole = holeOf(struct);
  if (hole === undefined) return orDefault(schema, (struct as ConnectList)[index]);
  return mappedHole(hole, schema, (value) => fieldOf(value, schema, index));
}

/** What `apply`, which never fails, makes of a value, null included. */
export function mapped(
  value: ConnectValue,
  schema: ConnectSchema,
  apply: (value: ConnectValue) => ConnectValue,
): ConnectValue {
  const hole = holeOf(value);
  return hole === undefined ? apply(value) : mappedHole(hole, schema, apply);
}

/** @throws IcestreamError transform.record */
export function requireStruct(
  schema: ConnectSchema | null,
  value: ConnectValue,
  purpose: string,
): ConnectList {
  if (schema?.type === 'struct' && value !== null) return value as ConnectList;
  throw failed(`Only Struct objects supported for [${purpose}], found: ${typeText(schema, value)}`);
}

/** A value without a schema. @throws IcestreamError transform.record */
export function requireMap(value: ConnectValue, purpose: string): ConnectMap {
  if (value instanceof Map) return value;
  throw failed(
    `Only Map objects supported in absence of schema for [${purpose}], found: ${typeText(null, value)}`,
  );
}

/** The record cannot be transformed; `message` names fields and types, never values. */
export function failed(message: string, cause?: unknown): IcestreamError {
  return new IcestreamError('transform.record', message, { cause });
}

export function typeText(schema: ConnectSchema | null, value: ConnectValue): string {
  if (value === null) return 'null';
  if (schema !== null) return schema.name === undefined ? schema.type : `${schema.type} ${schema.name}`;
  if (value instanceof Map) return 'map';
  if (Array.isArray(value)) return 'array';
  return value instanceof Uint8Array ? 'bytes' : typeof value;
}
