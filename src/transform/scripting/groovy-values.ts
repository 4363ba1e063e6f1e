import { IcestreamError } from '../../base/errors.ts';
import { decimalText, doubleText } from '../../convert/java-text.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type {
  ConnectDecimal,
  ConnectList,
  ConnectSchema,
  ConnectValue,
} from '../../record/connect-schema.ts';
import { fieldIndex, orDefault } from '../schema.ts';

/** What an expression's parts are worth. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Decimal
  | Struct
  | Schema
  | Entries
  | readonly Value[];

export interface Struct {
  readonly kind: 'struct';
  readonly schema: ConnectSchema;
  readonly cells: ConnectList;
}
export interface Schema {
  readonly kind: 'schema';
  readonly schema: ConnectSchema;
}
/** Headers, or one of them, or a map. */
export interface Entries {
  readonly kind: 'entries';
  readonly entries: ReadonlyMap<string, Value>;
}
export interface Decimal {
  readonly kind: 'decimal';
  readonly decimal: ConnectDecimal;
}

/** A value as Struct.get gives it. */
export function typed(schema: ConnectSchema | null, given: ConnectValue): Value {
  const value = schema === null ? given : orDefault(schema, given);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (value instanceof Map) {
    const entries = [...value].map(
      ([key, each]) => [String(key), typed(schema?.values ?? null, each)] as const,
    );
    return { kind: 'entries', entries: new Map(entries) };
  }
  if (!Array.isArray(value)) return { kind: 'decimal', decimal: value as ConnectDecimal };
  if (schema?.type === 'struct') return { kind: 'struct', schema, cells: value };
  return value.map((each) => typed(schema?.values ?? null, each));
}

export function schemaValue(schema: ConnectSchema | null): Value {
  return schema === null ? null : { kind: 'schema', schema };
}

export function headerMap({ headers }: ConnectRecord): Value {
  const entries = headers.map(({ name, schema, value }): [string, Value] => {
    const parts: [string, Value][] = [
      ['value', typed(schema, value)],
      ['schema', schemaValue(schema)],
    ];
    return [name, { kind: 'entries', entries: new Map(parts) }];
  });
  return { kind: 'entries', entries: new Map(entries) };
}

/** @throws IcestreamError transform.script: there is no such property */
export function propertyOf(value: NonNullable<Value>, name: string): Value {
  if (isObject(value, 'struct')) {
    const at = fieldIndex(value.schema, name);
    if (at < 0) throw wrong(`${name} is not a valid field name`);
    return typed(value.schema.fields![at].schema, value.cells[at]);
  }
  if (isObject(value, 'entries')) return value.entries.get(name) ?? null;
  throw wrong(`No such property: ${name}`);
}

type Objects = Struct | Schema | Entries | Decimal;

export function isObject<K extends Objects['kind']>(
  value: Value,
  kind: K,
): value is Extract<Objects, { kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/** Groovy's truth: not null, not false, not zero, not empty. */
export function isTrue(value: Value): boolean {
  if (value === null || value === false) return false;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value) !== 0;
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array)
    return value.length > 0;
  if (isObject(value, 'decimal')) return value.decimal.unscaled !== 0n;
  return isObject(value, 'entries') ? value.entries.size > 0 : true;
}

/** Groovy's `==`: numbers by their value, all else by content. */
export function areEqual(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right) === 0;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((each, i) => areEqual(each, right[i]));
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0;
  return left === right;
}

/** @throws IcestreamError transform.script: values without an order between them */
export function compareValues(left: Value, right: Value): number {
  // Null comes before everything in Groovy.
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  throw wrong('Cannot compare values of these types');
}

type Numeric = number | bigint | Decimal;

function isNumber(value: Value): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint' || isObject(value, 'decimal');
}

function compareNumbers(left: Numeric, right: Numeric): number {
  const [a, b] = [exact(left), exact(right)];
  if (a === null || b === null) return Number(left) - Number(right);
  const scale = Math.max(a.scale, b.scale);
  const difference =
    a.unscaled * 10n ** BigInt(scale - a.scale) - b.unscaled * 10n ** BigInt(scale - b.scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Null: infinity or NaN. */
function exact(value: Numeric): ConnectDecimal | null {
  if (typeof value === 'bigint') return { unscaled: value, scale: 0 };
  if (typeof value === 'object') return value.decimal;
  const match = /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null) return null;
  const [, whole, fraction = '', exponent = '0'] = match;
  const scale = fraction.length - Number(exponent);
  const unscaled = BigInt(whole + fraction);
  return scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

/** Text is joined, whole numbers are added. @throws IcestreamError transform.script */
export function plus(left: Value, right: Value): Value {
  if (typeof left === 'string' || typeof right === 'string') return textOf(left) + textOf(right);
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  const isWhole = (value: Value): value is number | bigint =>
    typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (isWhole(left) && isWhole(right)) return BigInt(left) + BigInt(right);
  throw wrong('+ is not defined between these types');
}

/** @throws IcestreamError transform.script: a structure has no text here */
export function textOf(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : doubleText(value);
  if (isObject(value, 'decimal')) return decimalText(value.decimal.unscaled, value.decimal.scale);
  if (typeof value !== 'object') return String(value);
  throw wrong('A structure is used as text');
}

export function wrong(message: string): IcestreamError {
  return new IcestreamError('transform.script', message);
}
