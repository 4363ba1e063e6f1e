import { IcestreamError } from '../../base/errors.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { bytesOf, isAvroMap } from './schema.ts';

/** A value in Avro's binary encoding, plainly: for what is written once. The writer does the same, planned. */
export function avroBytes(schema: ConnectSchema, value: ConnectValue): Buffer {
  const parts: Uint8Array[] = [];
  addValue(schema, value, parts);
  return Buffer.concat(parts);
}

/** The number of a union's branch, for a value and for null; null where the schema is no union. */
export function branches(schema: ConnectSchema): { readonly value: number; readonly null: number } | null {
  if (!schema.optional) return null;
  const isDefaultFirst = schema.type !== 'struct' && (schema.default ?? null) !== null;
  return isDefaultFirst ? { value: 0, null: 1 } : { value: 1, null: 0 };
}

/** What a null is written as; null where it may not be. A field's default replaces it, an element's does not. */
export function nullBytes(schema: ConnectSchema, isField: boolean): Uint8Array | null {
  const fallback = schema.default ?? null;
  if (isField && fallback !== null) return avroBytes(schema, fallback);
  return schema.optional ? long(branches(schema)!.null) : null;
}

export function missingValue(schema: ConnectSchema): IcestreamError {
  const message = 'Invalid value: null used for required field';
  return new IcestreamError('convert.null', message, { context: { type: schema.type, schema: schema.name } });
}

function addValue(schema: ConnectSchema, value: ConnectValue, parts: Uint8Array[], isField = false): void {
  if (value === null) {
    const bytes = nullBytes(schema, isField);
    if (bytes === null) throw missingValue(schema);
    parts.push(bytes);
    return;
  }
  const union = branches(schema);
  if (union !== null) parts.push(long(union.value));
  switch (schema.type) {
    case 'boolean':
      parts.push(Uint8Array.of(value === true ? 1 : 0));
      return;
    case 'float32':
      parts.push(new Uint8Array(Float32Array.of(value as number).buffer));
      return;
    case 'float64':
      parts.push(new Uint8Array(Float64Array.of(value as number).buffer));
      return;
    case 'string':
      addBytes(Buffer.from(value as string), parts);
      return;
    case 'bytes':
      addBytes(bytesOf(schema, value), parts);
      return;
    case 'array':
      addItems(
        (value as readonly ConnectValue[]).map((item) => [[schema.values!, item, false]]),
        parts,
      );
      return;
    case 'map': {
      const isField = !isAvroMap(schema);
      const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)];
      addItems(
        entries.map(([key, item]) => [
          [schema.keys!, key, isField],
          [schema.values!, item, isField],
        ]),
        parts,
      );
      return;
    }
    case 'struct':
      schema.fields!.forEach((field, i) => {
        addValue(field.schema, (value as readonly ConnectValue[])[i], parts, true);
      });
      return;
    default:
      parts.push(long(value as number | bigint));
  }
}

function addBytes(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(long(bytes.length), bytes);
}

/** One block of all items, and an empty one. */
function addItems(items: [ConnectSchema, ConnectValue, boolean][][], parts: Uint8Array[]): void {
  if (items.length > 0) parts.push(long(items.length));
  for (const [schema, value, isField] of items.flat()) addValue(schema, value, parts, isField);
  parts.push(long(0));
}

/** Zigzag, seven bits at a time. */
function long(value: number | bigint): Uint8Array {
  const wide = BigInt(value);
  let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
