import { civilDate } from '../base/civil-date.ts';
import { IcestreamError } from '../base/errors.ts';
import type { PartitionValue } from './file.ts';
import type { PrimitiveType, Transform } from './schema.ts';
import { twosComplement } from './values.ts';

/** Partition transforms (specification, "Partition Transforms" and Appendix B). */

export type ParsedTransform =
  | { readonly kind: 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' }
  | { readonly kind: 'bucket'; readonly count: number }
  | { readonly kind: 'truncate'; readonly width: number };

export type TransformFunction = (value: PartitionValue) => PartitionValue;

const SIMPLE = new Set(['identity', 'year', 'month', 'day', 'hour', 'void']);

/** `iceberg.unsupported-table` for a transform that this code does not know: a writer may not write such a spec. */
export function parseTransform(transform: Transform): ParsedTransform {
  const lower = transform.trim().toLowerCase();
  if (SIMPLE.has(lower)) return { kind: lower as 'identity' };
  const match = /^(bucket|truncate)\[(\d+)\]$/.exec(lower);
  const parameter = Number(match?.[2] ?? 0);
  if (match === null || parameter < 1 || parameter > 0x7fffffff) {
    throw new IcestreamError(
      'iceberg.unsupported-table',
      `the partition transform ${transform} is not known`,
      {
        context: { transform },
      },
    );
  }
  return match[1] === 'bucket'
    ? { kind: 'bucket', count: parameter }
    : { kind: 'truncate', width: parameter };
}

/** Type of the partition values that the transform makes; `iceberg.unsupported-table` where it takes no such source. */
export function transformResultType(transform: Transform, source: PrimitiveType): PrimitiveType {
  const parsed = parseTransform(transform);
  if (!accepts(parsed, source)) {
    throw new IcestreamError('iceberg.unsupported-table', `the transform ${transform} takes no ${source}`, {
      context: { transform, type: source },
    });
  }
  switch (parsed.kind) {
    case 'bucket':
    case 'year':
    case 'month':
    case 'hour':
      return 'int';
    case 'day':
      // The specification prints int; the reference implementation writes date, and readers take both.
      return 'date';
    default:
      return source;
  }
}

/** The transform as a function; null goes to null. */
export function bindTransform(transform: Transform, source: PrimitiveType): TransformFunction {
  transformResultType(transform, source);
  const parsed = parseTransform(transform);
  const apply = bindParsed(parsed, source);
  return (value) => (value === null ? null : apply(value));
}

/** One value through a transform; where there are many, bind it once. */
export function applyTransform(
  transform: Transform,
  source: PrimitiveType,
  value: PartitionValue,
): PartitionValue {
  return bindTransform(transform, source)(value);
}

type Bound = (value: Exclude<PartitionValue, null>) => PartitionValue;

function accepts(transform: ParsedTransform, source: PrimitiveType): boolean {
  const isTimestamp = source === 'timestamp' || source === 'timestamptz';
  switch (transform.kind) {
    case 'bucket':
      return source !== 'boolean' && source !== 'float' && source !== 'double';
    case 'truncate':
      return (
        source === 'int' ||
        source === 'long' ||
        source === 'string' ||
        source === 'binary' ||
        source.startsWith('decimal')
      );
    case 'year':
    case 'month':
    case 'day':
      return source === 'date' || isTimestamp;
    case 'hour':
      return isTimestamp;
    default:
      return true;
  }
}

function bindParsed(transform: ParsedTransform, source: PrimitiveType): Bound {
  switch (transform.kind) {
    case 'identity':
      return (value) => value;
    case 'void':
      return () => null;
    case 'bucket':
      return (value) => (hashValue(value, source) & 0x7fffffff) % transform.count;
    case 'truncate':
      return (value) => truncateValue(value, transform.width);
    case 'hour':
      return (value) => Number(floorDivide(value as bigint, 3_600_000_000n));
    default:
      return bindCalendar(transform.kind, source);
  }
}

function bindCalendar(unit: 'year' | 'month' | 'day', source: PrimitiveType): Bound {
  const days: (value: unknown) => number =
    source === 'date'
      ? (value) => value as number
      : (value) => Number(floorDivide(value as bigint, 86_400_000_000n));
  if (unit === 'day') return days;
  return (value) => {
    const { year, month } = civilDate(days(value));
    return unit === 'year' ? year - 1970 : (year - 1970) * 12 + month - 1;
  };
}

function truncateValue(value: Exclude<PartitionValue, null>, width: number): PartitionValue {
  if (typeof value === 'number') return value - (((value % width) + width) % width);
  if (typeof value === 'bigint') {
    const wide = BigInt(width);
    return value - (((value % wide) + wide) % wide);
  }
  if (typeof value === 'string') return firstCodePoints(value, width);
  return (value as Uint8Array).slice(0, width);
}

function firstCodePoints(value: string, count: number): string {
  if (value.length <= count) return value;
  let end = 0;
  for (let i = 0; i < count && end < value.length; i++) end += value.codePointAt(end)! > 0xffff ? 2 : 1;
  return value.slice(0, end);
}

const text = new TextEncoder();

/** The 32-bit hash of Appendix B. Integers, dates and times are all hashed as an 8-byte long. */
export function hashValue(value: Exclude<PartitionValue, null>, source: PrimitiveType): number {
  if (typeof value === 'number') return hashLong(value < 0 ? -1 : 0, value >>> 0);
  if (typeof value === 'bigint') {
    if (source.startsWith('decimal')) return murmur3(twosComplement(value));
    return hashLong(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asUintN(32, value)));
  }
  if (typeof value === 'string') return murmur3(text.encode(value));
  return murmur3(value as Uint8Array);
}

/** Hash of a 64-bit integer given as its two halves. */
export function hashLong(hi: number, lo: number): number {
  let hash = mixBlock(0, lo | 0);
  hash = mixBlock(hash, hi | 0);
  return finish(hash, 8);
}

/** murmur3_x86_32 with seed 0 of bytes[start, end), as a signed 32-bit integer. */
export function murmur3(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let hash = 0;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const block = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    hash = mixBlock(hash, block);
  }
  let tail = 0;
  for (let j = end - 1; j >= i; j--) tail = (tail << 8) | bytes[j];
  if (i < end) hash ^= scramble(tail);
  return finish(hash, end - start);
}

function scramble(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function mixBlock(hash: number, block: number): number {
  const h = hash ^ scramble(block);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
