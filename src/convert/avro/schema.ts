import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectType,
  type ConnectValue,
  DECIMAL,
} from '../../record/connect-schema.ts';
import { decimalScale, rescale, twosComplement } from '../decimal.ts';
import { doubleText, floatText } from '../java-text.ts';
import { type JsonStyle, jsonNumber, jsonStringOfText, schemaText } from '../json/text.ts';

/**
 * A Connect schema as the Avro schema that Confluent's and Apicurio's converters register: named by the Connect schema's name,
 * what Avro cannot say in `connect.*` properties, optional fields as unions with null, first or second by the default.
 */
export function avroSchemaText(schema: ConnectSchema, withMetadata: boolean): string {
  return typeText(schema, '', { withMetadata, names: new Set(), unnamed: new Map() });
}

/** Whether a map is Avro's, whose keys are strings, or a list of entries. */
export function isAvroMap(schema: ConnectSchema): boolean {
  return schema.keys!.type === 'string' && !schema.keys!.optional;
}

/** The record's full name, for subjects that are named by it; null where the schema is no record. */
export function recordName(schema: ConnectSchema): string | null {
  return schema.type === 'struct' ? (schema.name ?? `${DEFAULT_NAMESPACE}.${DEFAULT_NAME}`) : null;
}

interface Context {
  readonly withMetadata: boolean;
  /** Full names that are written already: a second time they are only named. */
  readonly names: Set<string>;
  /** The names of structs that have none, by what they are: equal ones are one record. */
  readonly unnamed: Map<string, string>;
}

/** `space` is the namespace around the type. */
function typeText(schema: ConnectSchema, space: string, context: Context): string {
  const base =
    schema.type === 'struct' ? recordText(schema, space, context) : plainText(schema, space, context);
  if (!schema.optional) return base;
  const isDefaultFirst = schema.type !== 'struct' && (schema.default ?? null) !== null;
  return isDefaultFirst ? `[${base},"null"]` : `["null",${base}]`;
}

function recordText(schema: ConnectSchema, space: string, context: Context): string {
  const fullName = schema.name ?? unnamed(schema, context);
  const [namespace, name] = split(fullName);
  if (context.names.has(fullName)) return jsonStringOfText(namespace === space ? name : fullName);
  context.names.add(fullName);
  const fields = (schema.fields ?? []).map((field) =>
    fieldText(field.name, field.schema, namespace, context),
  );
  const parts = [
    '"type":"record"',
    ...nameParts(name, namespace, space),
    `"fields":[${fields.join(',')}]`,
    ...properties(schema, context),
  ];
  return `{${parts.join(',')}}`;
}

function unnamed(schema: ConnectSchema, context: Context): string {
  const text = schemaText({ ...schema, optional: false }, PLAIN);
  const known = context.unnamed.get(text);
  if (known !== undefined) return known;
  const index = context.unnamed.size + 1;
  const name = `${DEFAULT_NAMESPACE}.${DEFAULT_NAME}${index > 1 ? index : ''}`;
  context.unnamed.set(text, name);
  return name;
}

function nameParts(name: string, namespace: string, space: string): string[] {
  const part = `"name":${jsonStringOfText(name)}`;
  return namespace === space ? [part] : [part, `"namespace":${jsonStringOfText(namespace)}`];
}

function fieldText(name: string, schema: ConnectSchema, space: string, context: Context): string {
  const parts = [`"name":${jsonStringOfText(name)}`, `"type":${typeText(schema, space, context)}`];
  const fallback = schema.default ?? null;
  if (fallback !== null && !(schema.type === 'struct' && schema.optional)) {
    parts.push(`"default":${defaultText(schema, fallback)}`);
  } else if (schema.optional) {
    parts.push('"default":null');
  }
  return `{${parts.join(',')}}`;
}

function plainText(schema: ConnectSchema, space: string, context: Context): string {
  const parts = [`"type":"${TYPES[schema.type]}"`];
  if (schema.type === 'array') parts.push(`"items":${typeText(schema.values!, space, context)}`);
  if (schema.type === 'map') {
    if (isAvroMap(schema)) {
      parts[0] = '"type":"map"';
      parts.push(`"values":${typeText(schema.values!, space, context)}`);
    } else {
      parts.push(`"items":${entryText(schema, space, context)}`);
    }
  }
  if (schema.name === DECIMAL) {
    const precision = schema.parameters?.['connect.decimal.precision'] ?? DEFAULT_PRECISION;
    parts.push(`"scale":${decimalScale(schema)}`, `"precision":${Number(precision)}`);
  }
  parts.push(...properties(schema, context));
  return parts.length === 1 && !('values' in schema) ? `"${TYPES[schema.type]}"` : `{${parts.join(',')}}`;
}

