import { boolean, type ConfigValues, list, oneOf, text } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import { readConfig } from '../config.ts';

export interface CloudEventsConfig {
  readonly envelope: Serializer;
  readonly data: Serializer;
  /** `extension.attributes.enable` */
  readonly withExtensions: boolean;
  /** `opentelemetry.tracing.attributes.enable` */
  readonly withTracing: boolean;
  /** `schema.cloudevents.name`, of the envelope in Avro; null: named after server and database. */
  readonly schemaName: string | null;
  /** `schema.name.adjustment.mode`, for that name. */
  readonly adjustment: string;
  readonly metadata: MetadataSource;
  /** Properties of the converters beneath, without their prefixes. */
  readonly json: Readonly<Record<string, string>>;
  readonly avro: Readonly<Record<string, string>>;
}

export type Serializer = 'json' | 'avro';

/** Which parts of an event are taken from headers; all others are made of the value. */
export interface MetadataSource {
  /** Source, operation and transaction; the data is then the whole value. */
  readonly global: boolean;
  readonly id: boolean;
  readonly type: boolean;
  readonly traceparent: boolean;
  readonly dataSchemaName: boolean;
}

const SERIALIZERS = ['json', 'avro'] as const;
const CONFIG = {
  'serializer.type': oneOf(SERIALIZERS, 'json'),
  'data.serializer.type': oneOf(SERIALIZERS, 'json'),
  'opentelemetry.tracing.attributes.enable': boolean(false),
  'extension.attributes.enable': boolean(true),
  'schema.name.adjustment.mode': oneOf(['none', 'avro', 'avro_unicode'], 'avro'),
  'schema.cloudevents.name': text(null),
  'schema.data.name.source.header.enable': boolean(false),
  'metadata.source': list([
    'value',
    'id:generate',
    'type:generate',
    'traceparent:header',
    'dataSchemaName:generate',
  ]),
};

/** @throws IcestreamError config.invalid */
export function cloudEventsConfig(config: Readonly<Record<string, string>>): CloudEventsConfig {
  const values = readConfig(CONFIG, config);
  const envelope = values['serializer.type'];
  const data = values['data.serializer.type'];
  if (envelope === 'avro' && data === 'json') {
    throw invalid(
      'data.serializer.type',
      "Cannot use 'application/json' data content type within Avro events",
    );
  }
  return {
    envelope,
    data,
    withExtensions: values['extension.attributes.enable'],
    withTracing: values['opentelemetry.tracing.attributes.enable'],
    schemaName: values['schema.cloudevents.name'],
    adjustment: values['schema.name.adjustment.mode'],
    metadata: metadataSource(values),
    json: under(config, 'json.'),
    avro: under(config, 'avro.'),
  };
}

const FIELDS: readonly string[] = ['id', 'type', 'traceparent', 'dataSchemaName'];

/** `value` or `header`, then for single fields `<field>:generate` or `<field>:header`; the first holds for those not named. */
function metadataSource(values: ConfigValues<typeof CONFIG>): MetadataSource {
  const [first = '', ...pairs] = values['metadata.source'];
  const global = sourceOf(first, ['value', 'header']) === 'header';
  const fields = new Map<string, boolean>();
  for (const pair of pairs) {
    const [field = '', source = ''] = pair.split(':');
    if (!FIELDS.includes(field)) throw badSource(`Field \`${field}\` is not allowed to set custom source`);
    fields.set(field, sourceOf(source, ['generate', 'header']) === 'header');
  }
  const isHeader = (field: string) => fields.get(field) ?? global;
  return {
    global,
    id: isHeader('id'),
    type: isHeader('type'),
    traceparent: isHeader('traceparent') && values['opentelemetry.tracing.attributes.enable'],
    dataSchemaName: isHeader('dataSchemaName') && values['schema.data.name.source.header.enable'],
  };
}

function sourceOf(text: string, allowed: readonly string[]): string {
  const source = text.trim().toLowerCase();
  if (allowed.includes(source)) return source;
  throw badSource(`Metadata source \`${text}\` is not valid here, only ${allowed.join(' and ')} are`);
}

function badSource(message: string): IcestreamError {
  return invalid('metadata.source', message);
}

function invalid(property: string, message: string): IcestreamError {
  return new IcestreamError('config.invalid', message, { context: { property } });
}

function under(config: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  const own = Object.entries(config).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}
