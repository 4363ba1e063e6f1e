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
  const root = parsed.get(text) ?? parse(text);
  parsed.set(text, root);
  const type = root.lookupType(message);
  return type.toObject(type.decode(bytes), { longs: String, defaults: false }) as Record<string, unknown>;
}

const parsed = new Map<string, protobuf.Root>();

function parse(text: string): protobuf.Root {
  const root = new protobuf.Root();
  const isWrappers = text.includes('message Int32Value');
  for (const source of [...IMPORTED, ...(isWrappers ? [] : WRAPPERS), text]) {
    protobuf.parse(source, root, { keepCase: true });
  }
  return root;
}

export interface Expectation {
  readonly optional: boolean;
  readonly wrapper: boolean;
  /** A field's name in Protobuf. */
  nameOf(name: string): string;
}

type Json = Record<string, unknown>;

/** A struct as its message is read: what is null or, unless nulls are told apart, zero has no field. */
export function expectedMessage(
  schema: ConnectSchema,
  values: readonly ConnectValue[],
  style: Expectation,
): Json {
  const message: Json = {};
  schema.fields!.forEach((field, i) => {
    const value = values[i] ?? field.schema.default ?? null;
    const own = expectedField(field.schema, value, style, style.optional && field.schema.optional);
    if (own !== undefined) message[style.nameOf(field.name)] = own;
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
  const isMessage = schema.type === 'struct' || isLogical(schema) || (style.wrapper && schema.optional);
  return !isMessage && !explicit && isZero(schema, single) ? undefined : single;
}

function expectedSingle(schema: ConnectSchema, value: ConnectValue, style: Expectation): unknown {
  if (schema.type === 'struct') {
    return expectedMessage(schema, value as readonly ConnectValue[], style);
  }
  if (schema.name === DECIMAL) return expectedDecimal(schema, value as ConnectDecimal);
  if (isLogical(schema)) return expectedTime(schema.name!, Number(value));
  const scalar = expectedScalar(schema, value);
  if (!style.wrapper || !schema.optional) return scalar;
  return isZero(schema, scalar) ? {} : { value: scalar };
}

function expectedScalar(schema: ConnectSchema, value: ConnectValue): unknown {
  switch (schema.type) {
    case 'int64':
      return String(value);
    case 'float32':
      return Math.fround(value as number);
    case 'string':
      // What is half of a pair becomes a replacement on the way to bytes.
      return Buffer.from(value as string).toString('utf8');
    case 'bytes':
      return Buffer.from(value as Uint8Array);
    default:
      return value;
  }
}

function expectedDecimal(schema: ConnectSchema, { unscaled, scale }: ConnectDecimal): Json {
  const schemaScale = Number(schema.parameters!['scale']);
  const exact = unscaled * 10n ** BigInt(schemaScale - scale);
  const digits = String(exact).replace('-', '').length;
  const message: Json = { value: twosComplement(exact), precision: digits };
  if (schemaScale !== 0) message['scale'] = schemaScale;
  return message;
}

function isLogical(schema: ConnectSchema): boolean {
  return /^org\.apache\.kafka\.connect\.data\.(Decimal|Date|Time|Timestamp)$/.test(schema.name ?? '');
}

/** By the calendar of a Date's text; what is zero is left out. */
function expectedTime(name: string, value: number): Json {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  const text = new Date(kind === 'Date' ? value * 86_400_000 : value).toISOString();
  const [year, month, day, hours, minutes, seconds, millis] = text.match(/\d+/g)!.map(Number) as number[];
  const nanos = millis! * 1_000_000;
  const parts: Json =
    kind === 'Date'
      ? { year, month, day }
      : kind === 'Time'
        ? { hours, minutes, seconds, nanos }
        : { seconds: String(Math.floor(value / 1000)), nanos };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== 0 && part !== '0'));
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

function isZero({ type }: ConnectSchema, value: unknown): boolean {
  if (Buffer.isBuffer(value)) return value.length === 0;
  return Object.is(value, 0) || value === '' || value === false || (type === 'int64' && value === '0');
}
