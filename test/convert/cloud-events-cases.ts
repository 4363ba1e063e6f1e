import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { recordedTexts } from './recorded.ts';

/** One way to configure the converter, and the headers that its records have. */
export interface Variant {
  readonly config: Readonly<Record<string, string>>;
  /** Values as JSON with schemas. */
  headers?(value: string): Record<string, string>;
  /** Of the recorded events every so many. */
  readonly every?: number;
}

export interface Case {
  readonly variant: string;
  readonly config: Readonly<Record<string, string>>;
  readonly topic: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON with its schema. */
  readonly value: string;
}

/** What java/record-cloud-events.ts recorded. */
export interface CloudEventsRecording {
  /** The registry's, as it stands in the configurations and in events. */
  readonly url: string;
  readonly schemas: readonly { readonly subject: string; readonly id: number; readonly schema: string }[];
  /** In the order of `casesFor`: bytes in base64, `null`, or `!` and the error. */
  readonly results: readonly string[];
}

export const RECORDING = new URL('../fixtures/convert/cloud-events.json.br', import.meta.url);

export function cloudEventsRecording(): CloudEventsRecording {
  return JSON.parse(brotliDecompressSync(readFileSync(RECORDING)).toString('utf8')) as CloudEventsRecording;
}

/** Kafka's own reader of JSON takes no NaN, loses minus zero, and puts maps into the order of a hash table. */
const MISREAD = /"(NaN|-?Infinity)"|-0\.0[,}\]]|"type":"map"/;

export function casesFor(url: string): Case[] {
  const texts = recordedTexts().filter((text) => !MISREAD.test(text));
  const events = texts.filter(
    (text) => text.includes('"connector":"postgresql"') && nameOf(text).endsWith('.Envelope'),
  );
  const others = ['Heartbeat', 'MessageValue', 'TransactionMetadataValue', '.Value'].flatMap((end) =>
    texts.filter((text) => nameOf(text).endsWith(end)).slice(0, 2),
  );
  return Object.entries(variants(url)).flatMap(([variant, { config, headers, every = 20 }]) => {
    const values = [...events.filter((_, i) => i % every === 0), ...others];
    return values.map((value) => {
      const topic = nameOf(value).replace(/\.\w+$/, '');
      return { variant, config, topic, headers: headers?.(value) ?? {}, value };
    });
  });
}

function variants(url: string): Record<string, Variant> {
  const plain = { 'json.schemas.enable': 'false' };
  const registry = {
    'avro.apicurio.registry.url': url,
    'avro.apicurio.registry.auto-register': 'true',
    'avro.apicurio.registry.as-confluent': 'true',
    'avro.apicurio.registry.use-id': 'contentId',
  };
  const inAvro = { 'serializer.type': 'avro', 'data.serializer.type': 'avro', ...registry };
  const tracing = { 'opentelemetry.tracing.attributes.enable': 'true' };
  return {
    defaults: { config: {}, every: 10 },
    'without schemas': { config: plain, every: 1 },
    'without extensions': {
      config: {
        ...plain,
        'extension.attributes.enable': 'false',
        'json.decimal.format': 'NUMERIC',
        'json.replace.null.with.default': 'false',
      },
    },
    'data in Avro': { config: { 'data.serializer.type': 'avro', ...registry } },
    'all in Avro': { config: inAvro },
    'a name': {
      config: {
        ...inAvro,
        'schema.cloudevents.name': 'my-shop.Event',
        'schema.name.adjustment.mode': 'avro_unicode',
      },
    },
    'of headers': {
      config: { ...plain, 'metadata.source': 'header' },
      headers: (value) => ({ ...ofEnvelope(value), id: text('id-1'), type: text('shop.Changed') }),
    },
    'of headers in Avro': {
      config: { ...inAvro, 'metadata.source': 'header,id:generate,type:generate' },
      headers: ofEnvelope,
    },
    'headers without an id': { config: { 'metadata.source': 'header' }, headers: ofEnvelope },
    'headers that are not there': { config: { 'metadata.source': 'header' } },
    'some headers': {
      config: {
        ...tracing,
        'metadata.source': 'value, id:header,type:generate,traceparent:header,dataSchemaName:header',
        'schema.data.name.source.header.enable': 'true',
      },
      headers: () => ({ id: text('id-1'), traceparent: text('00-1-2-01'), dataSchemaName: text('shop.Row') }),
    },
    'no trace': { config: { ...tracing, ...plain } },
  };
}

function text(value: string): string {
  return JSON.stringify({ schema: { type: 'string', optional: false }, payload: value });
}

interface Described {
  readonly field: string;
}

/** What HeaderFrom makes of an envelope's source, op and transaction. */
function ofEnvelope(value: string): Record<string, string> {
  const { schema, payload } = JSON.parse(value) as {
    schema: { fields: Described[] };
    payload: Record<string, unknown>;
  };
  const found = schema.fields.filter(({ field }) => ['source', 'op', 'transaction'].includes(field));
  return Object.fromEntries(
    found.map(({ field, ...of }) => [field, JSON.stringify({ schema: of, payload: payload[field] })]),
  );
}

function nameOf(value: string): string {
  const { schema } = JSON.parse(value) as { schema: { name?: string } | null };
  return schema?.name ?? '';
}
