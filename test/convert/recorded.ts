import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../src/record/connect-schema.ts';

/**
 * Keys and values that Kafka Connect 4.3.1 wrote for Debezium 3.5.0 on PostgreSQL, MariaDB, MySQL and MongoDB, as
 * JsonConverter writes them with schemas: each text once.
 */
export function recordedTexts(): string[] {
  const file = new URL('../fixtures/convert/recorded.jsonl.br', import.meta.url);
  return brotliDecompressSync(readFileSync(file)).toString('utf8').split('\n');
}

/** About `count` of them, of as many schemas, all through the recording: for what is slow with each new schema. */
export function recordedSample(count: number): string[] {
  const bySchema = new Map<string, string>();
  for (const text of recordedTexts()) bySchema.set(text.slice(0, text.indexOf('"payload":')), text);
  const step = Math.max(1, Math.floor(bySchema.size / count));
  return [...bySchema.values()].filter((_, i) => i % step === 0);
}

export interface Recorded {
  readonly schema: ConnectSchema;
  readonly value: ConnectValue;
}

/** A text with its schema as what was converted. */
export function parseRecorded(text: string): Recorded {
  const { schema: described, payload } = parseExactly(text) as { schema: Json; payload: Json };
  const schema = parseSchema(described as JsonObject);
  return { schema, value: parseValue(schema, payload) };
}

/** A number of a JSON text as it stands there. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Json = null | boolean | string | NumberText | Json[] | JsonObject;
type JsonObject = { [name: string]: Json };

function parseExactly(text: string): Json {
  return JSON.parse(text, (_key, value: unknown, context?: { source: string }) =>
    typeof value === 'number' ? new NumberText(context!.source) : value,
  ) as Json;
}

function parseSchema(json: JsonObject): ConnectSchema {
  const named = json['type'] as string;
  const type = (
    named === 'float' ? 'float32' : named === 'double' ? 'float64' : named
  ) as ConnectSchema['type'];
  const schema: { -readonly [K in keyof ConnectSchema]: ConnectSchema[K] } = {
    type,
    optional: json['optional'] as boolean,
  };
  if (json['name'] !== undefined) schema.name = json['name'] as string;
  if (json['version'] !== undefined) schema.version = Number((json['version'] as NumberText).text);
  if (json['doc'] !== undefined) schema.doc = json['doc'] as string;
  if (json['parameters'] !== undefined) schema.parameters = json['parameters'] as Record<string, string>;
  if (json['items'] !== undefined) schema.values = parseSchema(json['items'] as JsonObject);
  if (json['keys'] !== undefined) schema.keys = parseSchema(json['keys'] as JsonObject);
  if (json['values'] !== undefined) schema.values = parseSchema(json['values'] as JsonObject);
  if (json['fields'] !== undefined) {
    schema.fields = (json['fields'] as JsonObject[]).map((field) => ({
      name: field['field'] as string,
      schema: parseSchema(field),
    }));
  }
  if (json['default'] !== undefined) schema.default = parseValue(schema, json['default']);
  return schema;
}

function parseValue(schema: ConnectSchema, json: Json): ConnectValue {
  if (json === null) return null;
  switch (schema.type) {
    case 'int64':
      return BigInt((json as NumberText).text);
    case 'int8':
    case 'int16':
    case 'int32':
    case 'float32':
    case 'float64':
      return Number(typeof json === 'string' ? json : (json as NumberText).text);
    case 'bytes': {
      const bytes = Buffer.from(json as string, 'base64');
      return schema.name === DECIMAL
        ? { unscaled: fromTwosComplement(bytes), scale: Number(schema.parameters!['scale']) }
        : bytes;
    }
    case 'array':
      return (json as Json[]).map((item) => parseValue(schema.values!, item));
    case 'map':
      if (Array.isArray(json)) {
        return new Map(
          (json as [Json, Json][]).map(([key, item]) => [
            parseValue(schema.keys!, key),
            parseValue(schema.values!, item),
          ]),
        );
      }
      return new Map(
        Object.entries(json as JsonObject).map(([key, item]) => [key, parseValue(schema.values!, item)]),
      );
    case 'struct':
      return schema.fields!.map((field) =>
        parseValue(field.schema, (json as JsonObject)[field.name] ?? null),
      );
    default:
      return json as ConnectValue;
  }
}

function fromTwosComplement(bytes: Uint8Array): bigint {
  const unsigned = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return BigInt.asIntN(bytes.length * 8, unsigned);
}
