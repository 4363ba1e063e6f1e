import { IcestreamError } from '../base/errors.ts';
import type { PartitionValue } from './file.ts';
import type { PrimitiveType } from './schema.ts';

/**
 * Single-value binary serialization (specification, Appendix D), the order of values, and bounds cut to a width.
 * Values have the form that `PartitionValue` describes.
 */

const text = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The binary form of a value that is not null. A value of the wrong JavaScript form is an internal error. */
export function encodeValue(type: PrimitiveType, value: Exclude<PartitionValue, null>): Uint8Array {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(expect(type, value, 'boolean') ? 1 : 0);
    case 'int':
    case 'date':
      return int32Bytes(expect(type, value, 'number'));
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return int64Bytes(expect(type, value, 'bigint'));
    case 'float':
      return floatBytes(expect(type, value, 'number'));
    case 'double':
      return doubleBytes(expect(type, value, 'number'));
    case 'string':
      return text.encode(expect(type, value, 'string'));
    default:
      if (type.startsWith('decimal')) return twosComplement(expect(type, value, 'bigint'));
      if (!(value instanceof Uint8Array)) throw wrongForm(type, value);
      return value;
  }
}

/**
 * The value of its binary form. Bounds written before a promotion are still narrow: they are read by their length
 * (int as long, float as double).
 */
export function decodeValue(type: PrimitiveType, bytes: Uint8Array): Exclude<PartitionValue, null> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'boolean':
      checkLength(type, bytes, 1);
      return bytes[0] !== 0;
    case 'int':
    case 'date':
      checkLength(type, bytes, 4);
      return view.getInt32(0, true);
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      if (type === 'long' && bytes.length === 4) return BigInt(view.getInt32(0, true));
      checkLength(type, bytes, 8);
      return view.getBigInt64(0, true);
    case 'float':
      checkLength(type, bytes, 4);
      return view.getFloat32(0, true);
    case 'double':
      if (bytes.length === 4) return view.getFloat32(0, true);
      checkLength(type, bytes, 8);
      return view.getFloat64(0, true);
    case 'string':
      return utf8.decode(bytes);
    default:
      return type.startsWith('decimal') ? fromTwosComplement(bytes) : bytes;
  }
}

/**
 * Order of two values of a type: -0.0 before +0.0, NaN after everything, strings by code point, bytes and uuids
 * unsigned, false before true.
 */
