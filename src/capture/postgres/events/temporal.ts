import type { SpecialValue, ValueWriter } from '../../../record/value.ts';
import type { PostgresConfig } from '../config.ts';
import { Adapter } from './adapter.ts';
import { putDate, putTime } from './iso.ts';
import { JulianDate, JulianTimestamp } from './julian.ts';
import { named, type Shape } from './shape.ts';
import { microsOf, secondsOf, writeThousandfold, writeThousandth } from './wide.ts';

export type TimePrecisionMode = PostgresConfig['time.precision.mode'];

const DAY_SECONDS = 86_400;
const TWO_32 = 0x1_0000_0000;
const MICROS = 1_000_000;
const DAY_MICROS = DAY_SECONDS * MICROS;

/** What Debezium takes the infinite dates for, days since 1970: nobody's infinity, but what its consumers know. */
const INFINITE_DAYS = { infinity: -2_147_472_692, '-infinity': -2_147_472_691, nan: 0 };
/** In rows that were read, and in arrays, they are the extremes of Java's milliseconds, and the era is lost. */
const READ_INFINITE_DAYS = { infinity: 106_751_991_166, '-infinity': 106_748_361_128, nan: 0 };
type InfiniteDays = typeof INFINITE_DAYS;
/** The same for timestamps, microseconds: 9223372036825200000 and -9223372036832400000 in halves. */
const INFINITE_MICROS = {
  infinity: [0x7fff_ffff, 0xfe3c_b580],
  '-infinity': [-0x8000_0000, 0x0155_6d80],
  nan: [0, 0],
} as const;

/** Text is put together here: the writer takes it before the next value is read. */
const SCRATCH = Buffer.alloc(48);
const Z = 0x5a;
const T = 0x54;

export function dateShape(mode: TimePrecisionMode, correct: boolean): Shape {
  if (mode === 'isostring') {
    return {
      schema: named('string', 'io.debezium.time.IsoDate'),
      zero: '1970-01-01Z',
      adapt: (out) => new IsoDate(out, correct ? null : INFINITE_DAYS),
      adaptRead: (out) =>
        correct ? new IsoDate(out, null) : new JulianDate(new IsoDate(out, READ_INFINITE_DAYS)),
    };
  }
  const name = mode === 'connect' ? 'org.apache.kafka.connect.data.Date' : 'io.debezium.time.Date';
  return {
    schema: named('int32', name),
    zero: 0,
    adapt: (out) => new EpochDays(out, correct ? null : INFINITE_DAYS),
    adaptRead: (out) =>
      correct ? new EpochDays(out, null) : new JulianDate(new EpochDays(out, READ_INFINITE_DAYS)),
  };
}

class EpochDays extends Adapter {
  readonly #infinite: InfiniteDays | null;

  /** `infinite` null: the infinities are the extremes. */
  constructor(out: ValueWriter, infinite: InfiniteDays | null) {
    super(out);
    this.#infinite = infinite;
  }

  override date(days: number): void {
    this.out.int32(days);
  }
  override special(kind: SpecialValue): void {
    if (this.#infinite !== null) this.out.int32(this.#infinite[kind] | 0);
    else this.out.int32(kind === 'infinity' ? 0x7fff_ffff : -0x8000_0000);
  }
}

class IsoDate extends Adapter {
  readonly #infinite: InfiniteDays | null;

  /** `infinite` null: the infinities are written as words. */
  constructor(out: ValueWriter, infinite: InfiniteDays | null) {
    super(out);
    this.#infinite = infinite;
  }

