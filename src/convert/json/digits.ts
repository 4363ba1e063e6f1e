/** Integers and bytes as ASCII, written where they belong: no string, no BigInt. Each function answers where it stopped. */

/** Any 32-bit integer takes at most this, and a 64-bit one, and what `writeShortDouble` writes. */
export const INT32_DIGITS_MAX = 11;
export const INT64_DIGITS_MAX = 20;
export const DOUBLE_SHORT_MAX = 12;

export function writeInt32(target: Uint8Array, at: number, value: number): number {
  if (value >= 0) return writeSmall(target, at, value);
  target[at] = MINUS;
  if (value === INT32_MIN) return writeNine(target, writeSmall(target, at + 1, 2), 147_483_648);
  return writeSmall(target, at + 1, -value);
}

/** value = hi * 2^32 + lo */
export function writeInt64(target: Uint8Array, at: number, hi: number, lo: number): number {
  if (hi === 0 && lo < BILLION) return writeSmall(target, at, lo);
  if (hi >= 0) return writeLarge(target, at, hi, lo);
  target[at] = MINUS;
  const low = -lo >>> 0;
  const high = (~hi + (low === 0 ? 1 : 0)) >>> 0;
  if (high === 0 && low < BILLION) return writeSmall(target, at + 1, low);
  return writeLarge(target, at + 1, high, low);
}

/** 0 .. 2^31 - 1 */
function writeSmall(target: Uint8Array, at: number, value: number): number {
  const end = at + digitCount(value);
  let i = end;
  let rest = value | 0;
  while (rest >= 100) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    target[--i] = PAIRS[pair + 1];
    target[--i] = PAIRS[pair];
    rest = quotient;
  }
  if (rest >= 10) {
    target[--i] = PAIRS[(rest << 1) + 1];
    target[--i] = PAIRS[rest << 1];
  } else {
    target[--i] = ZERO + rest;
  }
  return end;
}

/**
 * A number of 10 to 19 digits: divided by a billion, 16 bits at a time so that each dividend is an exact double, into digits
 * for `writeSmall` and nine or eighteen more.
 */
function writeLarge(target: Uint8Array, at: number, hi: number, lo: number): number {
  if (hi < 0x20_0000) {
    // A safe integer: the quotient's error, half a unit in its last place, is less than a billionth, so its floor is exact.
    const value = hi * 0x1_0000_0000 + lo;
    const quotient = Math.floor(value / BILLION);
    return writeNine(target, writeSmall(target, at, quotient), value - quotient * BILLION);
  }
  const upper = Math.floor(hi / BILLION);
  const middle = (hi - upper * BILLION) * 0x1_0000 + (lo >>> 16);
  const middleQuotient = Math.floor(middle / BILLION);
  const lower = (middle - middleQuotient * BILLION) * 0x1_0000 + (lo & 0xffff);
  const lowerQuotient = Math.floor(lower / BILLION);
  const last = lower - lowerQuotient * BILLION;
  const quotient = upper * 0x1_0000_0000 + middleQuotient * 0x1_0000 + lowerQuotient;
  if (quotient < BILLION) return writeNine(target, writeSmall(target, at, quotient), last);
  const first = Math.floor(quotient / BILLION);
  const next = writeNine(target, writeSmall(target, at, first), quotient - first * BILLION);
  return writeNine(target, next, last);
}

/** 0 .. 999,999,999 with leading zeros. */
function writeNine(target: Uint8Array, at: number, value: number): number {
  let rest = value | 0;
  for (let i = at + 7; i > at; i -= 2) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    target[i] = PAIRS[pair];
    target[i + 1] = PAIRS[pair + 1];
    rest = quotient;
  }
  target[at] = ZERO + rest;
  return at + 9;
}

function digitCount(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  if (value < 100_000_000) return value < 10_000_000 ? 7 : 8;
  return value < BILLION ? 9 : 10;
}

/**
 * A double that four digits after the point say exactly, as Double.toString says it; answers -1 for others. What such a
 * decimal of up to 10 digits is rounded to has no shorter form.
 */
export function writeShortDouble(target: Uint8Array, at: number, value: number): number {
  const size = Math.abs(value);
  const scaled = Math.round(size * 10_000);
  if (!(size >= 0.001 && scaled < 0x7fff_ffff && scaled / 10_000 === size)) return -1;
  const whole = (scaled / 10_000) | 0;
  const fraction = scaled - whole * 10_000;
  if (value < 0) target[at++] = MINUS;
  const point = writeSmall(target, at, whole);
  target[point] = POINT;
  const upper = (fraction / 100) | 0;
  const pair = upper << 1;
  target[point + 1] = PAIRS[pair];
  target[point + 2] = PAIRS[pair + 1];
  const lower = (fraction - upper * 100) << 1;
  target[point + 3] = PAIRS[lower];
  target[point + 4] = PAIRS[lower + 1];
  let end = point + 5;
  while (end > point + 2 && target[end - 1] === ZERO) end--;
  return end;
}

/** Padded, in one line. `target` has room for a third more than the bytes, and 4. */
export function writeBase64(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let j = at;
  let i = start;
  for (; i + 2 < end; i += 3, j += 4) {
    const three = (source[i] << 16) | (source[i + 1] << 8) | source[i + 2];
    target[j] = BASE64[three >> 18];
    target[j + 1] = BASE64[(three >> 12) & 63];
    target[j + 2] = BASE64[(three >> 6) & 63];
    target[j + 3] = BASE64[three & 63];
  }
  if (i === end) return j;
  const hasTwo = i + 1 < end;
  const rest = (source[i] << 16) | (hasTwo ? source[i + 1] << 8 : 0);
  target[j] = BASE64[rest >> 18];
  target[j + 1] = BASE64[(rest >> 12) & 63];
  target[j + 2] = hasTwo ? BASE64[(rest >> 6) & 63] : EQUALS;
  target[j + 3] = EQUALS;
  return j + 4;
}

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
const EQUALS = 0x3d;
const BILLION = 1_000_000_000;
const INT32_MIN = -0x8000_0000;
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
/** `00` to `99` */
const PAIRS = Buffer.from(Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0')).join(''));
