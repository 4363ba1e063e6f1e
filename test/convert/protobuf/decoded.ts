import protobuf from 'protobufjs';
import {
  type ConnectDecimal,
  type ConnectSchema,
  type ConnectValue,
  DECIMAL,
} from '../../../src/record/connect-schema.ts';

/** The messages of other files that the converter's files import, as their owners publish them. */
const IMPORTED = [
  `syntax = "proto3"; package confluent.type;
   message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
  'syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }',
  `syntax = "proto3"; package google.type;
   message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }`,
  'syntax = "proto3"; package google.protobuf; message Timestamp { int64 seconds = 1; int32 nanos = 2; }',
];
const WRAPPERS = ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
  (name) => {
    const type = name === 'UInt64' ? 'uint64' : name === 'UInt32' ? 'uint32' : name.toLowerCase();
    return `syntax = "proto3"; package google.protobuf; message ${name}Value { ${type} value = 1; }`;
  },
);

/** What protobufjs, which knows nothing of us, reads by the registered text: fields that are there and not more. */
export function decodeByText(text: string, message: string, bytes: Uint8Array): Record<string, unknown> {
  const root = new protobuf.Root();
  const isWrappers = text.includes('message Int32Value');
  for (const source of [...IMPORTED, ...(isWrappers ? [] : WRAPPERS), text]) {
    protobuf.parse(source, root, { keepCase: true });
  }
  const type = root.lookupType(message);
  return type.toObject(type.decode(bytes), { longs: String, defaults: false }) as Record<string, unknown>;
}

export interface Expectation {
  readonly optional: boolean;
  readonly wrapper: boolean;
}

type Json = Record<string, unknown>;

/** A struct as its message is read: what is null or, unless nulls are told apart, zero has no field. */
export function expectedMessage(
  schema: ConnectSchema,
  values: readonly ConnectValue[],
  names: readonly string[],
  style: Expectation,
): Json {
  const message: Json = {};
  schema.fields!.forEach((field, i) => {
    const value = values[i] ?? field.schema.default ?? null;
    const own = expectedField(field.schema, value, style, style.optional && field.schema.optional);
    if (own !== undefined) message[names[i]!] = own;
  });
  return message;
}

/** What a field holds; undefined: it is not there. */
function expectedField(
  schema: ConnectSchema,
  value: ConnectValue,
  style: Expectation,
  explicit: boolean,
): unknown {
  if (value === null) return undefined;
  if (schema.type === 'array') {
    const items = (value as readonly ConnectValue[]).map((item) =>
      expectedSingle(schema.values!, item, style),
    );
    return items.length === 0 ? undefined : items;
  }
  if (schema.type === 'map') {
    const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)].map(([key, item]) => {
      const entry: Json = {};
      const own = expectedField(schema.keys!, key, style, false);
      const other = expectedField(schema.values!, item, style, false);
      if (own !== undefined) entry['key'] = own;
      if (other !== undefined) entry['value'] = other;
      return entry;
    });
    return entries.length === 0 ? undefined : entries;
  }
  const single = expectedSingle(schema, value, style);
  const isMessage = schema.type === 'struct' || schema.name === DECIMAL || (style.wrapper && schema.optional);
  return !isMessage && !explicit && isZero(single) ? undefined : single;
}

function expectedSingle(schema: ConnectSchema, value: ConnectValue, style: Expectation): unknown {
  if (schema.type === 'struct') {
    return expectedMessage(
      schema,
      value as readonly ConnectValue[],
      schema.fields!.map((field) => field.name),
      style,
    );
  }
  if (schema.name === DECIMAL) return expectedDecimal(schema, value as ConnectDecimal);
  const scalar =
    schema.type === 'int64'
      ? String(value)
      : schema.type === 'bytes'
        ? Buffer.from(value as Uint8Array)
        : schema.type === 'string'
          ? Buffer.from(value as string).toString('utf8')
          : value;
  if (!style.wrapper || !schema.optional) return scalar;
  return isZero(scalar) ? {} : { value: scalar };
}

function expectedDecimal(schema: ConnectSchema, { unscaled, scale }: ConnectDecimal): Json {
  const schemaScale = Number(schema.parameters!['scale']);
  const exact = unscaled * 10n ** BigInt(schemaScale - scale);
  const digits = String(exact).replace('-', '').length;
  const message: Json = { value: twosComplement(exact), precision: digits };
  if (schemaScale !== 0) message['scale'] = schemaScale;
  return message;
}

/** Bytes whose number is told by adding them up: nothing of what the converter does. */
function twosComplement(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(rest & 255n));
    rest >>= 8n;
  } while (!((rest === 0n && bytes[0]! < 128) || (rest === -1n && bytes[0]! >= 128)));
  return Buffer.from(bytes);
}

function isZero(value: unknown): boolean {
  return (
    Object.is(value, 0) ||
    value === '0' ||
    value === '' ||
    value === false ||
    (Buffer.isBuffer(value) && value.length === 0)
  );
}
