import { IcestreamError } from '../../base/errors.ts';
import type { ConnectHeader } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import type { MetadataSource } from './config.ts';

/** A struct's values under their schema. */
export interface Struct {
  readonly schema: ConnectSchema;
  readonly values: readonly ConnectValue[];
}

/** What a change event says of itself besides its data. */
export interface Metadata {
  readonly source: Struct;
  readonly op: ConnectValue;
  /** id, total_order, data_collection_order. */
  readonly transaction: readonly ConnectValue[] | null;
  /** Of headers, where the configuration takes them from there; null: to be made. */
  readonly id: string | null;
  readonly type: string | null;
  readonly traceparent: string | null;
  readonly dataSchemaName: string | null;
}

/** Null for what is no change event: a heartbeat, a transaction's begin, a message, a row that a transform took out. */
export function metadataOf(
  from: MetadataSource,
  schema: ConnectSchema,
  value: ConnectValue,
  headers: readonly ConnectHeader[],
): Metadata | null {
  const isEvent = from.global
    ? headers.some(({ name }) => name === 'source') && headers.some(({ name }) => name === 'op')
    : schema.name?.endsWith('Envelope');
  if (!isEvent) return null;
  const record = structOf(schema, value);
  const header = (isWanted: boolean, name: string) => (isWanted ? textHeader(headers, name) : null);
  return {
    ...(from.global ? ofHeaders(headers) : ofEnvelope(record)),
    id: header(from.id, 'id'),
    type: header(from.type, 'type'),
    traceparent: from.traceparent ? textOf('traceparent', lastHeader(headers, 'traceparent')?.value) : null,
    dataSchemaName: header(from.dataSchemaName, 'dataSchemaName'),
  };
}

/** A field's value, its default where it is null. @throws IcestreamError convert.schema: there is no such field */
export function fieldOf({ schema, values }: Struct, name: string): ConnectValue {
  const index = indexOf(schema, name);
  return orDefault(schema.fields![index].schema, values[index]);
}

/** @throws IcestreamError convert.schema: there is no such field */
export function indexOf(schema: ConnectSchema, name: string): number {
  const index = schema.fields?.findIndex((field) => field.name === name) ?? -1;
  if (index >= 0) return index;
  throw new IcestreamError('convert.schema', `${name} is not a field of what is to become a CloudEvent`, {
    context: { schema: schema.name, field: name },
  });
}

export function orDefault(schema: ConnectSchema, value: ConnectValue): ConnectValue {
  return value ?? schema.default ?? null;
}

type Origin = Pick<Metadata, 'source' | 'op' | 'transaction'>;

function ofEnvelope(record: Struct): Origin {
  const { fields = [] } = record.schema;
  const hasTransaction = fields.some(({ name }) => name === 'transaction');
  return {
    source: structOf(fields[indexOf(record.schema, 'source')].schema, fieldOf(record, 'source')),
    op: fieldOf(record, 'op'),
    transaction: hasTransaction ? (fieldOf(record, 'transaction') as Origin['transaction']) : null,
  };
}

function ofHeaders(headers: readonly ConnectHeader[]): Origin {
  const source = lastHeader(headers, 'source')!;
  return {
    source: structOf(source.schema, source.value),
    op: lastHeader(headers, 'op')!.value,
    transaction: (lastHeader(headers, 'transaction')?.value ?? null) as Origin['transaction'],
  };
}

function structOf(schema: ConnectSchema | null, value: ConnectValue): Struct {
  if (schema?.type === 'struct' && value !== null)
    return { schema, values: value as readonly ConnectValue[] };
  throw new IcestreamError('convert.schema', 'Mismatching schema: a CloudEvent is made of structs', {
    context: { schema: schema?.name, type: schema?.type },
  });
}

function textHeader(headers: readonly ConnectHeader[], name: string): string {
  const header = lastHeader(headers, name);
  const text = header === undefined ? null : textOf(name, header.value);
  if (text !== null) return text;
  throw new IcestreamError('convert.value', `Header \`${name}\` was not provided`, {
    context: { header: name },
  });
}

function textOf(name: string, value: ConnectValue | undefined): string | null {
  if (value === undefined || value === null || typeof value === 'string') return value ?? null;
  throw new IcestreamError('convert.value', `Header \`${name}\` is not a text`, {
    context: { header: name },
  });
}

function lastHeader(headers: readonly ConnectHeader[], name: string): ConnectHeader | undefined {
  return headers.findLast((header) => header.name === name);
}
