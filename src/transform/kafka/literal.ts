import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
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
  const scalar = parseScalar(trimmed);
  if (scalar !== null) return scalar;
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(trimmed);
  if (quoted !== null) return string(quoted[1].replace(/\\(["\\])/g, '$1'));
  const list = /^\[(.*)\]$/s.exec(trimmed);
  return (list === null ? null : parseList(list[1])) ?? string(text);
}

function parseScalar(text: string): Typed | null {
  if (/^(true|false)$/i.test(text)) return { schema: BOOLEAN, value: text.toLowerCase() === 'true' };
  return parseNumber(text) ?? parseTime(text);
}

const BOOLEAN: ConnectSchema = { type: 'boolean', optional: false };

function string(value: string): Typed {
  return { schema: { type: 'string', optional: false }, value };
}

function parseNumber(text: string): Typed | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return null;
  const whole = wholeNumber(text);
  if (whole === null) {
    const float = Math.fround(Number(text));
    return float === Number(text)
      ? { schema: { type: 'float32', optional: false }, value: float }
      : { schema: { type: 'float64', optional: false }, value: Number(text) };
  }
  for (const [type, bits] of [
    ['int8', 8],
    ['int16', 16],
    ['int32', 32],
  ] as const) {
    if (BigInt.asIntN(bits, whole) === whole)
      return { schema: { type, optional: false }, value: Number(whole) };
  }
  if (BigInt.asIntN(64, whole) === whole) return { schema: { type: 'int64', optional: false }, value: whole };
  return { schema: { type: 'float64', optional: false }, value: Number(text) };
}

function wholeNumber(text: string): bigint | null {
  if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace('+', ''));
  return null;
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

/** Elements of one type; others: null. */
function parseList(inner: string): Typed | null {
  if (inner.trim() === '') return null;
  const elements = inner.split(',').map((part) => parseLiteral(part.trim()));
  const schema = elements[0].schema;
  const alike = elements.every(
    (each) => each.schema?.type === schema?.type && each.schema?.name === schema?.name,
  );
  if (schema === null || !alike || Array.isArray(elements[0].value)) return null;
  return {
    schema: { type: 'array', optional: false, values: schema },
    value: elements.map(({ value }) => value),
  };
}