  override date(days: number): void {
    const end = putDate(SCRATCH, 0, days);
    SCRATCH[end] = Z;
    this.out.utf8(SCRATCH, 0, end + 1);
  }
  override special(kind: SpecialValue): void {
    if (this.#infinite === null) writeInfinity(kind, this.out);
    else this.date(this.#infinite[kind]);
  }
}

export function timeShape(mode: TimePrecisionMode, precision: number): Shape {
  if (mode === 'isostring') {
    return {
      schema: named('string', 'io.debezium.time.IsoTime'),
      zero: '00:00:00Z',
      adapt: (out) => new IsoTime(out),
    };
  }
  if (mode === 'connect') return millisOfDay('org.apache.kafka.connect.data.Time');
  if (mode === 'adaptive' && precision <= 3) return millisOfDay('io.debezium.time.Time');
  if (mode === 'nanoseconds') {
    const schema = named('int64', 'io.debezium.time.NanoTime');
    return { schema, zero: 0n, adapt: (out) => new NanosOfDay(out) };
  }
  const schema = named('int64', 'io.debezium.time.MicroTime');
  return { schema, zero: 0n, adapt: (out) => new MicrosOfDay(out) };
}

function millisOfDay(name: string): Shape {
  return { schema: named('int32', name), zero: 0, adapt: (out) => new MillisOfDay(out) };
}

class MillisOfDay extends Adapter {
  override time(hi: number, lo: number): void {
    this.out.int32(Math.floor((hi * TWO_32 + lo) / 1000));
  }
}

class MicrosOfDay extends Adapter {
  override time(hi: number, lo: number): void {
    this.out.int64(hi, lo);
  }
}

class NanosOfDay extends Adapter {
  override time(hi: number, lo: number): void {
    writeThousandfold(hi, lo, this.out);
  }
}

/** Times in arrays have lost what is below a millisecond, and 24:00:00 is 00:00:00. */
export class WholeMillis extends Adapter {
  override time(hi: number, lo: number): void {
    const micros = (hi * TWO_32 + lo) % DAY_MICROS;
    const whole = micros - (micros % 1000);
    const high = Math.floor(whole / TWO_32);
    this.out.time(high, whole - high * TWO_32);
  }
}

/** Those with a zone have lost what is below a second. */
export class WholeSeconds extends Adapter {
  override timetz(hi: number, lo: number, zoneSeconds: number): void {
    const micros = secondsOf(hi, lo) * MICROS;
    const high = Math.floor(micros / TWO_32);
    this.out.timetz(high, micros - high * TWO_32, zoneSeconds);
  }
}

/** 24:00:00 is 00:00:00 here: Java's time of day does not know it. */
class IsoTime extends Adapter {
  override time(hi: number, lo: number): void {
    const seconds = secondsOf(hi, lo) % DAY_SECONDS;
    const end = putTime(SCRATCH, 0, seconds, microsOf(hi, lo), 0);
    SCRATCH[end] = Z;
    this.out.utf8(SCRATCH, 0, end + 1);
  }
}

export const TIMETZ: Shape = {
  schema: named('string', 'io.debezium.time.ZonedTime'),
  zero: '00:00:00Z',
  adapt: (out) => new ZonedTime(out),
};

/** Shifted to UTC, whatever the zone was. */
class ZonedTime extends Adapter {
  override timetz(hi: number, lo: number, zoneSeconds: number): void {
    const shifted = (secondsOf(hi, lo) - zoneSeconds) % DAY_SECONDS;
    const seconds = shifted < 0 ? shifted + DAY_SECONDS : shifted;
    const end = putTime(SCRATCH, 0, seconds, microsOf(hi, lo), 0);
    SCRATCH[end] = Z;
    this.out.utf8(SCRATCH, 0, end + 1);
  }
}

export function timestampShape(mode: TimePrecisionMode, precision: number, correct: boolean): Shape {
  if (mode === 'isostring') {
    return {
      schema: named('string', 'io.debezium.time.IsoTimestamp'),
      zero: '1970-01-01T00:00:00Z',
      ...timestampAdapters((out) => new IsoTimestamp(out, 0, correct), correct),
    };
  }
  const long = (name: string, Form: typeof EpochMicros): Shape => ({
    schema: named('int64', name),
    zero: 0n,
    ...timestampAdapters((out) => new Form(out, correct), correct),
  });
  if (mode === 'connect') return long('org.apache.kafka.connect.data.Timestamp', EpochMillis);
  if (mode === 'nanoseconds') return long('io.debezium.time.NanoTimestamp', EpochNanos);
  if (mode === 'microseconds' || precision > 3) return long('io.debezium.time.MicroTimestamp', EpochMicros);
  return long('io.debezium.time.Timestamp', EpochMillis);
}

class EpochMicros extends Adapter {
  readonly #correct: boolean;

  constructor(out: ValueWriter, correct: boolean) {
    super(out);
    this.#correct = correct;
  }

  override timestamp(hi: number, lo: number): void {
    // Years after 294246 do not fit: they wrap around, as in Java.
    this.out.int64(hi | 0, lo);
  }
  override special(kind: SpecialValue): void {
    if (this.#correct) {
      if (kind === 'infinity') this.out.int64(0x7fff_ffff, 0xffff_ffff);
      else this.out.int64(-0x8000_0000, 0);
    } else this.timestamp(INFINITE_MICROS[kind][0], INFINITE_MICROS[kind][1]);
  }
}

class EpochMillis extends EpochMicros {
  override timestamp(hi: number, lo: number): void {
    writeThousandth(hi, lo, this.out);
  }
}

class EpochNanos extends EpochMicros {
  override timestamp(hi: number, lo: number): void {
    writeThousandfold(hi, lo, this.out);
  }
}

/** Its fraction has as many digits as the type, if that is said; of timestamptz(0) as many as are needed. */
export function timestamptzShape(precision: number, correct: boolean): Shape {
  return {
    schema: named('string', 'io.debezium.time.ZonedTimestamp'),
    zero: '1970-01-01T00:00:00Z',
    ...timestampAdapters((out) => new IsoTimestamp(out, precision, true), correct),
  };
}

function timestampAdapters(adapt: Shape['adapt'], correct: boolean): Pick<Shape, 'adapt' | 'adaptRead'> {
  return correct ? { adapt } : { adapt, adaptRead: (out) => new JulianTimestamp(adapt(out)) };
}

class IsoTimestamp extends Adapter {
  readonly #digits: number;
  readonly #correct: boolean;

  constructor(out: ValueWriter, digits: number, correct: boolean) {
    super(out);
    this.#digits = digits;
    this.#correct = correct;
  }

  override timestamp(hi: number, lo: number): void {
    const seconds = secondsOf(hi, lo);
    const days = Math.floor(seconds / DAY_SECONDS);
    let end = putDate(SCRATCH, 0, days);
    SCRATCH[end++] = T;
    end = putTime(SCRATCH, end, seconds - days * DAY_SECONDS, microsOf(hi, lo), this.#digits);
    SCRATCH[end] = Z;
    this.out.utf8(SCRATCH, 0, end + 1);
  }
  override special(kind: SpecialValue): void {
    if (this.#correct) writeInfinity(kind, this.out);
    else this.timestamp(INFINITE_MICROS[kind][0], INFINITE_MICROS[kind][1]);
  }
}

const INFINITY = Buffer.from('infinity');
const NEGATIVE_INFINITY = Buffer.from('-infinity');

function writeInfinity(kind: SpecialValue, out: ValueWriter): void {
  const text = kind === 'infinity' ? INFINITY : NEGATIVE_INFINITY;
  out.utf8(text, 0, text.length);
}
