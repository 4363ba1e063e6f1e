import { IcestreamError } from '../../base/errors.ts';
import type { ConnectField, ConnectSchema, ConnectType, ConnectValue } from '../../record/connect-schema.ts';
import type { CloudEventsConfig, Serializer } from './config.ts';
import { connectorOf } from './connectors.ts';
import { fieldOf, type Metadata, orDefault, type Struct } from './metadata.ts';

const TEXT: ConnectSchema = { type: 'string', optional: false };
const OPTIONAL_TEXT: ConnectSchema = { type: 'string', optional: true };
const CONTENT_TYPES: Readonly<Record<Serializer, string>> = {
  json: 'application/json',
  avro: 'application/avro',
};
const TRANSACTION = ['id', 'total_order', 'data_collection_order'];

/** A CloudEvent's fields (CloudEvents 1.0, "Context Attributes"), all but `data`; `attributeValues` is in the same order. */
export function attributeFields(config: CloudEventsConfig, source: ConnectSchema): ConnectField[] {
  const names = ['id', 'source', 'specversion', 'type', 'time', 'datacontenttype'];
  if (config.data === 'avro') names.push('dataschema');
  if (config.withTracing) names.push('traceparent');
  if (!config.withExtensions) return names.map((name) => ({ name, schema: TEXT }));
  names.push(extensionName('op'));
  return [
    ...names.map((name) => ({ name, schema: TEXT })),
    ...source.fields!.map((field) => ({
      name: extensionName(field.name),
      schema: extensionSchema(field.schema),
    })),
    ...TRANSACTION.map((name) => ({ name: extensionName(`tx${name}`), schema: OPTIONAL_TEXT })),
  ];
}

/** @param dataSchema the URI of the data's schema, where it is in Avro. */
export function attributeValues(
  config: CloudEventsConfig,
  metadata: Metadata,
  dataSchema: string | null,
): ConnectValue[] {
  const { source, op, transaction } = metadata;
  const connector = String(fieldOf(source, 'connector'));
  const values: ConnectValue[] = [
    metadata.id ?? connectorOf(source).id((name) => String(fieldOf(source, name))),
    `/debezium/${connector}/${fieldOf(source, 'name')}`,
    '1.0',
    metadata.type ?? `io.debezium.connector.${connector}.DataChangeEvent`,
    timeOf(source),
    CONTENT_TYPES[config.data],
  ];
  if (config.data === 'avro') values.push(dataSchema);
  if (config.withTracing) values.push(metadata.traceparent);
  if (!config.withExtensions) return values;
  values.push(op);
  source.schema.fields!.forEach((field, i) => {
    values.push(extensionValue(orDefault(field.schema, source.values[i])));
  });
  for (const i of TRANSACTION.keys()) values.push(extensionValue(transaction?.[i] ?? null));
  return values;
}

/** What the envelope's schema is called where none is configured. */
export function envelopeName(source: Struct): string {
  return `${fieldOf(source, 'name')}.${fieldOf(source, 'db')}.CloudEvents.Envelope`;
}

function timeOf(source: Struct): string {
  return new Date(Number(fieldOf(source, 'ts_ms'))).toISOString();
}

/** Names of attributes are of letters and digits; Debezium leaves capitals. */
function extensionName(name: string): string {
  return `iodebezium${name.replace(/[^A-Za-z0-9]/g, '')}`;
}

/** CloudEvents has no integers of 64 bits: they are texts. */
const EXTENSION_TYPES: Partial<Record<ConnectType, ConnectType>> = {
  boolean: 'boolean',
  int8: 'int32',
  int16: 'int32',
  int32: 'int32',
  int64: 'string',
  string: 'string',
};

function extensionSchema({ type, optional }: ConnectSchema): ConnectSchema {
  const as = EXTENSION_TYPES[type];
  if (as !== undefined) return { type: as, optional };
  throw new IcestreamError(
    'convert.schema',
    `Source field of type ${type} cannot be converted into CloudEvents extension attribute`,
  );
}

function extensionValue(value: ConnectValue): ConnectValue {
  return typeof value === 'bigint' ? String(value) : value;
}
