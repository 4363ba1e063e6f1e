import type { IcebergType, NestedField } from '../../src/iceberg/schema.ts';

/** A value in the one form that all engines' answers are brought to: text, null, or a list of such. */
export type Canonical = string | null | readonly Canonical[];

/** How an engine's SQL prints values so that `canonical` can read them. Lists, structs and maps become lists of text. */
export interface Dialect {
  quote(name: string): string;
  /** `x` as text. */
  scalar(type: string, x: string): string;
  list(x: string, element: (x: string) => string): string;
  struct(x: string, fields: readonly NestedField[], value: (type: IcebergType, x: string) => string): string;
  /** A list of two-element lists. */
  map(x: string): string;
}

export function selectValue(dialect: Dialect, type: IcebergType, x: string): string {
  if (typeof type === 'string') return dialect.scalar(type, x);
  const inner = (innerType: IcebergType, innerX: string) => selectValue(dialect, innerType, innerX);
  if (type.type === 'list') return dialect.list(x, (element) => inner(type.element, element));
  if (type.type === 'struct') return dialect.struct(x, type.fields, inner);
  return dialect.map(x);
}

/** What an engine printed of a value of `type`, in the common form. */
export function canonical(type: IcebergType, value: unknown): Canonical {
  if (value === null || value === undefined) return null;
  if (typeof type !== 'string') {
    const list = value as readonly unknown[];
    if (type.type === 'list') return list.map((element) => canonical(type.element, element));
    if (type.type === 'struct') return type.fields.map((field, i) => canonical(field.type, list[i]));
    const entries = list as readonly (readonly unknown[])[];
    const pairs = entries.map(([key, of]) => [canonical(type.key, key), canonical(type.value, of)]);
    return pairs.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  }
  const text = String(value);
  if (type === 'boolean')
    return /^(1|t|true)$/i.test(text) ? 'true' : /^(0|f|false)$/i.test(text) ? 'false' : text;
  if (type === 'float') return String(Math.fround(floatOf(text)));
  if (type === 'double') return String(floatOf(text));
  if (type.startsWith('decimal')) return decimalText(text, Number(/, *(\d+)\)/.exec(type)![1]));
  if (type === 'date') return text.includes('-', 1) ? String(daysOf(text)) : text;
  if (type === 'time') return text.includes(':') ? String(microsOf(text)) : text;
  if (type.startsWith('timestamp')) return text.includes(':') ? String(instantOf(text)) : text;
  return text;
}

/** A set of rows as comparable text: neither order nor an engine's way to print matters. */
export function canonicalRows(
  types: readonly IcebergType[],
  rows: readonly (readonly unknown[])[],
): string[] {
  return rows.map((row) => JSON.stringify(types.map((type, i) => canonical(type, row[i])))).sort();
}

function floatOf(text: string): number {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  return Number(text);
}

/** `1.5`, `15E-1` and `1.50` at scale 2 are all `1.50`. */
function decimalText(text: string, scale: number): string {
  const match = /^(-?)(\d*)\.?(\d*)(?:E([+-]?\d+))?$/i.exec(text);
  if (match === null) return text;
  const [, sign, whole, fraction, exponent] = match;
  const shift = Number(exponent ?? 0) - fraction.length + scale;
  const digits = BigInt(whole + fraction);
  const unscaled = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  const padded = String(unscaled).padStart(scale + 1, '0');
  const point = padded.length - scale;
  return `${unscaled === 0n ? '' : sign}${padded.slice(0, point)}${scale === 0 ? '' : `.${padded.slice(point)}`}`;
}

/** Days since 1970 of `[+-]y-mm-dd`; year 0 is 1 BC. */
function daysOf(text: string): number {
  const [, year, month, day] = /^([+-]?\d+)-(\d\d)-(\d\d)/.exec(text)!;
  // 400 years are 146,097 days whatever they are: JavaScript's own dates end in the year 275760.
  const cycles = Math.floor(Number(year) / 400);
  const date = new Date(0);
  date.setUTCFullYear(Number(year) - cycles * 400, Number(month) - 1, Number(day));
  return cycles * 146_097 + date.getTime() / 86_400_000;
}

function microsOf(text: string): bigint {
  const [, hours, minutes, seconds, fraction] = /(\d\d):(\d\d):(\d\d)(?:\.(\d+))?/.exec(text)!;
  const micros = (fraction ?? '').slice(0, 6).padEnd(6, '0');
  return (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * 1_000_000n + BigInt(micros);
}

function instantOf(text: string): bigint {
  return BigInt(daysOf(text)) * 86_400_000_000n + microsOf(text);
}
