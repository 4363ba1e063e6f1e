import { civilDate } from '../base/civil-date.ts';

const DAY_MS = 86_400_000;

/**
 * org.apache.kafka.connect.data.Values.dateFormatFor, by the value, whatever its type: before the end of the first day of 1970
 * a time, at any other midnight a date, else both.
 */
export function connectDateText(millis: number): string {
  const days = Math.floor(millis / DAY_MS);
  const time = new Date(millis - days * DAY_MS).toISOString().slice('1970-01-01T'.length);
  if (millis < DAY_MS) return time;
  return time === '00:00:00.000Z' ? dateText(days) : `${dateText(days)}T${time}`;
}

function dateText(days: number): string {
  const { year, month, day } = civilDate(days);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}