export function compareValues(
  type: PrimitiveType,
  left: Exclude<PartitionValue, null>,
  right: Exclude<PartitionValue, null>,
): number {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  if (typeof left === 'string' && typeof right === 'string') return compareCodePoints(left, right);
  if (type === 'float' || type === 'double') return compareFloats(left as number, right as number);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = left[i] - right[i];
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/**
 * Which quarter of all uuids one lies in, by the first bits of its two halves. Iceberg's Java library compares uuids as
 * two signed numbers (apache/iceberg#14216), which is the specification's order only within a quarter: given bounds of
 * more, Spark, Trino and Flink skip files that hold what they look for, deletes among them. Such bounds are not written.
 * Random uuids lie in two; those that begin with a time (version 7) in one.
 */
export function uuidQuarter(bytes: Uint8Array, at = 0): number {
  return (bytes[at] >>> 7) | ((bytes[at + 8] >>> 7) << 1);
}

/** The default width of bounds: `truncate(16)`, in code points of strings and in bytes of binary values. */
export const BOUND_WIDTH = 16;

/** A lower bound of at most `width` code points or bytes; other types than string, binary and fixed are left whole. */
export function truncateLower(type: PrimitiveType, bytes: Uint8Array, width = BOUND_WIDTH): Uint8Array {
  return bytes.subarray(0, cutLength(type, bytes, width));
}

/**
 * An upper bound of at most `width` code points or bytes: what is cut is made up for by raising the last unit that can
 * be raised. Null where none can: there is no such bound.
 */
export function truncateUpper(
  type: PrimitiveType,
  bytes: Uint8Array,
  width = BOUND_WIDTH,
): Uint8Array | null {
  const end = cutLength(type, bytes, width);
  if (end === bytes.length) return bytes;
  return type === 'string' ? raiseCodePoint(bytes, end) : raiseByte(bytes, end);
}

/** Two's complement, big endian, as few bytes as hold it: decimals in bounds and hashes. */
export function twosComplement(value: bigint): Uint8Array {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

export function fromTwosComplement(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}

function cutLength(type: PrimitiveType, bytes: Uint8Array, width: number): number {
  if (type === 'string') return codePointsEnd(bytes, width);
  if (type === 'binary' || type.startsWith('fixed')) return Math.min(bytes.length, width);
  return bytes.length;
}

/** Where the first `count` code points of UTF-8 text end. */
function codePointsEnd(bytes: Uint8Array, count: number): number {
  if (bytes.length <= count) return bytes.length;
  let left = count;
  for (let i = 0; i < bytes.length; i++) {
    const startsCodePoint = (bytes[i] & 0xc0) !== 0x80;
    if (startsCodePoint && left-- === 0) return i;
  }
  return bytes.length;
}

function raiseCodePoint(bytes: Uint8Array, end: number): Uint8Array | null {
  let stop = end;
  while (stop > 0) {
    let start = stop - 1;
    while (start > 0 && (bytes[start] & 0xc0) === 0x80) start--;
    const codePoint = decodeCodePoint(bytes, start, stop);
    // Text that is no UTF-8 has no bound of code points.
    if (codePoint < 0) return null;
    // Surrogates are no characters: U+D7FF is followed by U+E000.
    const next = codePoint === 0xd7ff ? 0xe000 : codePoint + 1;
    if (next <= 0x10ffff) {
      const tail = text.encode(String.fromCodePoint(next));
      const raised = new Uint8Array(start + tail.length);
      raised.set(bytes.subarray(0, start));
      raised.set(tail, start);
      return raised;
    }
    stop = start;
  }
  return null;
}

/** The code point that bytes[start, end) is, or -1. */
function decodeCodePoint(bytes: Uint8Array, start: number, end: number): number {
  const character = lenientUtf8.decode(bytes.subarray(start, end));
  const codePoint = character.codePointAt(0) ?? -1;
  const isOne = character.length === (codePoint > 0xffff ? 2 : 1);
  // The replacement character stands for what could not be read, unless it is three bytes long: then it is itself.
  return isOne && (codePoint !== 0xfffd || end - start === 3) ? codePoint : -1;
}

function raiseByte(bytes: Uint8Array, end: number): Uint8Array | null {
  let last = end - 1;
  while (last >= 0 && bytes[last] === 0xff) last--;
  if (last < 0) return null;
  const raised = bytes.slice(0, last + 1);
  raised[last]++;
  return raised;
}

function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a === b) continue;
    // A surrogate stands for a code point above every other code unit.
    const aHigh = a >= 0xd800 && a <= 0xdfff;
    const bHigh = b >= 0xd800 && b <= 0xdfff;
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1;
  }
  return left.length - right.length;
}

function compareFloats(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) {
    if (left !== 0) return 0;
    return Number(Object.is(right, -0)) - Number(Object.is(left, -0));
  }
  return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
}

function int32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

function int64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}

function floatBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}

function doubleBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}

interface Forms {
  boolean: boolean;
  number: number;
  bigint: bigint;
  string: string;
}

function expect<F extends keyof Forms>(type: PrimitiveType, value: unknown, form: F): Forms[F] {
  if (typeof value !== form) throw wrongForm(type, value);
  return value as Forms[F];
}

function wrongForm(type: PrimitiveType, value: unknown): IcestreamError {
  return new IcestreamError('internal', `a ${typeof value} is no value of type ${type}`, {
    context: { type },
  });
}

function checkLength(type: PrimitiveType, bytes: Uint8Array, length: number): void {
  if (bytes.length === length) return;
  throw new IcestreamError('iceberg.format', `a ${type} value has ${bytes.length} bytes, not ${length}`, {
    context: { type },
  });
}
