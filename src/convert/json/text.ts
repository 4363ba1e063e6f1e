import { IcestreamError, invariant } from '../../base/errors.ts';
import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectType,
  type ConnectValue,
  DECIMAL,
} from '../../record/connect-schema.ts';
import { decimalScale, isDecimal, rescale, twosComplement } from '../decimal.ts';
import { decimalText, doubleText, floatText } from '../java-text.ts';

/** How values become JSON, from the converter's configuration. */
export interface JsonStyle {
  /** `decimal.format`: whether a Decimal is a number instead of its bytes in base64. */
  readonly numericDecimals: boolean;
  /** `replace.null.with.default` */
  readonly nullsBecomeDefaults: boolean;
  /**
   * Maps that are no objects are lists, of pairs with Kafka's converter, of objects of key and value with Confluent's, to
   * which keys that may be null are none of an object.
   */
  readonly mapEntries: 'pairs' | 'objects';
}

/** Whether a map is an object in JSON. */
export function isObjectMap(schema: ConnectSchema, { mapEntries }: JsonStyle): boolean {
  const { type, optional } = schema.keys!;
  return type === 'string' && (mapEntries === 'pairs' || !optional);
}

/** A value's JSON under its schema, as a text: for what is written once. The writer does the same to bytes, planned. */
export function jsonText(schema: ConnectSchema, value: ConnectValue, style: JsonStyle): string {
  if (value === null) {
    const text = nullText(schema, style);
    if (text === null) throw missingValue(schema);
    return text;
  }
  switch (schema.type) {
    case 'boolean':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return String(value);
    case 'float32':
      return jsonNumber(floatText(value as number));
    case 'float64':
      return jsonNumber(doubleText(value as number));
    case 'string':
      return jsonString(value as string);
    case 'bytes':
      if (schema.name === DECIMAL) return decimalJson(schema, value as ConnectDecimal, style);
      return base64(value as Uint8Array);
    case 'array':
      return `[${(value as ConnectValue[]).map((item) => jsonText(schema.values!, item, style)).join(',')}]`;
    case 'map':
      return mapText(schema, value as ReadonlyMap<ConnectValue, ConnectValue>, style);
    case 'struct':
      return structText(schema, value as readonly ConnectValue[], style);
  }
}

/** What a null becomes; null where it may not be. */
export function nullText(schema: ConnectSchema, style: JsonStyle): string | null {
  const fallback = schema.default ?? null;
  if (fallback !== null && style.nullsBecomeDefaults) return jsonText(schema, fallback, style);
  return schema.optional ? 'null' : null;
}

export function missingValue(schema: ConnectSchema): IcestreamError {
  const message = 'Conversion error: null value for field that is required and has no default value';
  return new IcestreamError('convert.null', message, { context: { type: schema.type, schema: schema.name } });
}

function decimalJson(schema: ConnectSchema, { unscaled, scale }: ConnectDecimal, style: JsonStyle): string {
  const schemaScale = decimalScale(schema);
  const exact = rescale(unscaled, scale, schemaScale);
  return style.numericDecimals ? decimalText(exact, schemaScale) : base64(twosComplement(exact));
}

function mapText(
  schema: ConnectSchema,
  entries: ReadonlyMap<ConnectValue, ConnectValue>,
  style: JsonStyle,
): string {
  const keys = schema.keys!;
  const pairs = [...entries].map(([key, value]): [string, string] => [
    jsonText(keys, key, style),
    jsonText(schema.values!, value, style),
  ]);
  if (!isObjectMap(schema, style)) {
    const entries = pairs.map(([key, value]) =>
      style.mapEntries === 'pairs' ? `[${key},${value}]` : `{"key":${key},"value":${value}}`,
    );
    return `[${entries.join(',')}]`;
  }
  return `{${pairs.map(([key, value]) => `${key === 'null' ? '"null"' : key}:${value}`).join(',')}}`;
}