/** An entry of a map whose keys Avro's own maps cannot have. */
function entryText(schema: ConnectSchema, space: string, context: Context): string {
  const fullName = schema.name ?? `${DEFAULT_NAMESPACE}.MapEntry`;
  const [namespace, name] = split(fullName);
  if (context.names.has(fullName)) return jsonStringOfText(namespace === space ? name : fullName);
  context.names.add(fullName);
  const fields = [
    fieldText('key', schema.keys!, namespace, context),
    fieldText('value', schema.values!, namespace, context),
  ];
  const parts = [
    '"type":"record"',
    ...nameParts(name, namespace, space),
    `"fields":[${fields.join(',')}]`,
    ...(schema.name === undefined ? [] : ['"connect.internal.type":"MapEntry"']),
  ];
  return `{${parts.join(',')}}`;
}

function properties(schema: ConnectSchema, { withMetadata }: Context): string[] {
  const parts: string[] = [];
  const own = Object.entries(schema.parameters ?? {});
  if (withMetadata) {
    if (schema.doc !== undefined) parts.push(`"connect.doc":${jsonStringOfText(schema.doc)}`);
    if (schema.version !== undefined) parts.push(`"connect.version":${schema.version}`);
    const pairs = own.map(([key, value]) => `${jsonStringOfText(key)}:${jsonStringOfText(value)}`);
    if (pairs.length > 0) parts.push(`"connect.parameters":{${pairs.join(',')}}`);
    const fallback = schema.default ?? null;
    if (fallback !== null) parts.push(`"connect.default":${defaultText(schema, fallback)}`);
    if (schema.name !== undefined) parts.push(`"connect.name":${jsonStringOfText(schema.name)}`);
    if (schema.type === 'int8' || schema.type === 'int16') parts.push(`"connect.type":"${schema.type}"`);
  }
  const logicalType = LOGICAL_TYPES[schema.name ?? ''];
  if (logicalType !== undefined) parts.push(`"logicalType":"${logicalType}"`);
  for (const [key, value] of own) {
    if (key.startsWith('avro.')) parts.push(`${jsonStringOfText(key)}:${jsonStringOfText(value)}`);
  }
  return parts;
}

/** A default as JSON; bytes are a text with a character for each. */
function defaultText(schema: ConnectSchema, value: ConnectValue): string {
  if (value === null) return 'null';
  switch (schema.type) {
    case 'float32':
      return jsonNumber(floatText(value as number));
    case 'float64':
      return jsonNumber(doubleText(value as number));
    case 'string':
      return jsonStringOfText(value as string);
    case 'bytes':
      return jsonStringOfText(Buffer.from(bytesOf(schema, value)).toString('latin1'));
    case 'array':
      return `[${(value as ConnectValue[]).map((item) => defaultText(schema.values!, item)).join(',')}]`;
    case 'map':
      return defaultMap(schema, value as ReadonlyMap<ConnectValue, ConnectValue>);
    case 'struct': {
      const values = value as readonly ConnectValue[];
      const parts = (schema.fields ?? []).map(
        (field, i) => `${jsonStringOfText(field.name)}:${defaultText(field.schema, values[i])}`,
      );
      return `{${parts.join(',')}}`;
    }
    default:
      return String(value);
  }
}

function defaultMap(schema: ConnectSchema, entries: ReadonlyMap<ConnectValue, ConnectValue>): string {
  const pairs = [...entries].map(([key, value]): [string, string] => [
    defaultText(schema.keys!, key),
    defaultText(schema.values!, value),
  ]);
  if (isAvroMap(schema)) return `{${pairs.map(([key, value]) => `${key}:${value}`).join(',')}}`;
  return `[${pairs.map(([key, value]) => `[${key},${value}]`).join(',')}]`;
}

/** A Decimal's two's complement at the schema's scale; other bytes as they are. */
export function bytesOf(schema: ConnectSchema, value: ConnectValue): Uint8Array {
  if (schema.name !== DECIMAL) return value as Uint8Array;
  const { unscaled, scale } = value as ConnectDecimal;
  return twosComplement(rescale(unscaled, scale, decimalScale(schema)));
}

function split(fullName: string): [namespace: string, name: string] {
  const dot = fullName.lastIndexOf('.');
  return [fullName.slice(0, Math.max(0, dot)), fullName.slice(dot + 1)];
}

const DEFAULT_NAMESPACE = 'io.confluent.connect.avro';
const DEFAULT_NAME = 'ConnectDefault';
const DEFAULT_PRECISION = '64';
const PLAIN: JsonStyle = { numericDecimals: false, nullsBecomeDefaults: true, mapEntries: 'pairs' };

const TYPES: Readonly<Record<ConnectType, string>> = {
  int8: 'int',
  int16: 'int',
  int32: 'int',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  boolean: 'boolean',
  string: 'string',
  bytes: 'bytes',
  array: 'array',
  map: 'array',
  struct: 'record',
};

const LOGICAL_TYPES: Readonly<Record<string, string>> = {
  [DECIMAL]: 'decimal',
  'org.apache.kafka.connect.data.Date': 'date',
  'org.apache.kafka.connect.data.Time': 'time-millis',
  'org.apache.kafka.connect.data.Timestamp': 'timestamp-millis',
};
