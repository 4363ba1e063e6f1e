import { civilDate } from '../../../base/civil-date.ts';
import type { Codec, LogicalType, SpecialValue, ValueWriter } from '../../../record/value.ts';
import { textAt } from './text.ts';

/**
 * A value as PostgreSQL prints it (`::text`, DateStyle ISO, TimeZone UTC, extra_float_digits 1). Needed where a type
 * prints values of another inside its own text: ranges, composites, arrays in composites.
 */
export function printValue({ codec, kind }: Printed, bytes: Uint8Array, start: number, end: number): string {
  const writer = new TextWriter(kind);
  codec.read(bytes, start, end, writer);
  return writer.text;
}

/** What to print with: timestamp and timestamptz write the same, and so do the infinities of numbers and dates. */
export interface Printed {
  readonly codec: Codec;
  /** Kind of the value, or of the elements of a list. */
  readonly kind: LogicalType['kind'];
}

class TextWriter implements ValueWriter {
  text = '';
  readonly #kind: LogicalType['kind'];
  /** Above 0 inside a list, where texts are quoted and separated. */
  #depth = 0;
  #count = 0;

  constructor(kind: LogicalType['kind']) {
    this.#kind = kind;
  }

  null(): void {
    this.#put('NULL');
  }
  bool(value: boolean): void {
    this.#put(value ? 't' : 'f');
  }
  int32(value: number): void {
    this.#put(String(value));
  }
  int64(hi: number, lo: number): void {
    this.#put(String(bigOf(hi, lo)));
  }
  float32(value: number): void {
    this.#put(printFloat4(value));
  }
  float64(value: number): void {
    this.#put(printFloat8(value));
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.#put(printDecimal(String(Math.abs(unscaled)), unscaled < 0, scale));
  }
  decimal(unscaled: bigint, scale: number): void {
    const negative = unscaled < 0n;
    this.#put(printDecimal(String(negative ? -unscaled : unscaled), negative, scale));
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    const text = textAt(bytes, start, end);
    this.#put(this.#depth > 0 ? quoteElement(text) : text);
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');
    this.#put(this.#depth > 0 ? `"\\\\x${hex}"` : `\\x${hex}`);
  }
  uuid(bytes: Uint8Array, start: number): void {
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + start, 16).toString('hex');
    this.#put(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  }
  date(days: number): void {
    const { text, bc } = printDays(days);
    this.#put(this.#quoted(bc ? `${text} BC` : text));
  }
  time(hi: number, lo: number): void {
    this.#put(printTimeOfDay(hi * 0x100000000 + lo));
  }
  timetz(hi: number, lo: number, zoneSeconds: number): void {
    this.#put(printTimeOfDay(hi * 0x100000000 + lo) + printZone(zoneSeconds));
  }
  timestamp(hi: number, lo: number): void {
    this.#put(this.#quoted(printTimestamp(hi, lo, this.#kind === 'timestamptz')));
  }
  interval(months: number, days: number, hi: number, lo: number): void {
    this.#put(this.#quoted(printInterval(months, days, bigOf(hi, lo))));
  }
  special(kind: SpecialValue): void {
    if (kind === 'nan') this.#put('NaN');
    else this.#put(this.#kind === 'decimal' ? (kind === 'infinity' ? 'Infinity' : '-Infinity') : kind);
  }
  beginList(_count: number): void {
    this.#put('{');
    this.#depth++;
    this.#count = 0;
  }
  endList(): void {
    this.#depth--;
    this.text += '}';
    this.#count = 1;
  }
  beginStruct(): void {
    this.beginList(0);
  }
  endStruct(): void {
    this.endList();
  }
  beginMap(count: number): void {
    this.beginList(count);
  }
  endMap(): void {
    this.endList();
  }

  #put(text: string): void {
    if (this.#depth > 0 && this.#count++ > 0) this.text += ',';
    this.text += text;
  }

