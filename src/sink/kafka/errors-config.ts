import { boolean, int, long, oneOf, parseConfig, text } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import type { TopicCreation } from '../../kafka/producer.ts';

const PROPERTIES = {
  'errors.tolerance': oneOf(['none', 'all'], 'none'),
  'errors.retry.timeout': long(0),
  'errors.retry.delay.max.ms': long(60_000),
  'errors.log.enable': boolean(false),
  'errors.log.include.messages': boolean(false),
  'errors.deadletterqueue.topic.name': text(''),
  'errors.deadletterqueue.topic.replication.factor': int(3),
  'errors.deadletterqueue.context.headers.enable': boolean(false),
};

/** Connect's error handling (org.apache.kafka.connect.runtime.errors), and the dead letters of its sinks (C-1). */
export interface ErrorSettings {
  /** `errors.tolerance=all`: a record that fails is left out; else it stops the task. */
  readonly tolerates: boolean;
  /** How long an operation that may yet succeed is repeated; Infinity for -1. */
  readonly retryTimeoutMs: number;
  readonly retryDelayMaxMs: number;
  readonly logs: boolean;
  /** Whether log lines hold the record, its values too. */
  readonly logsRecords: boolean;
  /** Where records that are left out go; null: nowhere. */
  readonly deadLetters: DeadLetterSettings | null;
}

export interface DeadLetterSettings {
  readonly topic: string;
  readonly creation: TopicCreation;
  /** `__connect.errors.*` headers. */
  readonly contextHeaders: boolean;
}

/** @throws IcestreamError config.invalid */
export function errorSettings(config: Readonly<Record<string, string>>): ErrorSettings {
  const { values, errors } = parseConfig(PROPERTIES, config);
  for (const [property, [reason]] of errors) {
    throw new IcestreamError('config.invalid', `${property}: ${reason}`, { context: { property } });
  }
  const timeoutMs = values['errors.retry.timeout'];
  const topic = values['errors.deadletterqueue.topic.name'].trim();
  const replicationFactor = values['errors.deadletterqueue.topic.replication.factor'];
  return {
    tolerates: values['errors.tolerance'] === 'all',
    retryTimeoutMs: timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs,
    retryDelayMaxMs: values['errors.retry.delay.max.ms'],
    logs: values['errors.log.enable'],
    logsRecords: values['errors.log.include.messages'],
    deadLetters:
      topic === ''
        ? null
        : {
            topic,
            creation: { partitions: 1, replicationFactor, configs: {} },
            contextHeaders: values['errors.deadletterqueue.context.headers.enable'],
          },
  };
}
