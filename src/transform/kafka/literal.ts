import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../record/connect-schema.ts';
import { DATE, DAY_MS, TIME, TIMESTAMP } from './temporal.ts';

interface Typed {
  readonly schema: ConnectSchema | null;
  readonly value: ConnectValue;
}

/**
 * A text as Values.parseString reads it: the smallest type that holds it. Lists and maps of more than scalars are left as
 * text, since no header needs them.
 */
export function parseLiteral(text: string): Typed {
  const trimmed = text.trim();
  if (trimmed === 'null') return { schema: null, value: null };
  const list = /^\[(.*)\]$/s.exec(trimmed);
  const map = /^\{(.*)\}$/s.exec(trimmed);
  return (
    parseScalar(trimmed) ??
    (list === null ? null : parseList(list[1])) ??
    (map === null ? null : parseMap(map[1])) ??
    string(trimmed)
  );
}

/** Within a list or a map text stands in quotes. */
function parseElement(text: string): Typed {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(text.trim());
  return quoted === null ? parseLiteral(text) : string(quoted[1].replace(/\\(["\\])/g, '$1'));
}

function parseScalar(text: string): Typed | null {
  if (/^(true|false)$/i.test(text)) return { schema: BOOLEAN, value: text.toLowerCase() === 'true' };
  return parseNumber(text) ?? parseTime(text);
}

const BOOLEAN: ConnectSchema = { type: 'boolean', optional: false };

function string(value: string): Typed {
  return { schema: { type: 'string', optional: false }, value };
}

/** The smallest integer type, else the smallest floating point that is finite, else Decimal. */
function parseNumber(text: string): Typed | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (match === null || !/\d/.test(match[2] + (match[3] ?? ''))) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const unscaled = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  const integer = integerOf(unscaled, scale);
  for (const [type, bits] of INTEGERS) {
    if (integer === null || BigInt.asIntN(bits, integer) !== integer) continue;
    return { schema: { type, optional: false }, value: type === 'int64' ? integer : Number(integer) };
  }
  const number = Number(text);
  const float = Math.fround(number);
  if (scale !== 0 && Number.isFinite(float))
    return { schema: { type: 'float32', optional: false }, value: float };
  if (scale !== 0 && Number.isFinite(number))
    return { schema: { type: 'float64', optional: false }, value: number };
  const parameters = { scale: String(scale) };
  const schema: ConnectSchema = { type: 'bytes', optional: false, name: DECIMAL, version: 1, parameters };
  return { schema, value: { unscaled, scale } };
}

const INTEGERS = [
  ['int8', 8],
  ['int16', 16],
  ['int32', 32],
  ['int64', 64],
] as const;

/** Null: it has a fraction. */
function integerOf(unscaled: bigint, scale: number): bigint | null {
  if (scale <= 0) return unscaled * 10n ** BigInt(-scale);
  const unit = 10n ** BigInt(scale);
  return unscaled % unit === 0n ? unscaled / unit : null;
}

function parseTime(text: string): Typed | null {
  const millis = (iso: string) => {
    const parsed = Date.parse(iso);
    return Number.isNaN(parsed) ? null : parsed;
  };
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const at = millis(`${text}T00:00:00.000Z`);
    return at === null ? null : { schema: temporal('int32', DATE), value: at / DAY_MS };
  }
  if (/^\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) {
    const at = millis(`1970-01-01T${text}`);
    return at === null ? null : { schema: temporal('int32', TIME), value: at };
  }
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4})$/.test(text)) {
    const at = millis(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
    return at === null ? null : { schema: temporal('int64', TIMESTAMP), value: BigInt(at) };
  }
  return null;
}

function temporal(type: 'int32' | 'int64', name: string): ConnectSchema {
  return { type, optional: false, name, version: 1 };
}

/** Elements of one type; others, and none: null. */
function parseList(inner: string): Typed | null {
  const elements = splitOutsideQuotes(inner, ',').map(parseElement);
  const values = commonSchema(elements);
  if (values === null) return null;
  return { schema: { type: 'array', optional: false, values }, value: elements.map(({ value }) => value) };
}

function parseMap(inner: string): Typed | null {
  const entries = splitOutsideQuotes(inner, ',').map((entry) =>
    splitOutsideQuotes(entry, ':').map(parseElement),
  );
  if (entries.some((entry) => entry.length !== 2)) return null;
  const keys = commonSchema(entries.map(([key]) => key));
  const values = commonSchema(entries.map(([, value]) => value));
  if (keys === null || values === null) return null;
  const map = new Map(entries.map(([key, value]) => [key.value, value.value]));
  return { schema: { type: 'map', optional: false, keys, values }, value: map };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  if (text.trim() === '') return [];
  return text.split(new RegExp(`${separator}(?=(?:[^"]*"[^"]*")*[^"]*$)`));
}

function commonSchema(elements: readonly Typed[]): ConnectSchema | null {
  const schema = elements[0]?.schema ?? null;
  const alike = elements.every(
    (each) => each.schema?.type === schema?.type && each.schema?.name === schema?.name,
  );
  return alike ? schema : null;
}
