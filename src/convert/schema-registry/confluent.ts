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
  'normalize.schemas': boolean(false),
  'key.subject.name.strategy': oneOf(STRATEGIES, TOPIC_NAME),
  'value.subject.name.strategy': oneOf(STRATEGIES, TOPIC_NAME),
  'basic.auth.credentials.source': oneOf(['URL', 'USER_INFO'], 'URL'),
  'basic.auth.user.info': password(),
  'bearer.auth.credentials.source': text(null),
  'bearer.auth.token': password(),
};

/** What Confluent's converters of all formats have in common (AbstractKafkaSchemaSerDeConfig). */
export function confluentConverter(
  encode: EncodeSchema,
  config: Readonly<Record<string, string>>,
  isKey: boolean,
): Converter {
  const values = readConfig(CONFIG, withoutClientPrefix(config));
  const strategy = values[isKey ? 'key.subject.name.strategy' : 'value.subject.name.strategy'];
  const access = accessOf(values);
  return new RegisteredConverter({
    encode,
    registry: confluentRegistry(access, values['auto.register.schemas'], values['normalize.schemas']),
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

/** The same properties may be given to the registry's client as `schema.registry.basic.auth...`. */
function withoutClientPrefix(config: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = 'schema.registry.';
  const entries = Object.entries(config);
  const tls = entries.find(([key]) => key.startsWith(`${prefix}ssl.`));
  if (tls !== undefined) throw unsupported(tls[0]);
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

/** Confluent's REST API, as Apicurio and Karapace speak it too. */
function confluentRegistry(
  access: RegistryAccess,
  autoRegister: boolean,
  normalize: boolean,
): SchemaRegistry {
  return {
    async id(subject, { text }) {
      const path = `/subjects/${encodeURIComponent(subject)}${autoRegister ? '/versions' : ''}`;
      const answer = await askRegistry(access, {
        method: 'POST',
        path: `${path}${normalize ? '?normalize=true' : ''}`,
        headers: { 'Content-Type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ schema: text }),
        subject,
      });
      return idOf(answer, 'id', subject);
    },
  };
}
