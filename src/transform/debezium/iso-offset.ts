import { failed } from '../schema.ts';

/**
 * Texts of io.debezium.time.ZonedTimestamp and ZonedTime: java.time's ISO_OFFSET_DATE_TIME and ISO_OFFSET_TIME. The fraction
 * is kept as text, since it has up to nine digits and no zone changes it; digits at its end that are zero go, as Java drops them.
 */
export interface ZonedText {
  /** Wall-clock time as if it were UTC, without the fraction; of a time alone on 1970-01-01. */
  readonly localMillis: number;
  readonly fraction: string;
  readonly offset: number;
}

const DATE_TIME = /^([+-]?\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-][\d:]+)$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-][\d:]+)$/;

/** @throws IcestreamError transform.record: not such a text */
export function parseZonedTimestamp(text: string): ZonedText {
  const match = DATE_TIME.exec(text);
  if (match === null) throw failed('A value of io.debezium.time.ZonedTimestamp cannot be parsed');
  const [, year, month, day, hours, minutes, seconds = '0', fraction = '', zone] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds));
  return { localMillis: date.getTime(), fraction, offset: parseOffset(zone) };
}

/** @throws IcestreamError transform.record: not such a text */
export function parseZonedTime(text: string): ZonedText {
  const match = TIME.exec(text);
  if (match === null) throw failed('A value of io.debezium.time.ZonedTime cannot be parsed');
  const [, hours, minutes, seconds = '0', fraction = '', zone] = match;
  const localMillis = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return { localMillis, fraction, offset: parseOffset(zone) };
}

export function zonedTimestampText({ localMillis, fraction, offset }: ZonedText): string {
  const date = new Date(localMillis);
  const year = date.getUTCFullYear();
  const digits = String(Math.abs(year)).padStart(4, '0');
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  const rest = `-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}T`;
  return sign + digits + rest + clock(date) + fractionText(fraction) + offsetText(offset);
}

export function zonedTimeText({ localMillis, fraction, offset }: ZonedText): string {
  return clock(new Date(localMillis)) + fractionText(fraction) + offsetText(offset);
}

function clock(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

function fractionText(fraction: string): string {
  const digits = fraction.replace(/0+$/, '');
  return digits === '' ? '' : `.${digits}`;
}

function parseOffset(text: string): number {
  if (text === 'Z') return 0;
  const [hours, minutes = 0, seconds = 0] = text.slice(1).split(':').map(Number);
  return (hours * 3600 + minutes * 60 + seconds) * (text[0] === '-' ? -1 : 1);
}

function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const size = Math.abs(offset);
  const seconds = size % 60 === 0 ? '' : `:${two(size % 60)}`;
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 3600))}:${two(Math.floor(size / 60) % 60)}${seconds}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
