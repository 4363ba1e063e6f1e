import { IcestreamError, invariant } from '../../base/errors.ts';
import type { Converter } from '../../convert/converter.ts';
import { Producer } from '../../kafka/producer.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { EventForms } from '../../record/event.ts';
import { isLast, type Notification } from '../../record/notification.ts';
import type { Offset } from '../../record/offset.ts';
import type { PendingWork, Sink, SinkContext } from '../sink.ts';
import type { KafkaSinkConfig } from './config.ts';
import { ConnectOffsets } from './connect-offsets.ts';
import { contextHeaders } from './context-headers.ts';
import { DeadLetters } from './dead-letters.ts';
import { RecordErrors } from './errors.ts';
import { Heartbeat } from './heartbeat.ts';
import { notificationRecord } from './notifications.ts';
import { OpenTransaction, type PublishedRows } from './open-transaction.ts';
import { Publisher } from './publisher.ts';
import type { EventConverters } from './table-events.ts';

/** For what is told when the task is about to fail. */
const LAST_WORDS_MS = 10_000;

/** Publishes every change as Debezium does, in the order of the log; a commit waits until the brokers have it all. */
export class KafkaSink implements Sink {
  readonly needsSnapshot: readonly string[] = [];
  readonly #config: KafkaSinkConfig;
  readonly #context: SinkContext;
  readonly #forms: EventForms;
  readonly #aborted = new AbortController();
  readonly #offsets: ConnectOffsets | null;
  #producer: Producer | null = null;
  #publisher: Publisher | null = null;
  #converters: EventConverters | null = null;
  #errors: RecordErrors | null = null;
  #heartbeat: Heartbeat | null = null;
  #committing: Promise<unknown> = Promise.resolve();
  readonly #open = new OpenTransaction();
  /** The end of the last source transaction that was taken. */
  #boundary: Offset | null = null;
  #committedAtMs = 0;
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

