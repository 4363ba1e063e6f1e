import { IcestreamError } from '../../base/errors.ts';

const DAY_MS = 86_400_000;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the years that Protobuf's types of time hold. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

/** Days since 1970-01-01 in the Gregorian calendar, backwards too, as google.type.Date wants it. */
export function dateParts(days: number): { year: number; month: number; day: number } {
  requireSeconds(days * 86_400);
  const date = new Date(days * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Milliseconds since 1970; nanoseconds count forwards, before 1970 too. */
export function timestampParts(millis: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(millis / 1000);
  requireSeconds(seconds);
  return { seconds, nanos: (millis - seconds * 1000) * 1_000_000 };
}

function requireSeconds(seconds: number): void {
  if (seconds >= SECONDS_MIN && seconds <= SECONDS_MAX) return;
  throw new IcestreamError('convert.value', 'Protobuf holds times of the years 1 to 9999 only');
}
