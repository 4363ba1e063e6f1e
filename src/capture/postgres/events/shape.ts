import type { ConnectSchema, ConnectType, ConnectValue } from '../../../record/connect-schema.ts';
import type { ValueWriter } from '../../../record/value.ts';

/** How Debezium has the values of a type: the schema, and how a codec's calls become values of it. */
export interface Shape {
  /** Of a column that is NOT NULL and has no default. */
  readonly schema: ConnectSchema;
  /** A writer for the type's codec; `out` itself where its calls are right as they are. */
  adapt(out: ValueWriter): ValueWriter;
  /** As EventField's. */
  adaptRead?(out: ValueWriter): ValueWriter;
  /** What Debezium puts in place of a value that a column NOT NULL without a default does not have. */
  readonly zero: ConnectValue;
  /** For an unchanged large value; absent: of a type that is never large. */
  readonly unavailable?: ConnectValue;
}

/** A logical type: all of Debezium's and Connect's have version 1. */
export function named(
  type: ConnectType,
  name: string,
  parameters?: Readonly<Record<string, string>>,
): ConnectSchema {
  const schema = { type, optional: false, name, version: 1 };
  return parameters === undefined ? schema : { ...schema, parameters };
}

export function asIs(schema: ConnectSchema, zero: ConnectValue, unavailable?: ConnectValue): Shape {
  const shape = { schema, zero, adapt: (out: ValueWriter) => out };
  return unavailable === undefined ? shape : { ...shape, unavailable };
}

export function optional(schema: ConnectSchema): ConnectSchema {
  return { ...schema, optional: true };
}

export const TEXT: ConnectSchema = { type: 'string', optional: false };
export const BYTES: ConnectSchema = { type: 'bytes', optional: false };
export const FLOAT64: ConnectSchema = { type: 'float64', optional: false };
export const INT16: ConnectSchema = { type: 'int16', optional: false };
export const INT32: ConnectSchema = { type: 'int32', optional: false };
export const INT64: ConnectSchema = { type: 'int64', optional: false };
