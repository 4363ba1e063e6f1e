import { IcestreamError, invariant } from '../../base/errors.ts';
import { Producer } from '../../kafka/producer.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { EventForms } from '../../record/event.ts';
import type { Offset } from '../../record/offset.ts';
import type { PendingWork, Sink, SinkContext, SinkDefinition } from '../sink.ts';
import { KAFKA_PROPERTIES, type KafkaSinkConfig, parseKafkaConfig, validateKafkaConfig } from './config.ts';
import { ConnectOffsets } from './connect-offsets.ts';
import { contextHeaders } from './context-headers.ts';
import { Heartbeat } from './heartbeat.ts';
import { Publisher } from './publisher.ts';
import { Transactions } from './transactions.ts';

export const kafkaSink: SinkDefinition = {
  create: (config, context) => new KafkaSink(parseKafkaConfig(config), context),
  commitPolicy: (config) => parseKafkaConfig(config).commit,
  properties: KAFKA_PROPERTIES,
  validate: validateKafkaConfig,
};

/** Publishes every change as Debezium does, in the order of the log; a commit waits until the brokers have it all. */
class KafkaSink implements Sink {
  readonly needsSnapshot: readonly string[] = [];
  readonly #config: KafkaSinkConfig;
  readonly #context: SinkContext;
  readonly #forms: EventForms;
  readonly #aborted = new AbortController();
  readonly #offsets: ConnectOffsets | null;
  #producer: Producer | null = null;
  #publisher: Publisher | null = null;
  #heartbeat: Heartbeat | null = null;
  #bytes = 0;
  #rows = 0;

  constructor(config: KafkaSinkConfig, context: SinkContext) {
    this.#config = config;
    this.#context = context;
    const { forms } = context;
    if (forms === undefined) {
      throw new IcestreamError('config.invalid', 'this connector cannot publish to Kafka');
    }
    this.#forms = forms;
    const { offsetsTopic } = config;
    this.#offsets =
      offsetsTopic === null ? null : new ConnectOffsets(offsetsTopic, context.connector, context.offsets);
  }

  async open(signal: AbortSignal): Promise<Offset | null> {
    const { connector, task, epoch, log, stored } = this.#context;
    const options = {
      clientId: `connector-producer-${connector}-${task}`,
      ...this.#config.producer,
      log,
    };
    this.#producer = await Producer.open(options, signal);
    this.#publisher = await this.#openPublisher(this.#producer);
    if (this.#offsets === null) return stored ?? null;
    await this.#producer.prepare(this.#offsets.topic, signal);
    return (await this.#offsets.read(options, epoch, signal)) ?? stored ?? null;
  }

  get pending(): PendingWork {
    const memoryBytes = this.#producer?.pendingBytes ?? 0;
    return { memoryBytes, bytes: this.#bytes, rows: this.#rows, full: false };
  }

  needsCommitBefore(): boolean {
    return false;
  }

  async write(batch: ChangeBatch): Promise<void> {
    invariant(this.#publisher !== null, 'the sink is open');
    this.#rows += batch.rowCount;
    this.#bytes += batch.byteLength;
    if (batch.repair !== true) await this.#publisher.take(batch);
    this.#heartbeat?.heard(Date.now(), this.#publisher.target);
  }

  async commit(offset: Offset, signal: AbortSignal): Promise<Offset> {
    this.#rows = 0;
    this.#bytes = 0;
    const producer = this.#producer!;
    await this.#publisher!.flush();
    await producer.flush(signal);
    if (this.#offsets !== null) {
      // Behind the records, never ahead of one: what it says must be there.
      this.#offsets.send(offset, producer, Date.now());
      await producer.flush(signal);
    }
    return offset;
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#producer?.close();
  }

  async #openPublisher(producer: Producer): Promise<Publisher> {
    const { task } = this.#context;
    const { heartbeat, transactionTopic, skippedOps, tombstones } = this.#config;
    const { prefix, connector } = this.#forms;
    const converters = await this.#config.converters();
    const publisher = await Publisher.open({
      forms: this.#forms,
      converters,
      headers: this.#config.contextHeaders ? contextHeaders(prefix, task, connector) : [],
      tombstones,
      skippedOps,
      transactions: transactionTopic === null ? null : await Transactions.open(transactionTopic, converters),
      transform: null,
      producer,
      signal: this.#aborted.signal,
    });
    if (transactionTopic !== null) await publisher.prepare(transactionTopic);
    if (heartbeat === null) return publisher;
    this.#heartbeat = await Heartbeat.open(heartbeat.topicPrefix, prefix, heartbeat.intervalMs, converters);
    await publisher.prepare(this.#heartbeat.topic);
    return publisher;
  }
}
