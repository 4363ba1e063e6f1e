import { IcestreamError } from '../../base/errors.ts';
import type { Converter } from '../../convert/converter.ts';
import { loadConverter } from '../../convert/registry.ts';
import type { ProducerOptions, TopicCreation } from '../../kafka/producer.ts';
import { producerOptions } from '../../kafka/producer-config.ts';
import { OP_LETTERS } from '../../record/batch.ts';
import type { CommitPolicy, SinkProperty } from '../sink.ts';
import { type ErrorSettings, errorSettings } from './errors-config.ts';
import type { EventConverters } from './table-events.ts';
import { topicCreation } from './topic-creation.ts';

type Properties = Readonly<Record<string, string>>;

export interface KafkaSinkConfig {
  readonly producer: Omit<ProducerOptions, 'clientId' | 'log'>;
  readonly skippedOps: ReadonlySet<number>;
  readonly tombstones: boolean;
  /** `skip.messages.without.change`. */
  readonly skipsUnchanged: boolean;
  readonly errors: ErrorSettings;
  readonly contextHeaders: boolean;
  readonly commit: CommitPolicy;
  /** Connect's offsets topic; null for a standalone worker, which has none. */
  readonly offsetsTopic: string | null;
  /** `exactly.once.source.support=enabled`: what `transactional.id` begins with (`group.id`); else null. */
  readonly transactionGroup: string | null;
  /** With `heartbeat.interval.ms` above 0. */
  readonly heartbeat: { readonly topicPrefix: string; readonly intervalMs: number } | null;
  /** With `provide.transaction.metadata`. */
  readonly transactionTopic: string | null;
  /** With `sink` among `notification.enabled.channels`. */
  readonly notificationTopic: string | null;
  converters(): Promise<EventConverters>;
}

/** What is sent is acknowledged within moments; the position follows that closely, so that a restart repeats little. */
const COMMIT: CommitPolicy = { intervalMs: 1000, bytes: 64 * 1024 * 1024, rows: 1_000_000 };

/** Connect's own where neither worker nor connector names one. */
const CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const HEADER_CONVERTER = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';

/** The sink adds no property to what describes a Debezium connector (C-2); C-1's are documented. */
export const KAFKA_PROPERTIES: readonly SinkProperty[] = [];

/**
 * Reads a connector's configuration over its worker's: `key.converter` with its options is one thing and comes whole from
 * the one or the other, `producer.override.*` goes before `producer.*`.
 *
 * @throws IcestreamError config.invalid
 */
export function parseKafkaConfig(config: Properties): KafkaSinkConfig {
  if ((config['bootstrap.servers'] ?? '') === '') {
    throw new IcestreamError('config.invalid', 'the kafka sink needs bootstrap.servers in the worker file');
  }
  const errors = errorSettings(config);
  return {
    producer: {
      ...producerOptions(producerProperties(config)),
      topicCreation: creationOf(topicCreation(config), errors),
    },
    offsetsTopic: config['offset.storage.topic'] ?? null,
    transactionGroup: transactionGroup(config),
    heartbeat: heartbeat(config),
    transactionTopic: transactionTopic(config),
    notificationTopic: config['notification.sink.topic.name'] ?? null,
    skippedOps: skippedOps(config['skipped.operations'] ?? 't'),
    errors,
    tombstones: config['tombstones.on.delete'] !== 'false',
    skipsUnchanged: config['skip.messages.without.change'] === 'true',
    contextHeaders: config['extended.headers.enabled'] !== 'false',
    commit: COMMIT,
    converters: async () => ({
      key: await converter(config, 'key.converter', CONVERTER),
      value: await converter(config, 'value.converter', CONVERTER),
      header: await converter(config, 'header.converter', HEADER_CONVERTER),
      classes: {
        key: config['key.converter'] ?? CONVERTER,
        value: config['value.converter'] ?? CONVERTER,
        header: config['header.converter'] ?? HEADER_CONVERTER,
      },
    }),
  };
}

export function validateKafkaConfig(config: Properties): ReadonlyMap<string, readonly string[]> {
  try {
    parseKafkaConfig(config);
    return new Map();
  } catch (error) {
    if (!(error instanceof IcestreamError)) throw error;
    return new Map([['sinks', [error.message]]]);
  }
}

/** The topic of dead letters is made as their properties say. */
function creationOf(
  own: (topic: string) => TopicCreation | null,
  { deadLetters }: ErrorSettings,
): (topic: string) => TopicCreation | null {
  return (topic) => (topic === deadLetters?.topic ? deadLetters.creation : own(topic));
}

function transactionGroup(config: Properties): string | null {
  if (config['exactly.once.source.support'] !== 'enabled') return null;
  const group = config['group.id'] ?? '';
  if (group !== '' && (config['offset.storage.topic'] ?? '') !== '') return group;
  throw new IcestreamError(
    'config.invalid',
    'exactly.once.source.support=enabled needs group.id and offset.storage.topic in the worker file',
  );
}

function heartbeat(config: Properties): KafkaSinkConfig['heartbeat'] {
  const intervalMs = Number(config['heartbeat.interval.ms'] ?? 0);
  if (!(intervalMs > 0)) return null;
  const topicPrefix =
    config['topic.heartbeat.prefix'] ?? config['heartbeat.topics.prefix'] ?? '__debezium-heartbeat';
  return { topicPrefix, intervalMs };
}

function transactionTopic(config: Properties): string | null {
  if (config['provide.transaction.metadata'] !== 'true') return null;
  const delimiter = config['topic.delimiter'] ?? '.';
  return `${config['topic.prefix']}${delimiter}${config['topic.transaction'] ?? 'transaction'}`;
}

function producerProperties(config: Properties): Properties {
  const shared = Object.entries(config).filter(([key]) =>
    /^(bootstrap\.servers$|security\.|sasl\.|ssl\.)/.test(key),
  );
  return {
    ...Object.fromEntries(shared),
    ...under(config, 'producer.', 'producer.override.'),
    ...under(config, 'producer.override.'),
  };
}

async function converter(config: Properties, prefix: string, standard: string): Promise<Converter> {
  const name = config[prefix] ?? standard;
  const definition = await loadConverter(name);
  if (definition === null) {
    throw new IcestreamError(
      'config.invalid',
      `Invalid value ${name} for configuration ${prefix}: Class ${name} could not be found.`,
    );
  }
  return definition.create(under(config, `${prefix}.`), prefix === 'key.converter');
}

/** What is set under `prefix`, without it. */
function under(config: Properties, prefix: string, except?: string): Record<string, string> {
  const found = Object.entries(config).filter(
    ([key]) => key.startsWith(prefix) && (except === undefined || !key.startsWith(except)),
  );
  return Object.fromEntries(found.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** Codes of the operations named by letter; `none` names none. */
function skippedOps(list: string): ReadonlySet<number> {
  const letters = list.split(',').map((letter) => letter.trim().toLowerCase());
  return new Set(
    letters
      .map((letter) => OP_LETTERS.indexOf(letter as (typeof OP_LETTERS)[number]))
      .filter((code) => code > 0),
  );
}
