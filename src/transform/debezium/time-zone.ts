/** A time zone's offsets in seconds east of Greenwich. */
export interface TimeZone {
  /** At an instant, milliseconds since 1970. */
  offsetAt(millis: number): number;
  /** At a wall-clock time, given as if it were UTC; where a clock is put back the earlier, in a gap the one before it. */
  offsetAtLocal(millis: number): number;
}

const OFFSET = /^([+-])(\d\d):(\d\d)(?::(\d\d))?$/;
const DAY_MS = 86_400_000;

/** `+02:00` or a name of the time zone database; null: neither. */
export function timeZone(name: string): TimeZone | null {
  const fixed = OFFSET.exec(name);
  if (fixed !== null) {
    const [, sign, hours, minutes, seconds = '0'] = fixed;
    const offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * (sign === '-' ? -1 : 1);
    return { offsetAt: () => offset, offsetAtLocal: () => offset };
  }
  const offsetAt = namedOffsets(name);
  return offsetAt === null ? null : { offsetAt, offsetAtLocal: (millis) => localOffset(offsetAt, millis) };
}

function localOffset(offsetAt: (millis: number) => number, local: number): number {
  const before = offsetAt(local - DAY_MS);
  const after = offsetAt(local + DAY_MS);
  if (before === after || offsetAt(local - before * 1000) === before) return before;
  return offsetAt(local - after * 1000) === after ? after : before;
}

function namedOffsets(name: string): ((millis: number) => number) | null {
  const format = formatFor(name);
  if (format === null) return null;
  // Offsets change on the quarter of an hour at most: one question per such span.
  const known = new Map<number, number>();
  return (millis) => {
    const span = Math.floor(millis / SPAN_MS);
    let offset = known.get(span);
    if (offset === undefined) {
      if (known.size >= SPANS_MAX) known.clear();
      offset = askOffset(format, span * SPAN_MS);
      known.set(span, offset);
    }
    return offset;
  };
}

const SPAN_MS = 900_000;
const SPANS_MAX = 10_000;

function formatFor(name: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function askOffset(format: Intl.DateTimeFormat, millis: number): number {
  const parts = new Map(format.formatToParts(millis).map(({ type, value }) => [type, value]));
  const at = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
  const year = parts.get('era') === 'BC' ? 1 - at('year') : at('year');
  const local = new Date(0);
  local.setUTCFullYear(year, at('month') - 1, at('day'));
  local.setUTCHours(at('hour'), at('minute'), at('second'));
  return Math.round((local.getTime() - millis) / 1000);
}
