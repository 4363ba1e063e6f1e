import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectValue,
  DECIMAL,
} from '../../record/connect-schema.ts';
import { decimalScale, rescale, twosComplement } from '../decimal.ts';
import { javaMapOrder } from '../java-map.ts';
import { decimalText, doubleText, floatText } from '../java-text.ts';
import { isObjectMap, type JsonStyle, jsonStringOfText } from '../json/text.ts';

export interface JsonSchemaStyle {
  readonly json: JsonStyle;
  /** `object.additional.properties` */
  readonly additionalProperties: boolean;
}

/**
 * A Connect schema as the JSON Schema (draft 7) that JsonSchemaData makes of it: what JSON Schema cannot say in `connect.*`
 * properties, what may be null as one of null and the rest. Properties are in the order of Confluent's text, where they come
 * out of a hash map: `connect.index` has their own.
 */
export function jsonSchemaText(schema: ConnectSchema, style: JsonSchemaStyle): string {
  return describe(schema, null, style);
}

/** `index` is the place of a field in its struct. */
function describe(schema: ConnectSchema, index: number | null, style: JsonSchemaStyle): string {
  const place = index === null ? [] : [`"connect.index":${index}`];
  if (!schema.optional) return describeValue(schema, place, style);
  const value = describeValue(schema, [], style);
  return object([...place, `"oneOf":[{"type":"null"},${value}]`]);
}

function describeValue(schema: ConnectSchema, place: readonly string[], style: JsonSchemaStyle): string {
  const common = [...titled(schema, style), ...place, ...properties(schema)];
  switch (schema.type) {
    case 'boolean':
      return object([...common, '"type":"boolean"']);
    case 'array':
      return object(['"type":"array"', ...common, `"items":${describe(schema.values!, null, style)}`]);
    case 'map':
      return describeMap(schema, common, style);
    case 'struct':
      return describeStruct(schema, common, style);
    default:
      return object([`"type":"${typeName(schema, style)}"`, ...common]);
  }
}

function typeName(schema: ConnectSchema, { json }: JsonSchemaStyle): string {
  if (schema.type === 'bytes') return json.numericDecimals && schema.name === DECIMAL ? 'number' : 'string';
  if (schema.type === 'string') return 'string';
  return schema.type.startsWith('int') ? 'integer' : 'number';
}

function describeStruct(schema: ConnectSchema, common: readonly string[], style: JsonSchemaStyle): string {
  const fields = new Map((schema.fields ?? []).map((field, i) => [field.name, { schema: field.schema, i }]));
  const own = javaMapOrder([...fields.keys()]).map((name) => {
    const field = fields.get(name)!;
    return `${jsonStringOfText(name)}:${describe(field.schema, field.i, style)}`;
  });
  return object([
    '"type":"object"',
    ...(style.additionalProperties ? [] : ['"additionalProperties":false']),
    ...common,
    ...(own.length === 0 ? [] : [`"properties":${object(own)}`]),
  ]);
}

/** An object whose values are alike, or a list of entries. */
function describeMap(schema: ConnectSchema, common: readonly string[], style: JsonSchemaStyle): string {
  if (isObjectMap(schema, style.json)) {
    const value = describe(schema.values!, null, style);
    return object(['"type":"object"', ...common, `"additionalProperties":${value}`]);
  }
  const entry: Record<string, string> = {
    key: describe(schema.keys!, 0, style),
    value: describe(schema.values!, 1, style),
  };
  const parts = javaMapOrder(['key', 'value']).map((name) => `"${name}":${entry[name]}`);
  const items = object(['"type":"object"', `"properties":${object(parts)}`]);
  return object(['"type":"array"', ...common, `"items":${items}`]);
}

function titled(schema: ConnectSchema, style: JsonSchemaStyle): string[] {
  const fallback = schema.default ?? null;
  return [
    ...(schema.name === undefined ? [] : [`"title":${jsonStringOfText(schema.name)}`]),
    ...(schema.doc === undefined ? [] : [`"description":${jsonStringOfText(schema.doc)}`]),
    ...(fallback === null ? [] : [`"default":${defaultText(schema, fallback, style.json)}`]),
  ];
}

