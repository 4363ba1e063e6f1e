import { boolean, oneOf, password, requiredText, text } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import { readConfig } from '../config.ts';
import type { Converter } from '../converter.ts';
import { askRegistry, basicAuthorization, idOf, type RegistryAccess, splitUrls } from './client.ts';
import { type EncodeSchema, RegisteredConverter, type SchemaRegistry } from './converter.ts';

const TOPIC_NAME = 'io.confluent.kafka.serializers.subject.TopicNameStrategy';
const RECORD_NAME = 'io.confluent.kafka.serializers.subject.RecordNameStrategy';
const TOPIC_RECORD_NAME = 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy';
const STRATEGIES = [TOPIC_NAME, RECORD_NAME, TOPIC_RECORD_NAME];

const CONFIG = {
  'schema.registry.url': requiredText(),
  'auto.register.schemas': boolean(true),
  'use.latest.version': boolean(false),
  'normalize.schemas': boolean(false),
  'key.subject.name.strategy': oneOf(STRATEGIES, TOPIC_NAME),
  'value.subject.name.strategy': oneOf(STRATEGIES, TOPIC_NAME),
  'basic.auth.credentials.source': oneOf(['URL', 'USER_INFO'], 'URL'),
  'basic.auth.user.info': password(),
  'bearer.auth.credentials.source': text(null),
  'bearer.auth.token': password(),
};

export interface ConfluentFormat {
  /** The registry's name of it. */
  readonly type: 'AVRO' | 'PROTOBUF' | 'JSON';
  readonly encode: EncodeSchema;
  /**
   * Whether a reader with the schema `latest` understands what the schema `own` writes: `use.latest.version` puts another
   * schema's id before values than the one they are written by.
   */
  isReadable(latest: string, own: string): boolean;
}

/** What Confluent's converters of all formats have in common (AbstractKafkaSchemaSerDeConfig). */
export function confluentConverter(
  format: ConfluentFormat,
  config: Readonly<Record<string, string>>,
  isKey: boolean,
): Converter {
  const values = readConfig(CONFIG, withoutClientPrefix(config));
  const strategy = values[isKey ? 'key.subject.name.strategy' : 'value.subject.name.strategy'];
  const access = accessOf(values);
  const use = values['auto.register.schemas'] ? 'register' : values['use.latest.version'] ? 'latest' : 'find';
  return new RegisteredConverter({
    encode: format.encode,
    registry: confluentRegistry(access, format, use, values['normalize.schemas']),
    subject: (topic, record) => subjectOf(strategy, topic, record, isKey),
    frame: confluentFrame,
  });
}

/** Zero and the id in four bytes, big end first. */
export function confluentFrame(id: number): Uint8Array {
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(id, 1);
  return frame;
}

/** What would change which schema goes with a record, or where its id is; each with the value that changes nothing. */
const UNSUPPORTED: Readonly<Record<string, string | null>> = {
  'use.schema.id': '-1',
  'use.schema.guid': null,
  'use.latest.with.metadata': null,
  'context.name.strategy': 'io.confluent.kafka.serializers.context.NullContextNameStrategy',
  'key.schema.id.serializer': 'io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer',
  'value.schema.id.serializer': 'io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer',
  // Protobuf's: known types registered as references. Registries know them.
  'skip.known.types': 'true',
};

/** The same properties may be given to the registry's client as `schema.registry.basic.auth...`. */
function withoutClientPrefix(config: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = 'schema.registry.';
  const entries = Object.entries(config);
  const tls = entries.find(([key]) => key.startsWith(`${prefix}ssl.`));
  if (tls !== undefined) throw unsupported(tls[0]);
  for (const [key, harmless] of Object.entries(UNSUPPORTED)) {
    if (config[key] !== undefined && config[key].trim() !== harmless) throw unsupported(key);
  }
  const renamed = entries.map(([key, value]): [string, string] =>
    key.startsWith(`${prefix}basic.`) || key.startsWith(`${prefix}bearer.`)
      ? [key.slice(prefix.length), value]
      : [key, value],
  );
  return Object.fromEntries(renamed);
}

function unsupported(property: string): IcestreamError {
  return new IcestreamError('config.invalid', `The converter does not support ${property}`, {
    context: { property },
  });
}

function accessOf(values: {
  readonly 'schema.registry.url': string;
  readonly 'basic.auth.credentials.source': string;
  readonly 'basic.auth.user.info': { reveal(): string };
  readonly 'bearer.auth.credentials.source': string | null;
  readonly 'bearer.auth.token': { reveal(): string };
}): RegistryAccess {
  const { urls, userInfo } = splitUrls(values['schema.registry.url']);
  const bearer = values['bearer.auth.credentials.source'];
  if (bearer !== null && bearer !== 'STATIC_TOKEN') throw unsupported('bearer.auth.credentials.source');
  if (bearer !== null) return { urls, authorization: `Bearer ${values['bearer.auth.token'].reveal()}` };
  const basic =
    values['basic.auth.credentials.source'] === 'USER_INFO'
      ? values['basic.auth.user.info'].reveal()
      : userInfo;
  return { urls, authorization: basic === null ? null : basicAuthorization(basic) };
}

function subjectOf(strategy: string, topic: string, record: string | null, isKey: boolean): string {
  if (strategy === TOPIC_NAME) return `${topic}-${isKey ? 'key' : 'value'}`;
  if (record === null) {
    const message = 'In configuration, the schema must be a record for the subject name strategy';
    throw new IcestreamError('convert.schema', message, { context: { topic, strategy } });
  }
  return strategy === RECORD_NAME ? record : `${topic}-${record}`;
}

/**
 * Confluent's REST API, as Apicurio and Karapace speak it too: a schema is registered, or looked for among the subject's, or
 * the subject's latest one is taken in its place.
 */
function confluentRegistry(
  access: RegistryAccess,
  format: ConfluentFormat,
  use: 'register' | 'latest' | 'find',
  normalize: boolean,
): SchemaRegistry {
  return {
    async id(subject, { text }) {
      const path = `/subjects/${encodeURIComponent(subject)}`;
      const headers = { 'Content-Type': MEDIA_TYPE };
      if (use === 'latest') {
        const latest = `${path}/versions/latest`;
        const answer = await askRegistry(access, { method: 'GET', path: latest, headers, subject });
        return latestId(answer, format, text, subject);
      }
      // Of Avro's schemas the type need not be said, and old registries do not know the word.
      const schemaType = format.type === 'AVRO' ? undefined : format.type;
      const answer = await askRegistry(access, {
        method: 'POST',
        path: `${path}${use === 'register' ? '/versions' : ''}${normalize ? '?normalize=true' : ''}`,
        headers,
        body: JSON.stringify({ schemaType, schema: text }),
        subject,
      });
      return idOf(answer, 'id', subject);
    },
  };
}

function latestId(answer: unknown, format: ConfluentFormat, own: string, subject: string): number {
  const { schema, schemaType = 'AVRO' } = answer as { schema?: unknown; schemaType?: unknown };
  if (schemaType === format.type && typeof schema === 'string' && format.isReadable(schema, own)) {
    return idOf(answer, 'id', subject);
  }
  const message = `The latest schema of ${subject} is not one by which the records can be read`;
  throw new IcestreamError('convert.registry-schema', message, {
    context: { subject },
    hint: 'Register the schema of the table as it is now, or let it be registered with auto.register.schemas=true.',
  });
}

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';
