import { setTimeout as delay } from 'node:timers/promises';
import { asIcestreamError, IcestreamError, invariant } from '../base/errors.ts';
import { BatchBuffers } from './batch-buffers.ts';
import { Brokers } from './brokers.ts';
import { ensureTopic, type Leaders, lookUp, whileUnreachable } from './cluster.ts';
import type { ConstantBytes } from './crc.ts';
import { type Identity, PartitionQueue } from './partition-queue.ts';
import { partitionOfKey } from './partitioner.ts';
import type { ProducerOptions } from './producer-options.ts';
import { recordBound, sizeAsJavaSees } from './record-batch.ts';
import { Sender } from './sender.ts';
import { NOBODY, plainIdentity, Transactions } from './transaction.ts';
import { unlessAborted } from './wait.ts';

export type { Compression, ProducerOptions, TopicCreation } from './producer-options.ts';

/**
 * Writes records to Kafka: idempotent, acknowledged by all replicas in sync, in the order of `send` for each partition.
 * Brokers that go away are waited for; an error that does not pass ends the producer, which then throws it from every
 * call, because what was to follow a lost record must not be written. With a transactional id everything happens between
 * `begin` and `commit` or `abort`, and `abort` makes the producer usable again unless it was fenced.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #brokers: Brokers;
  readonly #sender: Sender;
  readonly #transactions: Transactions | null;
  readonly #topics = new Map<string, Topic>();
  readonly #preparing = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();
  /** Partitions that belong to the transaction, and those that are to; null outside one. */
  #transaction: { readonly added: Set<PartitionQueue>; readonly wanted: Set<PartitionQueue> } | null = null;
  #adding: Promise<void> | null = null;
  #refreshing = false;
  #refreshedAtMs = performance.now();

  /**
   * Connects and gets its identity; waits, trying again, while no broker answers.
   *
   * @throws IcestreamError kafka.auth, kafka.tls, kafka.rights, kafka.protocol
   */
  static async open(options: ProducerOptions, signal: AbortSignal): Promise<Producer> {
    const brokers = new Brokers(options);
    try {
      const { transactionalId: id } = options;
      const transactions = id === null ? null : new Transactions(brokers, options, id);
      const identity = await firstIdentity(brokers, options, transactions, signal);
      return new Producer(options, brokers, transactions, identity);
    } catch (error) {
      await brokers.close();
      throw error;
    }
  }

  private constructor(
    options: ProducerOptions,
    brokers: Brokers,
    transactions: Transactions | null,
    identity: Identity,
  ) {
    this.#options = options;
    this.#brokers = brokers;
    this.#transactions = transactions;
    const context = {
      options,
      buffers: new BatchBuffers(Math.min(options.bufferBytes, KEEP_BUFFERS_BYTES)),
      connect: (nodeId: number) => brokers.node(nodeId, this.#closed.signal),
      refresh: () => void this.#refresh(),
      admits: (partition: PartitionQueue) => this.#admits(partition),
      renew: () => plainIdentity(brokers, options, this.#closed.signal),
      partitions: () => this.#partitions(),
    };
    this.#sender = new Sender(context, identity);
  }

  /**
   * Makes a topic ready for `send`: finds its partitions, creating it where it is missing and may be created. Cheap where
   * that was done.
   *
   * @throws IcestreamError kafka.topic-missing, kafka.topic-refused, kafka.rights
   */
  async prepare(topic: string, signal: AbortSignal): Promise<void> {
    if (this.#topics.has(topic)) return;
    let preparing = this.#preparing.get(topic);
    if (preparing === undefined) {
      preparing = this.#prepare(topic).finally(() => this.#preparing.delete(topic));
      this.#preparing.set(topic, preparing);
    }
    await unlessAborted(preparing, signal);
  }

  /**
   * Takes one record; its bytes are copied. `headers` are in the record's own form, their number included. The partition
   * is `chosen`, else the one that Java's producer would choose. `head` comes before a value that is not null.
   *
   * @throws IcestreamError kafka.record-too-large, after which the producer goes on as if it had not been given; else
   * what failed before
   */
  send(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Uint8Array,
    timestampMs: number,
    chosen: number | null = null,
    head: ConstantBytes | null = null,
  ): void {
    const prepared = this.#topics.get(topic);
    invariant(prepared !== undefined, 'send to a topic that was not prepared', { topic });
    invariant(this.#transactions === null || this.#transaction !== null, 'send outside a transaction');
    const bound = recordBound(key, value, headers, head);
    if (bound > this.#options.maxRequestBytes - SIZE_SLACK)
      this.#checkSize(topic, sizeAsJavaSees(key, value, headers, head));
    const partition = chosen === null ? partitionFor(prepared, key) : partitionAt(prepared, topic, chosen);
    this.#sender.append(partition, key, value, headers, timestampMs, bound, head);
  }

  /** Bytes that were sent but are not acknowledged. */
  get pendingBytes(): number {
    return this.#sender.pending.bytes;
  }

  /** null: there is room for more. Else to be awaited before the next `send`; rejects when the producer has failed. */
  room(): Promise<void> | null {
    return this.#sender.pending.room();
  }

  /** Resolves when everything sent before is acknowledged. @throws IcestreamError the first failure */
  async flush(signal: AbortSignal): Promise<void> {
    await this.#sender.flush(signal);
    if (performance.now() - this.#refreshedAtMs > this.#options.metadataMaxAgeMs) void this.#refresh();
  }

  begin(): void {
    invariant(this.#transactions !== null, 'begin without a transactional id');
    invariant(this.#transaction === null, 'begin within a transaction');
    this.#transaction = { added: new Set(), wanted: new Set() };
  }

  /** What was sent since `begin` becomes visible, all of it. @throws IcestreamError after which only `abort` helps */
  async commit(signal: AbortSignal): Promise<void> {
    invariant(this.#transaction !== null, 'commit without begin');
    await this.#sender.flush(signal);
    try {
      if (this.#transaction.added.size > 0)
        await this.#transactions!.end(this.#sender.identity, true, signal);
    } catch (error) {
      // Whether it was committed is not known; going on under this identity could answer wrongly.
      if (!signal.aborted) this.#sender.fail(asIcestreamError(error));
      throw error;
    }
    this.#transaction = null;
  }

  /** Nothing that was sent since `begin` will be seen. @throws IcestreamError kafka.fenced */
  async abort(signal: AbortSignal): Promise<void> {
    invariant(this.#transactions !== null, 'abort without a transactional id');
    if (this.#sender.failure?.code === 'kafka.fenced') throw this.#sender.failure;
    await unlessAborted(this.#sender.discard(), signal);
    await this.#adding?.catch(() => {}); // It has said so where it failed.
    // A new epoch makes the brokers end the transaction and refuse what of it is still on its way.
    const identity = await this.#transactions.init(this.#sender.identity, signal);
    this.#transaction = null;
    this.#sender.restart(identity);
  }

  /** Gives up what is not acknowledged, and the transaction. */
  async close(): Promise<void> {
    const error = new IcestreamError('kafka.not-delivered', 'the producer was closed');
    this.#closed.abort(error);
    this.#sender.fail(error);
    await this.#brokers.close();
  }

  async #ensure(topic: string): Promise<Leaders> {
    const { topicCreation, maxBlockMs, log } = this.#options;
    const creation = topicCreation?.(topic) ?? null;
    return await ensureTopic(this.#brokers, topic, creation, maxBlockMs, log, this.#closed.signal);
  }

  async #prepare(topic: string): Promise<void> {
    const leaders = await this.#ensure(topic);
    const partitions = leaders.map((leader, index) => new PartitionQueue(topic, index, leader));
    this.#topics.set(topic, { partitions, sticky: null });
  }

  /** Java's rule and words; only records near the limit are measured so. */
  #checkSize(topic: string, size: number): void {
    const limit = this.#options.maxRequestBytes;
    if (size <= limit) return;
    const text =
      `The message is ${size} bytes when serialized which is larger than ${limit}, ` +
      'which is the value of the max.request.size configuration.';
    throw new IcestreamError('kafka.record-too-large', text, { context: { topic, size, limit } });
  }

  *#partitions(): Iterable<PartitionQueue> {
    for (const { partitions } of this.#topics.values()) yield* partitions;
  }

  #admits(partition: PartitionQueue): boolean {
    if (this.#transactions === null || this.#transaction?.added.has(partition)) return true;
    this.#transaction?.wanted.add(partition);
    this.#adding ??= this.#add(this.#transactions)
      .catch((error) => this.#sender.fail(asIcestreamError(error)))
      .finally(() => {
        this.#adding = null;
        this.#sender.resume();
      });
    return false;
  }

  async #add(transactions: Transactions): Promise<void> {
    // All partitions that the same drain asks for go into one request.
    await Promise.resolve();
    const transaction = this.#transaction;
    if (transaction === null) return;
    const wanted = [...transaction.wanted];
    transaction.wanted.clear();
    await transactions.add(this.#sender.identity, wanted, this.#closed.signal);
    for (const partition of wanted) transaction.added.add(partition);
  }

  /** Asks for the leaders of all topics until it is answered. */
  async #refresh(): Promise<void> {
    if (this.#refreshing || this.#closed.signal.aborted) return;
    this.#refreshing = true;
    const { signal } = this.#closed;
    try {
      const names = [...this.#topics.keys()];
      const found = await whileUnreachable(this.#options.log, signal, () =>
        lookUp(this.#brokers, names, false, signal),
      );
      this.#refreshedAtMs = performance.now();
      for (const [name, leaders] of found) this.#update(this.#topics.get(name)!, name, leaders);
      this.#sender.moved();
      for (const name of names) if (!found.has(name)) void this.#remake(name, this.#topics.get(name)!);
      await delay(REFRESH_REST_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) this.#sender.fail(asIcestreamError(error));
    } finally {
      this.#refreshing = false;
    }
  }

  /** A topic that was deleted is made again, like one that is new, where there is something to be written to it. */
  async #remake(name: string, topic: Topic): Promise<void> {
    if (this.#preparing.has(name) || !topic.partitions.some((it) => it.hasWork)) return;
    this.#options.log.warn({ topic: name }, 'a kafka topic is gone and is made again');
    const remaking = this.#ensure(name).then((leaders) => {
      this.#update(topic, name, leaders);
      this.#sender.moved();
    });
    this.#preparing.set(name, remaking);
    try {
      await remaking;
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      // Whoever deleted it may be about to make it; the records wait as for any other reason.
      if ((error as IcestreamError).code !== 'kafka.topic-missing')
        this.#sender.fail(asIcestreamError(error));
    } finally {
      this.#preparing.delete(name);
    }
  }

  /** A partition that is new takes part from now on; one that is gone keeps waiting for a leader. */
  #update(topic: Topic, name: string, leaders: Leaders): void {
    for (const [index, leader] of leaders.entries()) {
      const known = topic.partitions[index];
      if (known === undefined) topic.partitions.push(new PartitionQueue(name, index, leader));
      else known.moveTo(leader);
    }
  }
}

interface Topic {
  readonly partitions: PartitionQueue[];
  /** Where records without a key go until its batch is sent. */
  sticky: PartitionQueue | null;
}

/** Requests for metadata come at most so often. */
const REFRESH_REST_MS = 100;
const KEEP_BUFFERS_BYTES = 8 * 1024 * 1024;
/** Java's size counts the batch's header and the most that a record's own numbers may take. */
const SIZE_SLACK = 96;

async function firstIdentity(
  brokers: Brokers,
  options: ProducerOptions,
  transactions: Transactions | null,
  signal: AbortSignal,
): Promise<Identity> {
  if (transactions !== null) return await transactions.init(null, signal);
  if (options.idempotent) return await plainIdentity(brokers, options, signal);
  await whileUnreachable(options.log, signal, () => brokers.any(signal));
  return NOBODY;
}

function partitionFor(topic: Topic, key: Uint8Array | null): PartitionQueue {
  const { partitions } = topic;
  return key === null ? stickyOf(topic) : partitions[partitionOfKey(key, partitions.length)]!;
}

function partitionAt({ partitions }: Topic, topic: string, chosen: number): PartitionQueue {
  const partition = partitions[chosen];
  if (partition !== undefined) return partition;
  throw new IcestreamError('kafka.record-refused', `the topic ${topic} has no partition ${chosen}`, {
    context: { topic, partition: chosen, partitions: partitions.length },
  });
}

function stickyOf(topic: Topic): PartitionQueue {
  if (topic.sticky?.builder) return topic.sticky;
  const { partitions } = topic;
  return (topic.sticky = partitions[Math.floor(Math.random() * partitions.length)]!);
}