function structText(schema: ConnectSchema, values: readonly ConnectValue[], style: JsonStyle): string {
  const fields = schema.fields ?? [];
  invariant(fields.length === values.length, 'a struct has a value for each field', { schema: schema.name });
  const parts = fields.map(
    (field, i) => `${jsonString(field.name)}:${jsonText(field.schema, values[i], style)}`,
  );
  return `{${parts.join(',')}}`;
}

/** A schema as JsonConverter describes it; `field` is the name that it has in a struct. */
export function schemaText(schema: ConnectSchema, style: JsonStyle, field?: string): string {
  const parts = [`"type":"${TYPE_NAMES[schema.type]}"`];
  if (schema.type === 'struct') {
    const fields = (schema.fields ?? []).map((each) => schemaText(each.schema, style, each.name));
    parts.push(`"fields":[${fields.join(',')}]`);
  }
  if (schema.type === 'array') parts.push(`"items":${schemaText(schema.values!, style)}`);
  if (schema.type === 'map') {
    parts.push(`"keys":${schemaText(schema.keys!, style)}`, `"values":${schemaText(schema.values!, style)}`);
  }
  parts.push(`"optional":${schema.optional}`);
  if (schema.name !== undefined) parts.push(`"name":${jsonString(schema.name)}`);
  if (schema.version !== undefined) parts.push(`"version":${schema.version}`);
  if (schema.doc !== undefined) parts.push(`"doc":${jsonString(schema.doc)}`);
  if (schema.parameters !== undefined) {
    const pairs = Object.entries(schema.parameters).map(
      ([key, value]) => `${jsonString(key)}:${jsonString(value)}`,
    );
    parts.push(`"parameters":{${pairs.join(',')}}`);
  }
  const fallback = schema.default ?? null;
  if (fallback !== null) parts.push(`"default":${jsonText(schema, fallback, style)}`);
  if (field !== undefined) parts.push(`"field":${jsonString(field)}`);
  return `{${parts.join(',')}}`;
}

const TYPE_NAMES: Readonly<Record<ConnectType, string>> = {
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  float32: 'float',
  float64: 'double',
  boolean: 'boolean',
  string: 'string',
  bytes: 'bytes',
  array: 'array',
  map: 'map',
  struct: 'struct',
};

/** A value without a schema: the value tells its type. */
export function untypedText(value: ConnectValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : jsonNumber(doubleText(value));
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return base64(value);
  if (isDecimal(value)) {
    const message = 'Java class class java.math.BigDecimal does not have corresponding schema type.';
    throw new IcestreamError('convert.value', message);
  }
  if (!(value instanceof Map)) {
    return `[${(value as readonly ConnectValue[]).map(untypedText).join(',')}]`;
  }
  const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)];
  const pairs = entries.map(([key, item]): [string, string] => [untypedText(key), untypedText(item)]);
  if (entries.every(([key]) => typeof key === 'string')) {
    return `{${pairs.map(([key, item]) => `${key}:${item}`).join(',')}}`;
  }
  return `[${pairs.map(([key, item]) => `[${key},${item}]`).join(',')}]`;
}

/**
 * Quoted as Jackson does it: control characters as `\n` and the like or in upper-case hex, surrogates in hex, all else as it
 * is.
 */
export function jsonString(text: string): string {
  return quoted(text, BYTES_ESCAPED);
}

/** As Jackson does it to a text instead of bytes: surrogates stay. */
export function jsonStringOfText(text: string): string {
  return quoted(text, TEXT_ESCAPED);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const BYTES_ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const TEXT_ESCAPED = /["\\\u0000-\u001f]/g;

function quoted(text: string, escapedChars: RegExp): string {
  const escaped = text.replace(escapedChars, (char) => {
    const code = char.charCodeAt(0);
    return SHORT_ESCAPES[char] ?? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** What JSON has no number for is a string. */
export function jsonNumber(text: string): string {
  return text.endsWith('N') || text.endsWith('y') ? `"${text}"` : text;
}

function base64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`;
}
