import { connectDateText } from '../../convert/java-date.ts';
import { decimalText, doubleText, floatText } from '../../convert/java-text.ts';
import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectValue,
  DECIMAL,
} from '../../record/connect-schema.ts';
import { failed, typeText } from '../schema.ts';
import { isTemporal, toMillis } from './temporal.ts';

export type CastType = 'int8' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64' | 'boolean' | 'string';

/**
 * Java's conversion of a value other than null: integers keep their low bits, floating point numbers first become an int or
 * a long (the nearest there is, NaN zero).
 * @throws IcestreamError transform.record: text that is no number of the type
 */
export function castValue(schema: ConnectSchema | null, value: ConnectValue, type: CastType): ConnectValue {
  switch (type) {
    case 'string':
      return toText(schema, value);
    case 'boolean':
      if (typeof value === 'string') return value.toLowerCase() === 'true';
      return typeof value === 'boolean' ? value : toLong(value) !== 0n;
    case 'int64':
      return typeof value === 'string' ? parseInteger(value, 64) : toLong(value);
    case 'int8':
    case 'int16':
    case 'int32':
      return toInt(value, INT_BITS[type]);
    case 'float32':
      return Math.fround(toDouble(value));
    case 'float64':
      return toDouble(value);
  }
}

/** Whether every value of the schema can be cast. */
export function alwaysCasts(schema: ConnectSchema, type: CastType): boolean {
  switch (schema.type) {
    case 'string':
      return type === 'string' || type === 'boolean';
    case 'bytes':
      return type === 'string' || schema.name === DECIMAL;
    case 'array':
    case 'map':
    case 'struct':
      return false;
    default:
      // There are times that have no text.
      return type !== 'string' || !isTemporal(schema);
  }
}

const INT_BITS = { int8: 8, int16: 16, int32: 32 } as const;

function toInt(value: ConnectValue, bits: 8 | 16 | 32): number {
  if (typeof value === 'string') return Number(parseInteger(value, bits));
  // Number.byteValue of a double goes through int, of a long or a BigDecimal it takes the low bits.
  const whole = typeof value === 'number' ? BigInt(saturate(value, -(2 ** 31), 2 ** 31 - 1)) : toLong(value);
  return Number(BigInt.asIntN(bits, whole));
}

function toLong(value: ConnectValue): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return doubleToLong(value);
  if (isDecimal(value)) return BigInt.asIntN(64, integralPart(value));
  throw failed(`Unexpected type in Cast transformation: ${typeText(null, value)}`);
}

const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);

function doubleToLong(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return LONG_MAX;
  return value <= -(2 ** 63) ? LONG_MIN : BigInt(Math.trunc(value));
}

function saturate(value: number, min: number, max: number): number {
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, min), max));
}

function toDouble(value: ConnectValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (isDecimal(value)) return Number(decimalText(value.unscaled, value.scale));
  if (typeof value !== 'string')
    throw failed(`Unexpected type in Cast transformation: ${typeText(null, value)}`);
  const trimmed = value.trim();
  const special = /^([+-]?)(NaN|Infinity)$/.exec(trimmed);
  if (special !== null) return special[2] === 'NaN' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?$/.test(trimmed)) throw outOfRange();
  return Number(trimmed.replace(/[fFdD]$/, ''));
}

/** Long.parseLong and its like: no spaces, one sign. */
function parseInteger(text: string, bits: 8 | 16 | 32 | 64): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw outOfRange();
  const value = BigInt(text.replace(/^\+/, ''));
  if (BigInt.asIntN(bits, value) !== value) throw outOfRange();
  return value;
}

function outOfRange(): Error {
  return failed('A value was out of range for the requested data type');
}

function toText(schema: ConnectSchema | null, value: ConnectValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (schema !== null && isTemporal(schema))
    return connectDateText(toMillis(schema, value as number | bigint));
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return numberText(schema, value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isDecimal(value)) return decimalText(value.unscaled, value.scale);
  throw failed(`Unexpected type in Cast transformation: ${typeText(schema, value)}`);
}

function numberText(schema: ConnectSchema | null, value: number): string {
  if (schema?.type === 'float32') return floatText(value);
  if (schema?.type === 'float64' || !Number.isInteger(value)) return doubleText(value);
  return String(value);
}

function integralPart({ unscaled, scale }: ConnectDecimal): bigint {
  return scale >= 0 ? unscaled / 10n ** BigInt(scale) : unscaled * 10n ** BigInt(-scale);
}

function isDecimal(value: ConnectValue): value is ConnectDecimal {
  return typeof value === 'object' && value !== null && 'unscaled' in value;
}
