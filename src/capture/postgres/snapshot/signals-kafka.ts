import { setTimeout as sleep } from 'node:timers/promises';
import { IcestreamError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { producerOptions } from '../../../kafka/producer-config.ts';
import type { FollowedRecord, FollowOptions } from '../../../kafka/topic-follower.ts';
import type { ConnectorConfig } from '../../source.ts';
import type { PostgresConfig } from '../config.ts';
import { parseSignal, type Signal } from './signals.ts';

export interface KafkaSignalOptions extends FollowOptions {
  /** What a record's key must be: the topic prefix. */
  readonly key: string;
  readonly intervalMs: number;
}

/**
 * `signal.kafka.*`, and `signal.consumer.*` as a Kafka consumer's properties, which go before. Without brokers of its own
 * the channel uses the worker's, with the worker's login.
 *
 * @throws IcestreamError config.invalid
 */
export function kafkaSignalOptions(
  config: PostgresConfig,
  raw: ConnectorConfig,
  log: Log,
): KafkaSignalOptions {
  const consumer = Object.fromEntries(
    Object.entries(raw)
      .filter(([name]) => name.startsWith(CONSUMER))
      .map(([name, value]) => [name.slice(CONSUMER.length), value]),
  );
  const own = config['signal.kafka.bootstrap.servers'];
  const properties: ConnectorConfig = {
    ...(own === null && consumer['bootstrap.servers'] === undefined
      ? workersBrokers(raw)
      : { 'bootstrap.servers': own ?? '' }),
    ...consumer,
  };
  const { bootstrapServers, security, requestTimeoutMs } = producerOptions(properties);
  const prefix = config['topic.prefix'];
  const clientId = consumer['client.id'] ?? `${prefix}-signals`;
  return {
    settings: { clientId, bootstrapServers, security, requestTimeoutMs, log },
    topic: config['signal.kafka.topic'] ?? `${prefix}-signal`,
    group: consumer['group.id'] ?? config['signal.kafka.groupId'],
    reset: consumer['auto.offset.reset'] === 'latest' ? 'latest' : 'earliest',
    maxWaitMs: config['signal.kafka.poll.timeout.ms'],
    key: prefix,
    intervalMs: config['signal.poll.interval.ms'],
  };
}

const CONSUMER = 'signal.consumer.';

function workersBrokers(raw: ConnectorConfig): ConnectorConfig {
  if ((raw['bootstrap.servers'] ?? '') === '') {
    throw new IcestreamError(
      'config.invalid',
      "The 'signal.kafka.bootstrap.servers' value is invalid: A value is required",
      { context: { property: 'signal.kafka.bootstrap.servers' } },
    );
  }
  return Object.fromEntries(
    Object.entries(raw).filter(([name]) => /^(bootstrap\.servers$|security\.|sasl\.|ssl\.)/.test(name)),
  );
}

const CLOSE_MS = 2_000;

/**
 * The topic's channel: the records of its first partition since the group's offset. That moves once a signal was obeyed,
 * so that none is lost; after a crash in between it is given again. What goes wrong is told and tried again: signals must
 * not stop the stream.
 */
export async function* kafkaSignals(
  options: KafkaSignalOptions,
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<Signal> {
  // Whoever has no such topic does without the client's code.
  const { TopicFollower } = await import('../../../kafka/topic-follower.ts');
  const follower = new TopicFollower(options);
  const { topic, intervalMs } = options;
  /** Offsets of signals that were handed out and not obeyed yet, in order. */
  const waiting: bigint[] = [];
  const commit = async (until: AbortSignal) => {
    const position = waiting[0] ?? follower.position;
    if (position !== null) await follower.commit(position, until);
  };
  try {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await commit(signal);
        for (const record of await follower.poll(signal)) {
          const received = signalOf(record, options.key, log);
          if (received === null) continue;
          waiting.push(record.offset);
          yield { ...received, obeyed: () => void waiting.splice(waiting.indexOf(record.offset), 1) };
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        // Told less and less.
        if (Number.isInteger(Math.log2(++failures)))
          log.warn({ error, topic, failures }, 'the signal topic cannot be read, it is tried again');
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    await commit(AbortSignal.timeout(CLOSE_MS)).catch((error) =>
      log.info(
        { error, topic },
        'the offset of the signal topic was not written, signals may be given again',
      ),
    );
    await follower.close();
  }
}

function signalOf({ key, value }: FollowedRecord, wanted: string, log: Log): Signal | null {
  if (key?.toString('utf8') !== wanted) {
    log.info({ wanted }, "a signal's key is not the topic prefix; it is another connector's");
    return null;
  }
  const text = value?.toString('utf8') ?? '';
  return text === '' ? null : parseSignal(text, 'record of the signal topic', log);
}