  #quoted(text: string): string {
    return this.#depth > 0 ? quoteElement(text) : text;
  }
}

/** An array element as `array_out` quotes it. */
function quoteElement(text: string): string {
  if (text !== '' && !/[{}",\\\s]/.test(text) && text.toUpperCase() !== 'NULL') return text;
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

export function printFloat8(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(value, -0)) return '-0';
  return printShortest(value.toExponential(), 15);
}

/** The shortest digits that give back the same float4: tried one by one, which is rare enough to be slow. */
export function printFloat4(value: number): string {
  if (!Number.isFinite(value) || value === 0) return printFloat8(value);
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return printShortest(text, 6);
  }
  return printShortest(value.toExponential(8), 6);
}

/** `1.5e+21` and the like: positional while the exponent is in [-4, positionalMax), else with at least two exponent digits. */
function printShortest(exponential: string, positionalMax: number): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(exponential)!;
  const [, sign, first, rest] = match;
  const exponent = Number(match[4]);
  const digits = (first + (rest ?? '')).replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= positionalMax) {
    const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`);
}

export function printDecimal(digits: string, negative: boolean, scale: number): string {
  const sign = negative ? '-' : '';
  if (scale === 0) return sign + digits;
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

export function printTimestamp(hi: number, lo: number, zone: boolean): string {
  const micros = bigOf(hi, lo);
  const day = 86_400_000_000n;
  let days = micros / day;
  let rest = micros % day;
  if (rest < 0n) {
    rest += day;
    days -= 1n;
  }
  const { text, bc } = printDays(Number(days));
  return `${text} ${printTimeOfDay(Number(rest))}${zone ? '+00' : ''}${bc ? ' BC' : ''}`;
}

function printDays(days: number): { text: string; bc: boolean } {
  const { year, month, day } = civilDate(days);
  // There is no year 0: astronomical 0 is 1 BC.
  const shown = year > 0 ? year : 1 - year;
  return { text: `${String(shown).padStart(4, '0')}-${pad2(month)}-${pad2(day)}`, bc: year <= 0 };
}

function printTimeOfDay(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const text = `${pad2(Math.floor(seconds / 3600))}:${pad2(Math.floor(seconds / 60) % 60)}:${pad2(seconds % 60)}`;
  return text + printFraction(micros % 1_000_000);
}

function printFraction(micros: number): string {
  return micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`;
}

function printZone(seconds: number): string {
  const size = Math.abs(seconds);
  let text = (seconds < 0 ? '-' : '+') + pad2(Math.floor(size / 3600));
  if (size % 3600 !== 0) text += `:${pad2(Math.floor(size / 60) % 60)}`;
  if (size % 60 !== 0) text += `:${pad2(size % 60)}`;
  return text;
}

/** As `interval_out` with IntervalStyle postgres: a sign is printed again once a part before was negative. */
function printInterval(months: number, days: number, micros: bigint): string {
  const parts: string[] = [];
  let negativeBefore = false;
  const add = (count: number, unit: string) => {
    if (count === 0) return;
    const sign = negativeBefore && count > 0 ? '+' : '';
    parts.push(`${sign}${count} ${unit}${count === 1 ? '' : 's'}`);
    negativeBefore = count < 0;
  };
  add(Math.trunc(months / 12), 'year');
  add(months % 12, 'mon');
  add(days, 'day');
  if (micros !== 0n || parts.length === 0) {
    const size = micros < 0n ? -micros : micros;
    const seconds = size / 1_000_000n;
    const sign = micros < 0n ? '-' : negativeBefore ? '+' : '';
    const clock = `${String(seconds / 3600n).padStart(2, '0')}:${pad2(Number((seconds / 60n) % 60n))}:${pad2(Number(seconds % 60n))}`;
    parts.push(sign + clock + printFraction(Number(size % 1_000_000n)));
  }
  return parts.join(' ');
}

function pad2(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function bigOf(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) + BigInt(lo);
}
