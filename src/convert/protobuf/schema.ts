import { IcestreamError } from '../../base/errors.ts';
import { type ConnectSchema, DECIMAL } from '../../record/connect-schema.ts';
import { javaMapOrder } from '../java-map.ts';
import { entryName, isIdentifier, scrubName } from './names.ts';

/** From the converter's configuration; each is named as its property. */
export interface ProtobufStyle {
  readonly scrubInvalidNames: boolean;
  /** Nullable fields bear the label `optional`, so that a zero differs from no value. */
  readonly optionalForNullables: boolean;
  /** Nullable scalars are messages of google/protobuf/wrappers.proto. */
  readonly wrapperForNullables: boolean;
  readonly ignoreDefaultForNullables: boolean;
}

/** A file with one message: what ProtobufData makes of a struct. */
export interface ProtoFile {
  readonly package: string | null;
  readonly imports: readonly string[];
  readonly message: ProtoMessage;
}

export interface ProtoMessage {
  readonly name: string;
  readonly fields: ProtoField[];
  /** Nested ones, in the order in which fields want them. */
  readonly messages: ProtoMessage[];
}

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: ProtoType;
  readonly repeated: boolean;
  /** The label `optional` of proto3. */
  readonly optional: boolean;
  /** Of the option `confluent.field_meta`. */
  readonly parameters: readonly (readonly [key: string, value: string])[];
}

export type Scalar = 'int32' | 'int64' | 'float' | 'double' | 'bool' | 'string' | 'bytes';

export type ProtoType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'wrapper'; readonly scalar: Scalar }
  | { readonly kind: 'decimal' | 'date' | 'timeOfDay' | 'timestamp' }
  | { readonly kind: 'message' | 'entries'; readonly message: ProtoMessage };

/** @throws IcestreamError convert.schema: Protobuf, or Confluent's way of using it, has no such thing */
export function protoFile(schema: ConnectSchema, style: ProtobufStyle): ProtoFile {
  const context: Context = { style, imports: [], structs: new Map(), unnamed: 0 };
  const parts = nameOf(schema, context)
    .split('.')
    .map((part) => scrubbed(part, style));
  const name = parts.pop() ?? '';
  for (const part of parts) requireIdentifier(part, schema);
  const message = messageOf(schema, name, context);
  return { package: parts.length === 0 ? null : parts.join('.'), imports: context.imports, message };
}

interface Context {
  readonly style: ProtobufStyle;
  readonly imports: string[];
  /** What each message was made of. */
  readonly structs: Map<ProtoMessage, ConnectSchema>;
  /** Structs and maps without a name are numbered as they come. */
  unnamed: number;
}

function messageOf(schema: ConnectSchema, name: string, context: Context): ProtoMessage {
  requireIdentifier(name, schema);
  const message: ProtoMessage = { name, fields: [], messages: [] };
  context.structs.set(message, schema);
  for (const field of schema.fields ?? []) {
    const { optionalForNullables } = context.style;
    const isSingle = field.schema.type !== 'array' && field.schema.type !== 'map';
    addField(message, scrubbed(field.name, context.style), field.schema, context, {
      optional: optionalForNullables && isSingle && field.schema.optional,
    });
  }
  requireUnique(message, schema);
  return message;
}

function addField(
  message: ProtoMessage,
  name: string,
  schema: ConnectSchema,
  context: Context,
  { optional }: { readonly optional: boolean },
): void {
  requireIdentifier(name, schema);
  const element = schema.type === 'array' ? schema.values! : schema;
  if (schema.type === 'array' && (element.type === 'array' || element.type === 'map')) {
    throw refused(`An array of arrays or maps has no form in Protobuf: ${name}`, schema);
  }
  const type = typeOf(message, name, element, context);
  const location = importOf(type);
  if (location !== null && !context.imports.includes(location)) context.imports.push(location);
  const field: ProtoField = {
    name,
    number: message.fields.length + 1,
    type,
    repeated: schema.type === 'array' || schema.type === 'map',
    optional,
    parameters: parametersOf(element),
  };
  message.fields.push(field);
}

function typeOf(message: ProtoMessage, field: string, schema: ConnectSchema, context: Context): ProtoType {
  const logical = LOGICAL_TYPES[schema.name ?? ''];
  if (logical !== undefined) return { kind: logical };
  if (schema.type === 'struct') return { kind: 'message', message: nested(message, field, schema, context) };
  if (schema.type === 'map') return { kind: 'entries', message: entries(message, schema, context) };
  const scalar = scalarOf(schema);
  return { kind: context.style.wrapperForNullables && schema.optional ? 'wrapper' : 'scalar', scalar };
}

/** A struct of a name that the message knows is taken for the same one, as is the message's own name. */
function nested(message: ProtoMessage, field: string, schema: ConnectSchema, context: Context): ProtoMessage {
  const plain = unqualified(schema, context);
  // A field and a message of one name cannot be in one message.
  const name = plain === field ? `${plain}Message` : plain;
  const known = message.name === name ? message : message.messages.find((other) => other.name === name);
  if (known !== undefined) {
    const original = context.structs.get(known);
    if (original !== undefined && isAlike(original, schema, true)) return known;
    throw refused(`Two structs that differ are named "${name}" in "${message.name}"`, schema);
  }
  const made = messageOf(schema, name, context);
  message.messages.push(made);
  return made;
}

