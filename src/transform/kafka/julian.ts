/**
 * Java's dates before 15 October 1582 are Julian, those of JavaScript Gregorian throughout: what a text like 0001-01-01 means
 * differs by two days.
 */
const GREGORIAN_FROM_MS = -12_219_292_800_000;
const DAY_MS = 86_400_000;
/** Julian day number of 1 January 1970. */
const EPOCH = 2_440_588;

/** A date whose Gregorian fields, read as UTC, are those of Java's calendar at the instant; the time of day is the same. */
export function javaCalendar(millis: number): Date {
  if (millis >= GREGORIAN_FROM_MS) return new Date(millis);
  const days = Math.floor(millis / DAY_MS);
  const c = days + EPOCH + 32_082;
  const d = Math.floor((4 * c + 3) / 1461);
  const e = c - Math.floor((1461 * d) / 4);
  const m = Math.floor((5 * e + 2) / 153);
  const date = new Date(millis - days * DAY_MS);
  date.setUTCFullYear(
    d - 4800 + Math.floor(m / 10),
    m + 2 - 12 * Math.floor(m / 10),
    e - Math.floor((153 * m + 2) / 5) + 1,
  );
  return date;
}

/** Midnight of a date of Java's lenient calendar; `month` from 0, both it and `day` may be out of range. */
export function javaMidnight(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.getTime() >= GREGORIAN_FROM_MS ? date.getTime() : julianMidnight(year, month, day);
}

function julianMidnight(year: number, month: number, day: number): number {
  const y = year + Math.floor(month / 12);
  const month1 = month - Math.floor(month / 12) * 12 + 1;
  const a = Math.floor((14 - month1) / 12);
  const years = y + 4800 - a;
  const months = Math.floor((153 * (month1 + 12 * a - 3) + 2) / 5);
  return (day + months + 365 * years + Math.floor(years / 4) - 32_083 - EPOCH) * DAY_MS;
}
