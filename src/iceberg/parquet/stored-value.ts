import { IcestreamError, invariant } from '../../base/errors.ts';
import { decimalOf, type IcebergType, type PrimitiveType } from '../schema.ts';
import { fromTwosComplement } from '../values.ts';
import type { ColumnWriter } from './column-writer.ts';

/**
 * A value as a Parquet file holds it: boolean; number for int32, float, double; bigint for int64; bytes for everything
 * else; arrays of elements, of [key, value] pairs, and of field values in the order of the struct type; null.
 */
export type StoredValue = boolean | number | bigint | Uint8Array | null | readonly StoredValue[];

/** The methods of a `ColumnWriter` that take values. */
export type ValueTaker = Omit<ColumnWriter, 'fieldId'>;

/** Writes a value read from a file as a value of `type`, to which the file's type may have been promoted since. */
export function writeStored(out: ValueTaker, type: IcebergType, value: StoredValue): void {
  if (value === null) return out.null();
  if (typeof type !== 'string') return writeNested(out, type, value as readonly StoredValue[]);
  if (typeof value === 'bigint') return writeLong(out, type, value);
  if (typeof value === 'number') return writeNumber(out, type, value);
  if (typeof value === 'boolean') return out.bool(value);
  invariant(value instanceof Uint8Array, 'a primitive column holds a nested value');
  if (type === 'string') return out.utf8(value, 0, value.length);
  if (type === 'uuid') return out.uuid(value, 0);
  const decimal = decimalOf(type);
  if (decimal !== null) return writeDecimal(out, fromTwosComplement(value), decimal.scale);
  return out.bytes(value, 0, value.length);
}

function writeNumber(out: ValueTaker, type: PrimitiveType, value: number): void {
  switch (type) {
    case 'int':
    case 'long':
      return out.int32(value);
    case 'date':
      return out.date(value);
    case 'float':
      return out.float32(value);
    case 'double':
      return out.float64(value);
    default:
      return out.decimalSmall(value, scaleOf(type));
  }
}

function writeLong(out: ValueTaker, type: PrimitiveType, value: bigint): void {
  const hi = Number(BigInt.asIntN(32, value >> 32n));
  const lo = Number(BigInt.asUintN(32, value));
  switch (type) {
    case 'long':
      return out.int64(hi, lo);
    case 'time':
      return out.time(hi, lo);
    case 'timestamp':
    case 'timestamptz':
      return out.timestamp(hi, lo);
    default:
      return writeDecimal(out, value, scaleOf(type));
  }
}

function writeDecimal(out: ValueTaker, unscaled: bigint, scale: number): void {
  const small = Number(unscaled);
  if (Number.isSafeInteger(small)) out.decimalSmall(small, scale);
  else out.decimal(unscaled, scale);
}

function scaleOf(type: PrimitiveType): number {
  const decimal = decimalOf(type);
  if (decimal === null)
    throw new IcestreamError('iceberg.format', `a file holds no ${type} where one should be`);
  return decimal.scale;
}

function writeNested(
  out: ValueTaker,
  type: Exclude<IcebergType, string>,
  value: readonly StoredValue[],
): void {
  switch (type.type) {
    case 'list':
      out.beginList(value.length);
      for (const element of value) writeStored(out, type.element, element);
      return out.endList();
    case 'map':
      out.beginMap(value.length);
      for (const pair of value as readonly (readonly StoredValue[])[]) {
        writeStored(out, type.key, pair[0]);
        writeStored(out, type.value, pair[1]);
      }
      return out.endMap();
    case 'struct':
      out.beginStruct();
      type.fields.forEach((field, i) => {
        writeStored(out, field.type, value[i]);
      });
      return out.endStruct();
  }
}