/** Whether values of both have one form; what is outside of the struct, as whether it may be null, is the field's affair. */
function isAlike(a: ConnectSchema, b: ConnectSchema, isOutermost = false): boolean {
  if (a.type !== b.type || a.name !== b.name || (a.optional !== b.optional && !isOutermost)) return false;
  const parts = (schema: ConnectSchema) =>
    [schema.keys, schema.values, ...(schema.fields ?? []).map((field) => field.schema)].filter(
      (part) => part !== undefined,
    );
  const [own, others] = [parts(a), parts(b)];
  return (
    own.length === others.length &&
    (a.fields ?? []).every((field, i) => field.name === b.fields?.[i]?.name) &&
    own.every((part, i) => isAlike(part, others[i]))
  );
}

/** Not a map of Protobuf's, but the messages that one is made of. */
function entries(message: ProtoMessage, schema: ConnectSchema, context: Context): ProtoMessage {
  const entry: ProtoMessage = { name: entryName(unqualified(schema, context)), fields: [], messages: [] };
  requireIdentifier(entry.name, schema);
  addField(entry, 'key', schema.keys!, context, { optional: false });
  addField(entry, 'value', schema.values!, context, { optional: false });
  requireUnique(entry, schema);
  message.messages.push(entry);
  return entry;
}

export function scalarOf(schema: ConnectSchema): Scalar {
  const scalar = SCALARS[schema.type];
  if (scalar === undefined) throw refused(`No scalar of Protobuf: ${schema.type}`, schema);
  return scalar;
}

function parametersOf(schema: ConnectSchema): [string, string][] {
  if (schema.name === DECIMAL) {
    const own: Record<string, string | undefined> = {
      precision: schema.parameters?.['connect.decimal.precision'],
      scale: schema.parameters?.['scale'],
    };
    return javaMapOrder(Object.keys(own)).flatMap((key): [string, string][] =>
      own[key] === undefined ? [] : [[key, own[key]]],
    );
  }
  const isSmall = (schema.type === 'int8' || schema.type === 'int16') && !isLogical(schema);
  return isSmall ? [['connect.type', schema.type]] : [];
}

export function isLogical(schema: ConnectSchema): boolean {
  return LOGICAL_TYPES[schema.name ?? ''] !== undefined;
}

/** The type's name in a field, relative to where the field is. */
export function typeName(type: ProtoType): string {
  if (type.kind === 'scalar') return type.scalar;
  if (type.kind === 'wrapper') return `google.protobuf.${WRAPPERS[type.scalar]}`;
  return 'message' in type ? type.message.name : KNOWN_TYPES[type.kind];
}

function importOf(type: ProtoType): string | null {
  if (type.kind === 'scalar' || 'message' in type) return null;
  return type.kind === 'wrapper' ? 'google/protobuf/wrappers.proto' : KNOWN_FILES[type.kind];
}

function nameOf(schema: ConnectSchema, context: Context): string {
  return schema.name ? schema.name : `ConnectDefault${++context.unnamed}`;
}

function unqualified(schema: ConnectSchema, context: Context): string {
  const name = nameOf(schema, context);
  return scrubbed(name.slice(name.lastIndexOf('.') + 1), context.style);
}

function scrubbed(name: string, style: ProtobufStyle): string {
  return style.scrubInvalidNames ? scrubName(name) : name;
}

function requireIdentifier(name: string, schema: ConnectSchema): void {
  if (isIdentifier(name)) return;
  throw refused(`"${name}" is not a valid identifier of Protobuf`, schema, {
    hint: 'Set scrub.invalid.names=true at the converter, or rename the topic or column.',
  });
}

function requireUnique(message: ProtoMessage, schema: ConnectSchema): void {
  const names = new Set<string>();
  for (const { name } of [...message.fields, ...message.messages]) {
    if (names.has(name)) throw refused(`"${name}" is already defined in "${message.name}"`, schema);
    names.add(name);
  }
}

export function refused(
  message: string,
  schema: ConnectSchema,
  options: { readonly hint?: string } = {},
): IcestreamError {
  return new IcestreamError('convert.schema', message, { ...options, context: { schema: schema.name } });
}

const LOGICAL_TYPES: Readonly<Record<string, 'decimal' | 'date' | 'timeOfDay' | 'timestamp'>> = {
  [DECIMAL]: 'decimal',
  'org.apache.kafka.connect.data.Date': 'date',
  'org.apache.kafka.connect.data.Time': 'timeOfDay',
  'org.apache.kafka.connect.data.Timestamp': 'timestamp',
};

const SCALARS: Readonly<Record<string, Scalar>> = {
  int8: 'int32',
  int16: 'int32',
  int32: 'int32',
  int64: 'int64',
  float32: 'float',
  float64: 'double',
  boolean: 'bool',
  string: 'string',
  bytes: 'bytes',
};

export const WRAPPERS: Readonly<Record<Scalar, string>> = {
  int32: 'Int32Value',
  int64: 'Int64Value',
  float: 'FloatValue',
  double: 'DoubleValue',
  bool: 'BoolValue',
  string: 'StringValue',
  bytes: 'BytesValue',
};

const KNOWN_TYPES = {
  decimal: 'confluent.type.Decimal',
  date: 'google.type.Date',
  timeOfDay: 'google.type.TimeOfDay',
  timestamp: 'google.protobuf.Timestamp',
};

const KNOWN_FILES = {
  decimal: 'confluent/type/decimal.proto',
  date: 'google/type/date.proto',
  timeOfDay: 'google/type/timeofday.proto',
  timestamp: 'google/protobuf/timestamp.proto',
};