  /** Waits, without limit, for a broker that answers. */
  async open(signal: AbortSignal): Promise<Offset | null> {
    const waiting = setTimeout(() => this.#context.onWaiting?.(nobodyAnswers()), TOLD_AFTER_MS);
    try {
      return await this.#openAll(signal);
    } finally {
      clearTimeout(waiting);
    }
  }

  async #openAll(signal: AbortSignal): Promise<Offset | null> {
    const { connector, task, epoch, log, stored } = this.#context;
    const { transactionGroup } = this.#config;
    const options = {
      ...this.#config.producer,
      clientId: `connector-producer-${connector}-${task}`,
      // Connect's own name: whoever ran this task before, there or here, is fenced.
      transactionalId: transactionGroup === null ? null : `${transactionGroup}-${connector}-${task}`,
      log,
      onRefused: (topic: string, count: number, error: IcestreamError) =>
        topic !== this.#config.offsetsTopic && (this.#errors?.wereRefused(topic, count, error) ?? false),
    };
    this.#producer = await Producer.open(options, signal);
    if (this.#offsets !== null) await this.#producer.prepare(this.#offsets.topic, signal);
    const known = (await this.#offsets?.read(options, epoch, signal)) ?? null;
    const converters = await this.#config.converters();
    this.#converters = converters;
    this.#errors = await this.#openErrors(this.#producer, converters.header, signal);
    this.#publisher = this.#openPublisher(this.#producer, converters, known?.published ?? null);
    const { heartbeat } = this.#config;
    if (heartbeat !== null)
      this.#heartbeat = new Heartbeat(heartbeat.topicPrefix, this.#forms.prefix, heartbeat.intervalMs);
    if (this.#isTransactional) this.#producer.begin();
    return known?.offset ?? stored ?? null;
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
    // A record sent now would become part of a transaction whose offset precedes it.
    if (this.#isTransactional) await this.#committing;
    this.#rows += batch.rowCount;
    this.#bytes += batch.byteLength;
    for (const notification of batch.notifications ?? []) await this.#tell(notification);
    if (batch.repair !== true) await this.#publisher.take(batch);
    this.#open.take(batch);
    this.#boundary = batch.offset ?? this.#boundary;
    if (this.#outlives) await this.#commitOpen(this.#boundary!);
    const heartbeat = this.#heartbeat?.heard(Date.now()) ?? null;
    if (heartbeat !== null) await this.#publisher.publish(heartbeat);
  }

  async #tell(notification: Notification): Promise<void> {
    const topic = this.#config.notificationTopic;
    if (topic === null) return;
    const record = notificationRecord(topic, notification);
    if (isLast(notification)) await this.#tellLast(record);
    else await this.#publisher!.publish(record);
  }

  /**
   * Waits until the brokers have it, since nothing will be committed behind it. The transaction, which the task leaves open,
   * takes no part in it.
   */
  async #tellLast(record: ConnectRecord): Promise<void> {
    const signal = AbortSignal.any([this.#aborted.signal, AbortSignal.timeout(LAST_WORDS_MS)]);
    const { producer: settings } = this.#config;
    const { connector, log } = this.#context;
    try {
      if (!this.#isTransactional)
        return await this.#publish(record, this.#publisher!, this.#producer!, signal);
      const options = {
        ...settings,
        clientId: `connector-notifications-${connector}`,
        transactionalId: null,
        log,
      };
      // What was told before comes before.
      await this.#producer!.flush(signal);
      const producer = await Producer.open(options, signal);
      try {
        await this.#publish(record, this.#openPublisher(producer, this.#converters!, null), producer, signal);
      } finally {
        await producer.close();
      }
    } catch (error) {
      // The task fails by something else, which is what is to be seen.
      log.warn({ error }, 'a last notification could not be published');
    }
  }

  async #publish(
    record: ConnectRecord,
    publisher: Publisher,
    producer: Producer,
    signal: AbortSignal,
  ): Promise<void> {
    await publisher.publish(record);
    await producer.flush(signal);
  }

  async commit(offset: Offset, signal: AbortSignal): Promise<Offset> {
    this.#rows = 0;
    this.#bytes = 0;
    const done = this.#commit(offset, this.#producer!, signal);
    this.#committing = done.catch(() => undefined);
    await done;
    return offset;
  }

  /** The broker would give up the transaction before the source's ends. */
  get #outlives(): boolean {
    if (!this.#isTransactional || this.#boundary === null || this.#open.published === null) return false;
    return performance.now() - this.#committedAtMs > this.#config.producer.transactionTimeoutMs / 3;
  }

  /** Makes what there is of the open source transaction visible, with the offset before it and how much that is. */
  async #commitOpen(before: Offset): Promise<void> {
    await this.#commit(before, this.#producer!, this.#aborted.signal, this.#open.published);
  }

  async #commit(
    offset: Offset,
    producer: Producer,
    signal: AbortSignal,
    published: PublishedRows | null = null,
  ): Promise<void> {
    await this.#publisher!.flush(signal);
    // Behind the records, never ahead of one: what the offset says must be there.
    await producer.flush(signal);
    this.#offsets?.send(offset, producer, Date.now(), published);
    if (this.#isTransactional) {
      await producer.commit(signal);
      producer.begin();
      this.#committedAtMs = performance.now();
    } else if (this.#offsets !== null) await producer.flush(signal);
  }

  get #isTransactional(): boolean {
    return this.#config.transactionGroup !== null;
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#producer?.close();
  }

  #openPublisher(
    producer: Producer,
    converters: EventConverters,
    published: PublishedRows | null,
  ): Publisher {
    const { task, transform } = this.#context;
    const {
      contextHeaders: hasContext,
      skippedOps,
      skipsUnchanged,
      tombstones,
      transactionTopic,
    } = this.#config;
    const { prefix, connector } = this.#forms;
    return new Publisher({
      forms: this.#forms,
      converters,
      headers: hasContext ? contextHeaders(prefix, task, connector) : [],
      tombstones,
      skippedOps,
      skipsUnchanged,
      transactionTopic,
      transform: transform ?? null,
      errors: this.#errors!,
      producer,
      published,
      signal: this.#aborted.signal,
    });
  }

  async #openErrors(producer: Producer, header: Converter, signal: AbortSignal): Promise<RecordErrors> {
    const { connector, task, log, metrics } = this.#context;
    const { errors: settings } = this.#config;
    const facts = { producer, header, connector, task, log, metrics: metrics.recordErrors };
    const { tolerates, deadLetters } = settings;
    return new RecordErrors({
      taskId: `${connector}-${task}`,
      settings,
      transactional: this.#isTransactional,
      // What stops the task is tried again, so it is not dead.
      deadLetters:
        tolerates && deadLetters !== null
          ? await DeadLetters.open({ ...facts, settings: deadLetters }, signal)
          : null,
      metrics: metrics.recordErrors,
      log,
      signal: this.#aborted.signal,
    });
  }
}

/** A broker that starts takes that long; one that is there does not. */
const TOLD_AFTER_MS = 5000;

function nobodyAnswers(): IcestreamError {
  return new IcestreamError('kafka.unreachable', 'no kafka broker has answered so far');
}