function properties(schema: ConnectSchema): string[] {
  const type = CONNECT_TYPES.has(schema.type) ? [`"connect.type":"${schema.type}"`] : [];
  const version = schema.version === undefined ? [] : [`"connect.version":${schema.version}`];
  const own = Object.entries(schema.parameters ?? {}).filter(([key]) => !key.startsWith(NAMESPACE));
  if (own.length === 0) return [...version, ...type];
  const values = new Map(own);
  // Out of one map and into another one, which is made as large as the first.
  const order = javaMapOrder(javaMapOrder([...values.keys()]), tableSize(values.size));
  const pairs = order.map((key) => `${jsonStringOfText(key)}:${jsonStringOfText(values.get(key)!)}`);
  return [...version, ...type, `"connect.parameters":${object(pairs)}`];
}

function defaultText(schema: ConnectSchema, value: ConnectValue, style: JsonStyle): string {
  if (value === null) return 'null';
  switch (schema.type) {
    case 'string':
      return jsonStringOfText(value as string);
    case 'float32':
      return numberText(floatText(value as number));
    case 'float64':
      return numberText(doubleText(value as number));
    case 'bytes':
      return schema.name === DECIMAL
        ? defaultDecimal(schema, value as ConnectDecimal, style)
        : base64(value as Uint8Array);
    case 'array':
      return `[${(value as readonly ConnectValue[]).map((item) => defaultText(schema.values!, item, style)).join(',')}]`;
    case 'map':
      return defaultMap(schema, value as ReadonlyMap<ConnectValue, ConnectValue>, style);
    case 'struct': {
      const values = value as readonly ConnectValue[];
      const texts = new Map(
        (schema.fields ?? []).map((field, i) => [field.name, defaultText(field.schema, values[i], style)]),
      );
      return ordered(texts);
    }
    default:
      return String(value);
  }
}

function defaultDecimal(
  schema: ConnectSchema,
  { unscaled, scale }: ConnectDecimal,
  style: JsonStyle,
): string {
  const schemaScale = decimalScale(schema);
  const exact = rescale(unscaled, scale, schemaScale);
  return style.numericDecimals ? numberText(decimalText(exact, schemaScale)) : base64(twosComplement(exact));
}

function defaultMap(
  schema: ConnectSchema,
  entries: ReadonlyMap<ConnectValue, ConnectValue>,
  style: JsonStyle,
): string {
  const isObject = isObjectMap(schema, style);
  const pairs = [...entries].map(([key, value]): [ConnectValue, string, string] => [
    key,
    isObject ? '' : defaultText(schema.keys!, key, style),
    defaultText(schema.values!, value, style),
  ]);
  if (isObject) return ordered(new Map(pairs.map(([key, , value]) => [String(key), value])));
  const texts = pairs.map(([, key, value]) => ordered(new Map(Object.entries({ key, value }))));
  return `[${texts.join(',')}]`;
}

function ordered(texts: ReadonlyMap<string, string>): string {
  return object(javaMapOrder([...texts.keys()]).map((key) => `${jsonStringOfText(key)}:${texts.get(key)}`));
}

/**
 * A number as it comes out of org.json, which drops zeros at its end, and then as a BigDecimal: `5.0` as 5, `1.0E10` as
 * 1.0E+10.
 */
function numberText(text: string): string {
  if (!/^-?[0-9]/.test(text)) return jsonStringOfText(text);
  const [mantissa, power = '0'] = text.split('E');
  const short = text.includes('E') || !text.includes('.') ? mantissa : mantissa.replace(/\.?0+$/, '');
  const point = short.indexOf('.');
  const scale = (point < 0 ? 0 : short.length - point - 1) - Number(power);
  return decimalText(BigInt(short.replace('.', '')), scale);
}

function base64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`;
}

function object(parts: readonly string[]): string {
  return `{${parts.join(',')}}`;
}

function tableSize(count: number): number {
  let size = 1;
  while (size < count) size *= 2;
  return size;
}

const NAMESPACE = 'io.confluent.connect.json';
/** The types that JSON Schema has not by themselves. */
const CONNECT_TYPES: ReadonlySet<string> = new Set([
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'bytes',
  'map',
]);
