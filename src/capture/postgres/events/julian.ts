import { civilDate } from '../../../base/civil-date.ts';
import type { SpecialValue } from '../../../record/value.ts';
import { Adapter } from './adapter.ts';

/**
 * Rows that Debezium reads from a table, and arrays, pass through Java's calendar, in which dates before 15 October 1582 are
 * Julian: PostgreSQL's `0001-01-01 00:00` becomes the instant that is 30 December of the year before.
 */
const GREGORIAN_FROM_DAYS = -141_427;
const DAY_MICROS = 86_400_000_000n;
/** Upper half of the microseconds from which on nothing needs a closer look. */
const GREGORIAN_FROM_HI = Number((BigInt(GREGORIAN_FROM_DAYS) * DAY_MICROS) >> 32n) + 1;
/** The days between 4 and 15 October 1582, which that calendar lacks. */
const SKIPPED_DAYS = 10;

/** Keeps year, month and day, though not the era: a year before Christ is one after. */
export class JulianDate extends Adapter {
  override date(days: number): void {
    this.out.date(days >= GREGORIAN_FROM_DAYS ? days : withoutEra(days));
  }
  override special(kind: SpecialValue): void {
    this.out.special(kind);
  }
}

/** Takes year, month and day for Julian ones. */
export class JulianTimestamp extends Adapter {
  override timestamp(hi: number, lo: number): void {
    if (hi >= GREGORIAN_FROM_HI) this.out.timestamp(hi, lo);
    else this.#early((BigInt(hi) << 32n) | BigInt(lo));
  }
  override special(kind: SpecialValue): void {
    this.out.special(kind);
  }

  #early(micros: bigint): void {
    const rest = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
    const days = Number((micros - rest) / DAY_MICROS);
    const shifted = days < GREGORIAN_FROM_DAYS ? BigInt(julianDays(days)) * DAY_MICROS + rest : micros;
    this.out.timestamp(Number(shifted >> 32n), Number(shifted & 0xffff_ffffn));
  }
}

/** Days since 1970 of the Julian date that has the year, month and day of these days' Gregorian one. */
function julianDays(days: number): number {
  const { year, month, day } = civilDate(days);
  const marchYear = month <= 2 ? year - 1 : year;
  return 365 * marchYear + Math.floor(marchYear / 4) + dayOfMarchYear(month, day) - JULIAN_EPOCH;
}

function withoutEra(days: number): number {
  if (days >= GREGORIAN_FROM_DAYS - SKIPPED_DAYS) return days + SKIPPED_DAYS;
  const { year, month, day } = civilDate(days);
  if (year > 0) return days;
  return gregorianDays(1 - year, month, day);
}

function gregorianDays(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leapDays + dayOfMarchYear(month, day) - GREGORIAN_EPOCH;
}

/** From 0, of a year that begins in March: its leap day is the last. */
function dayOfMarchYear(month: number, day: number): number {
  return Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
}

/** Days from 1 March of the year 0 to 1 January 1970, by either calendar. */
const GREGORIAN_EPOCH = 719_468;
const JULIAN_EPOCH = 719_470;
