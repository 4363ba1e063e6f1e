import { civilDate } from '../../../base/civil-date.ts';

/**
 * ISO 8601 as Java's formatters print it, into bytes: years of at least four digits, a sign where there are more or the
 * year is before 0. `put` functions write at `at` and return where the text ends.
 */
const ZERO = 0x30;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const COLON = 0x3a;

/** Days since 1970-01-01 in the proleptic Gregorian calendar. */
export function putDate(to: Uint8Array, at: number, days: number): number {
  const { year, month, day } = civilDate(days);
  let end = putYear(to, at, year);
  to[end++] = MINUS;
  end = putTwo(to, end, month);
  to[end++] = MINUS;
  return putTwo(to, end, day);
}

/** `digits` of a fraction, or as many as are not zero where it is 0 (no fraction, no dot). */
export function putTime(to: Uint8Array, at: number, seconds: number, micros: number, digits: number): number {
  let end = putTwo(to, at, Math.floor(seconds / 3600));
  to[end++] = COLON;
  end = putTwo(to, end, Math.floor(seconds / 60) % 60);
  to[end++] = COLON;
  end = putTwo(to, end, seconds % 60);
  if (digits === 0 && micros === 0) return end;
  to[end++] = DOT;
  let rest = micros;
  for (let place = 5; place >= 0; place--) {
    to[end + place] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  end += digits === 0 ? 6 : digits;
  if (digits === 0) while (to[end - 1] === ZERO) end--;
  return end;
}

function putYear(to: Uint8Array, at: number, year: number): number {
  const size = Math.abs(year);
  if (year < 0) to[at++] = MINUS;
  else if (year > 9999) to[at++] = PLUS;
  let width = 4;
  for (let limit = 10_000; size >= limit; limit *= 10) width++;
  let rest = size;
  for (let place = width - 1; place >= 0; place--) {
    to[at + place] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + width;
}

function putTwo(to: Uint8Array, at: number, value: number): number {
  to[at] = ZERO + Math.floor(value / 10);
  to[at + 1] = ZERO + (value % 10);
  return at + 2;
}
