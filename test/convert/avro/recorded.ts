import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../../src/record/connect-schema.ts';

export interface RecordedAvro {
  /** By id, as the registry gave them back. */
  readonly schemas: Readonly<Record<string, Avro>>;
  /** Base64 of framed keys and values. */
  readonly records: readonly {
    readonly topic: string;
    readonly key: string | null;
    readonly value: string | null;
  }[];
}

/** What Apicurio's converter 2.6.13 (as Confluent's) wrote for Debezium 3.5.0 on PostgreSQL. */
export function recordedAvro(): RecordedAvro {
  const file = new URL('../../fixtures/convert/recorded-avro.json.br', import.meta.url);
  return JSON.parse(brotliDecompressSync(readFileSync(file)).toString('utf8')) as RecordedAvro;
}

export type Avro = string | readonly Avro[] | AvroNode;
export interface AvroNode {
  readonly type: string;
  readonly [property: string]: unknown;
}

/** The Connect schema that an Avro schema was made of. */
export function connectSchema(
  avro: Avro,
  space = '',
  names = new Map<string, ConnectSchema>(),
): ConnectSchema {
  if (Array.isArray(avro)) {
    const value = (avro as readonly Avro[]).find((branch) => branch !== 'null')!;
    return { ...connectSchema(value, space, names), optional: true };
  }
  if (typeof avro === 'string') {
    return names.get(avro) ?? names.get(`${space}.${avro}`) ?? { type: TYPES[avro], optional: false };
  }
  const node = avro as AvroNode;
  const schema: { -readonly [K in keyof ConnectSchema]: ConnectSchema[K] } = {
    type: (node['connect.type'] as ConnectSchema['type'] | undefined) ?? TYPES[node.type],
    optional: false,
  };
  const parameters = node['connect.parameters'] as Record<string, string> | undefined;
  if (node['connect.name'] !== undefined) schema.name = node['connect.name'] as string;
  if (node['connect.version'] !== undefined) schema.version = node['connect.version'] as number;
  if (node['connect.doc'] !== undefined) schema.doc = node['connect.doc'] as string;
  if (parameters !== undefined) schema.parameters = parameters;
  if (node['items'] !== undefined) schema.values = connectSchema(node['items'] as Avro, space, names);
  if (node['values'] !== undefined) {
    schema.keys = { type: 'string', optional: false };
    schema.values = connectSchema(node['values'] as Avro, space, names);
  }
  if (node['fields'] !== undefined) {
    const inside = (node['namespace'] as string | undefined) ?? space;
    schema.fields = (node['fields'] as { name: string; type: Avro }[]).map((field) => ({
      name: field.name,
      schema: connectSchema(field.type, inside, names),
    }));
    names.set(`${inside}.${node['name'] as string}`, schema);
  }
  if (node['connect.default'] !== undefined) {
    schema.default = defaultValue(schema, node['connect.default'] as string | number | boolean);
  }
  return schema;
}

function defaultValue(schema: ConnectSchema, json: string | number | boolean): ConnectValue {
  if (schema.type === 'int64') return BigInt(json as number);
  if (schema.type !== 'bytes') return json;
  return bytesValue(schema, Buffer.from(json as string, 'latin1'));
}

function bytesValue(schema: ConnectSchema, bytes: Buffer): ConnectValue {
  if (schema.name !== DECIMAL) return bytes;
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  return { unscaled, scale: Number(schema.parameters!['scale']) };
}

const TYPES: Readonly<Record<string, ConnectSchema['type']>> = {
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  boolean: 'boolean',
  string: 'string',
  bytes: 'bytes',
  array: 'array',
  map: 'map',
  record: 'struct',
};

/** Reads Avro's binary encoding of a schema made of a Connect schema. */
export class AvroReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(schema: ConnectSchema): ConnectValue {
    if (schema.optional) {
      const branch = Number(this.#long());
      const isDefaultFirst = schema.type !== 'struct' && schema.default !== undefined;
      if (branch === (isDefaultFirst ? 1 : 0)) return null;
    }
    switch (schema.type) {
      case 'boolean':
        return this.#bytes[this.#at++] === 1;
      case 'int64':
        return this.#long();
      case 'float32':
        return this.#bytes.readFloatLE((this.#at += 4) - 4);
      case 'float64':
        return this.#bytes.readDoubleLE((this.#at += 8) - 8);
      case 'string':
        return this.#take().toString('utf8');
      case 'bytes':
        return bytesValue(schema, this.#take());
      case 'array':
        return this.#items(() => this.value(schema.values!));
      case 'map':
        return new Map(
          this.#items((): [ConnectValue, ConnectValue] => [
            this.value(schema.keys!),
            this.value(schema.values!),
          ]),
        );
      case 'struct':
        return schema.fields!.map((field) => this.value(field.schema));
      default:
        return Number(this.#long());
    }
  }

  #items<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let count = Number(this.#long()); count !== 0; count = Number(this.#long())) {
      for (let i = 0; i < count; i++) items.push(read());
    }
    return items;
  }

  #take(): Buffer {
    const length = Number(this.#long());
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #long(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return (value >> 1n) ^ -(value & 1n);
    }
  }
}
