import { IcestreamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RecordErrorMetrics } from '../../base/metrics.ts';
import type { Converter } from '../../convert/converter.ts';
import { jsonConverter } from '../../convert/json/index.ts';
import type { Producer } from '../../kafka/producer.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import type { DeadLetterSettings } from './errors-config.ts';
import { isProducers, type StageFailure } from './errors-stage.ts';
import { encodeHeaders, type Header } from './headers.ts';

export interface DeadLettersContext {
  readonly settings: DeadLetterSettings;
  readonly connector: string;
  readonly task: number;
  readonly producer: Producer;
  /** For the record's own headers. */
  readonly header: Converter;
  readonly metrics: RecordErrorMetrics;
  readonly log: Log;
}

/**
 * C-1: records that are left out, in a topic, as they came to the transforms: key and value as JsonConverter writes them with
 * their schemas, whatever converters the connector has. They go by the same producer, so that a commit waits for them, and
 * with exactly once they are in the same transaction.
 */
export class DeadLetters {
  readonly #context: DeadLettersContext;
  readonly #json = jsonConverter.create({ 'replace.null.with.default': 'false' }, false);

  private constructor(context: DeadLettersContext) {
    this.#context = context;
  }

  /** The topic is made where it is missing. @throws IcestreamError kafka.topic-refused, kafka.rights */
  static async open(context: DeadLettersContext, signal: AbortSignal): Promise<DeadLetters> {
    const { topic } = context.settings;
    try {
      await context.producer.prepare(topic, signal);
    } catch (cause) {
      if (!(cause instanceof IcestreamError)) throw cause;
      const { code, context: facts } = cause;
      const text = `Could not initialize dead letter queue with topic=${topic}: ${cause.message}`;
      throw new IcestreamError(code, text, { cause, context: facts });
    }
    return new DeadLetters(context);
  }

  get topic(): string {
    return this.#context.settings.topic;
  }

  /** A record that cannot even be a dead letter is counted and named, no more: the stream goes on. */
  async send(failure: StageFailure, record: ConnectRecord): Promise<void> {
    const { producer, metrics, log, settings } = this.#context;
    metrics.deadLetterRequests++;
    try {
      const key = await this.#textOf(record.keySchema, record.key);
      const value = await this.#textOf(record.valueSchema, record.value);
      const headers = encodeHeaders(await this.#headersOf(failure, record));
      producer.send(settings.topic, key, value, headers, record.timestampMs ?? Date.now());
    } catch (error) {
      if (isProducers(error)) throw error;
      metrics.deadLetterFailures++;
      log.error({ error, topic: settings.topic }, 'Could not produce message to dead letter queue');
    }
  }

  /** A value that its own schema does not allow is written without it. */
  async #textOf(schema: ConnectSchema | null, value: ConnectValue): Promise<Uint8Array | null> {
    if (value === null) return null;
    try {
      return await this.#json.convert(this.topic, schema, value);
    } catch {
      return await this.#json.convert(this.topic, null, value);
    }
  }

  async #headersOf(failure: StageFailure, record: ConnectRecord): Promise<Header[]> {
    const headers: Header[] = [];
    for (const { name, schema, value } of record.headers) {
      headers.push({ name, value: await this.#headerValue(record.topic, schema, value) });
    }
    if (this.#context.settings.contextHeaders) headers.push(...this.#contextHeaders(failure, record));
    return headers;
  }

  async #headerValue(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
  ): Promise<Uint8Array | null> {
    try {
      return await this.#context.header.convert(topic, schema, value);
    } catch {
      return this.#textOf(schema, value); // It may be what the record failed by.
    }
  }

  /** Those of DeadLetterQueueReporter. There is no consumed record, so its offset is -1, as there for one that is not known. */
  #contextHeaders({ stage, className, error }: StageFailure, record: ConnectRecord): Header[] {
    const { connector, task } = this.#context;
    const texts: Record<string, string> = {
      topic: record.topic,
      partition: String(record.partition ?? -1),
      offset: '-1',
      'connector.name': connector,
      'task.id': String(task),
      stage,
      'class.name': className,
      'exception.class.name': error.code,
      'exception.message': error.message,
      'exception.stacktrace': stackOf(error),
    };
    return Object.entries(texts).map(([name, text]) => {
      return { name: `__connect.errors.${name}`, value: Buffer.from(text) };
    });
  }
}

function stackOf(error: Error): string {
  const parts = [error.stack ?? error.message];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    parts.push(`Caused by: ${cause.stack ?? cause.message}`);
  return parts.join('\n');
}
