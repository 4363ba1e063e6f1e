import { invariant } from '../base/errors.ts';
import { type ConnectDecimal, type ConnectSchema, type ConnectValue, DECIMAL } from './connect-schema.ts';
import type { ValueWriter } from './value.ts';

/** Writes a whole value as the calls that its schema asks for (`SchemaWriter` in convert/converter.ts says which). */
export function writeValue(schema: ConnectSchema, value: ConnectValue, out: ValueWriter): void {
  if (value === null) return out.null();
  switch (schema.type) {
    case 'boolean':
      return out.bool(value as boolean);
    case 'int8':
    case 'int16':
    case 'int32':
      return out.int32(value as number);
    case 'int64':
      return writeBigInt(value as bigint, out);
    case 'float32':
      return out.float32(value as number);
    case 'float64':
      return out.float64(value as number);
    case 'string':
      return writeText(value as string, out);
    case 'bytes': {
      if (schema.name === DECIMAL) return writeDecimal(value as ConnectDecimal, out);
      const bytes = value as Uint8Array;
      return out.bytes(bytes, 0, bytes.length);
    }
    case 'array':
      return writeList(schema, value as readonly ConnectValue[], out);
    case 'map':
      return writeMap(schema, value as ReadonlyMap<ConnectValue, ConnectValue>, out);
    case 'struct':
      return writeStruct(schema, value as readonly ConnectValue[], out);
  }
}

export function writeText(text: string, out: ValueWriter): void {
  const bytes = Buffer.from(text, 'utf8');
  out.utf8(bytes, 0, bytes.length);
}

export function writeBigInt(value: bigint, out: ValueWriter): void {
  out.int64(Number(value >> 32n), Number(value & 0xffff_ffffn));
}

/** A 64-bit integer that is a safe one. */
export function writeInt64(value: number, out: ValueWriter): void {
  const hi = Math.floor(value / 0x1_0000_0000);
  out.int64(hi, value - hi * 0x1_0000_0000);
}

function writeDecimal({ unscaled, scale }: ConnectDecimal, out: ValueWriter): void {
  const small = Number(unscaled);
  if (Number.isSafeInteger(small)) out.decimalSmall(small, scale);
  else out.decimal(unscaled, scale);
}

function writeList(schema: ConnectSchema, values: readonly ConnectValue[], out: ValueWriter): void {
  invariant(schema.values !== undefined, 'an array has a schema of its elements');
  out.beginList(values.length);
  for (const value of values) writeValue(schema.values, value, out);
  out.endList();
}

function writeMap(
  schema: ConnectSchema,
  entries: ReadonlyMap<ConnectValue, ConnectValue>,
  out: ValueWriter,
): void {
  invariant(schema.keys !== undefined && schema.values !== undefined, 'a map has schemas of its entries');
  out.beginMap(entries.size);
  for (const [key, value] of entries) {
    writeValue(schema.keys, key, out);
    writeValue(schema.values, value, out);
  }
  out.endMap();
}

function writeStruct(schema: ConnectSchema, values: readonly ConnectValue[], out: ValueWriter): void {
  const fields = schema.fields ?? [];
  invariant(fields.length === values.length, 'a struct has a value for each field', { schema: schema.name });
  out.beginStruct();
  fields.forEach((field, i) => {
    writeValue(field.schema, values[i], out);
  });
  out.endStruct();
}
