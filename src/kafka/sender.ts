import { asIcestreamError, IcestreamError } from '../base/errors.ts';
import type { BatchBuffers } from './batch-buffers.ts';
import { BatchCodec } from './batch-codec.ts';
import { errorName, isOfRecords, isPassing, KafkaError, refusal } from './broker-error.ts';
import { type Broker, isUnreachable } from './brokers.ts';
import type { ConstantBytes } from './crc.ts';
import { Lane } from './lane.ts';
import type { Batch, Identity, PartitionQueue } from './partition-queue.ts';
import { Pending } from './pending.ts';
import type { PartitionAnswer } from './produce-request.ts';
import type { ProducerOptions } from './producer-options.ts';
import { HEADER_BYTES, type RawBatch, RecordBatchBuilder } from './record-batch.ts';
import { backOffMs } from './wait.ts';

/** What the sender needs of the producer around it. */
export interface SenderContext {
  readonly options: ProducerOptions;
  readonly buffers: BatchBuffers;
  connect(nodeId: number): Promise<Broker>;
  /** Asks for the topics' leaders anew; the sender is told of them by `moved`. */
  refresh(): void;
  /** Whether a partition may be written to; where it may not yet, `resume` is called once it may. */
  admits(partition: PartitionQueue): boolean;
  /** A new identity, when the brokers have lost track of the old one's numbers. */
  renew(): Promise<Identity>;
  /** All partitions that were ever written to. */
  partitions(): Iterable<PartitionQueue>;
}

/**
 * Gathers records into batches and brings each to its partition's leader, in order and once: a lane for each broker, one
 * batch of a partition in a request, several requests on their way. Failures that pass are retried with the same sequence
 * numbers, by which the broker recognises what it has already; any other ends the sender, because the records after a
 * lost one must not be written.
 */
export class Sender {
  readonly pending: Pending;
  identity: Identity;
  readonly #context: SenderContext;
  readonly #options: ProducerOptions;
  readonly #codec: BatchCodec;
  readonly #lanes = new Map<number, Lane>();
  #failure: IcestreamError | null = null;
  /** Nothing is sent meanwhile: a new identity is awaited, or the end of what is on its way. */
  #held = false;
  #renewing = false;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(context: SenderContext, identity: Identity) {
    const { options, buffers } = context;
    this.#context = context;
    this.#options = options;
    this.identity = identity;
    this.pending = new Pending(options.bufferBytes);
    this.#codec = new BatchCodec(options.compression, options.zstdLevel, buffers);
  }

  get failure(): IcestreamError | null {
    return this.#failure;
  }

  /** @throws IcestreamError what failed before */
  append(
    partition: PartitionQueue,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Uint8Array,
    timestampMs: number,
    bound: number,
    head: ConstantBytes | null,
  ): void {
    if (this.#failure !== null) throw this.#failure;
    let { builder } = partition;
    if (builder !== null && builder.byteLength + bound > this.#options.batchBytes) {
      this.#seal(partition);
      this.#laneOf(partition).drain();
      builder = partition.builder;
    }
    if (builder === null) {
      const expected = Math.max(partition.expectedBytes, HEADER_BYTES + bound);
      builder = partition.builder = new RecordBatchBuilder(
        this.#context.buffers,
        expected,
        this.#options.compression !== 'none',
      );
      partition.builderSinceMs = performance.now();
      this.#laneOf(partition).add(partition);
    }
    const before = builder.count === 0 ? 0 : builder.byteLength;
    builder.append(key, value, headers, timestampMs, head);
    this.pending.grow(builder.byteLength - before);
  }

  /** Waits until everything appended before is acknowledged. */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    for (const lane of this.#lanes.values()) {
      for (const partition of lane.partitions) if (partition.builder !== null) this.#seal(partition);
      lane.schedule();
    }
    await this.pending.flushed(signal);
  }

  /** Something that held work back may have gone. */
  resume(): void {
    for (const lane of this.#lanes.values()) lane.schedule();
  }

  /** Partitions have other leaders now. */
  moved(): void {
    for (const lane of [...this.#lanes.values()]) {
      for (const partition of [...lane.partitions]) {
        if (partition.leader === lane.nodeId) continue;
        lane.remove(partition);
        this.#laneOf(partition).add(partition);
      }
      lane.schedule();
    }
  }

  /** Forgets all that is not acknowledged; resolves when nothing is on its way any more. Sends nothing until `restart`. */
  async discard(): Promise<void> {
    this.#held = true;
    if (this.#inFlight > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
    for (const partition of this.#context.partitions()) {
      for (const batch of partition.clear()) {
        batch.heldBytes = 0;
        if (batch.bytes !== null) this.#codec.release(batch);
      }
    }
    this.pending.fail(new IcestreamError('kafka.transaction', 'the transaction was aborted'));
  }

  /** Goes on with another identity, under which every partition is numbered from 0. */
  restart(identity: Identity): void {
    this.identity = identity;
    this.#failure = null;
    this.#held = false;
    for (const lane of this.#lanes.values()) lane.stop();
    this.#lanes.clear();
    for (const partition of this.#context.partitions()) {
      partition.renumber();
      if (partition.hasWork) this.#laneOf(partition).add(partition);
    }
  }

  /** Ends the sender: all who wait get the error. */
  fail(error: IcestreamError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const lane of this.#lanes.values()) lane.stop();
    this.pending.fail(error);
  }

  #laneOf(partition: PartitionQueue): Lane {
    let lane = this.#lanes.get(partition.leader);
    if (lane === undefined) {
      lane = new Lane(partition.leader, this.#options, {
        connect: (nodeId) => this.#context.connect(nodeId),
        take: (it, nowMs, idle) => this.#take(it, nowMs, idle),
        sent: () => void this.#inFlight++,
        answered: (batches, error, answers) => this.#answered(batches, error, answers),
        unreachable: (partitions, error) => this.#unreachable(partitions, error),
        isHeld: () => this.#held || this.#failure !== null,
      });
      this.#lanes.set(partition.leader, lane);
    }
    return lane;
  }

  /** The batch of a partition that can go now, ready for the wire, or when to ask again (Infinity: something will say). */
  #take(partition: PartitionQueue, nowMs: number, idle: boolean): Batch | number {
    const mustWait = partition.recovering || !partition.established;
    if (mustWait && partition.inFlight.length > 0) return Number.POSITIVE_INFINITY;
    if (partition.notBeforeMs > nowMs) return partition.notBeforeMs;
    if (partition.waiting.length === 0) {
      const due = partition.builderSinceMs + this.#options.lingerMs;
      if (!idle && due > nowMs && !this.pending.isAwaited) return due;
      this.#seal(partition);
    }
    const batch = partition.waiting[0]!;
    if (batch.bytes === null || !this.#context.admits(partition)) return Number.POSITIVE_INFINITY;
    this.#codec.address(batch, this.identity, this.#options.transactionalId !== null);
    partition.waiting.shift();
    partition.inFlight.push(batch);
    return batch;
  }

  #seal(partition: PartitionQueue): void {
    const raw = partition.builder!.finish();
    partition.builder = null;
    partition.expectedBytes = Math.min(raw.length, this.#options.batchBytes);
    const batch = this.#batch(partition, raw, partition.builderSinceMs, this.pending.batchSealed());
    partition.enqueue(batch);
    this.#pack(batch);
  }

  #batch(partition: PartitionQueue, raw: RawBatch, sinceMs: number, generation: number): Batch {
    return {
      ...{ partition, raw, sinceMs, generation, before: 0, heldBytes: raw.length },
      ...{ bytes: null, writtenFor: null, attempts: 0 },
    };
  }

  #pack(batch: Batch): void {
    const packed = this.#codec.pack(batch.raw);
    if (!(packed instanceof Promise)) {
      this.#packed(batch, packed);
      return;
    }
    packed.then(
      (bytes) => {
        this.#packed(batch, bytes);
        this.#laneOf(batch.partition).schedule();
      },
      (error) => this.fail(asIcestreamError(error)),
    );
  }

  #packed(batch: Batch, bytes: Buffer): void {
    if (batch.heldBytes === 0) return; // It was discarded meanwhile.
    batch.bytes = bytes;
    this.pending.shrink(batch.heldBytes - bytes.length);
    batch.heldBytes = bytes.length;
  }

  #answered(
    batches: readonly Batch[],
    error: IcestreamError | null,
    answers: readonly PartitionAnswer[],
  ): void {
    this.#inFlight--;
    if (error !== null && !isUnreachable(error)) this.fail(error);
    if (error !== null) this.#context.refresh();
    for (const batch of this.#failure === null ? batches : []) {
      const { partition } = batch;
      partition.settle(batch);
      const answer = answers.find((it) => it.partition === partition.index && it.topic === partition.topic);
      if (error !== null || answer === undefined) this.#retry(batch, error ?? missing(partition), true);
      else this.#settle(batch, answer);
      if (partition.hasWork) this.#laneOf(partition).add(partition);
    }
    if (this.#inFlight > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
    if (this.#renewing) void this.#renew();
  }

  #settle(batch: Batch, { errorCode, message, topic, partition }: PartitionAnswer): void {
    if (errorCode === KafkaError.none || errorCode === KafkaError.duplicateSequence) {
      batch.partition.established = true;
      this.#settled(batch);
      return;
    }
    const lostTrack =
      errorCode === KafkaError.outOfOrderSequence || errorCode === KafkaError.unknownProducerId;
    const wasRenumbered = batch.writtenFor === null;
    if (errorCode === KafkaError.outOfOrderSequence && (wasRenumbered || !batch.partition.isFirst(batch))) {
      // An earlier batch came back or was left out, and this one came back with it.
      this.#retry(batch, refusal(errorCode, message, { topic, partition }), false);
    } else if (lostTrack || errorCode === KafkaError.invalidProducerEpoch) {
      if (this.#options.transactionalId !== null) this.#lost(errorCode, batch);
      else this.#startRenewal(batch, errorCode);
    } else if (isPassing(errorCode)) {
      // A topic that was made anew knows nothing of us.
      if (errorCode === KafkaError.unknownTopicOrPartition) batch.partition.established = false;
      this.#context.refresh();
      this.#retry(batch, refusal(errorCode, message, { topic, partition }), true);
    } else if (isTooLarge(errorCode) && batch.raw.count > 1) {
      this.#split(batch);
    } else {
      const operation = errorCode === KafkaError.topicAuthorizationFailed ? { operation: 'Write' } : {};
      this.#refused(batch, errorCode, refusal(errorCode, message, { ...operation, topic, partition }));
    }
  }

  /** Of several records that are refused as records some may pass; those of a topic that may not be written to are one. */
  #refused(batch: Batch, errorCode: number, error: IcestreamError): void {
    const { onRefused, transactionalId } = this.#options;
    const { partition, raw } = batch;
    const isTolerable = onRefused !== null && transactionalId === null && isOfRecords(errorCode);
    if (isTolerable && raw.count > 1 && error.code === 'kafka.record-refused') {
      this.#split(batch);
      return;
    }
    if (!isTolerable || !onRefused(partition.topic, raw.count, error)) {
      this.fail(error);
      return;
    }
    partition.leaveOut(batch);
    this.#settled(batch);
  }

  #settled(batch: Batch): void {
    this.#codec.release(batch);
    this.pending.shrink(batch.heldBytes);
    this.pending.batchSettled(batch.generation);
  }

  #retry(batch: Batch, reason: IcestreamError, wait: boolean): void {
    const { partition } = batch;
    batch.attempts++;
    partition.putBack(batch);
    if (wait) partition.notBeforeMs = performance.now() + backOffMs(batch.attempts);
    if (batch.attempts === LOUD_ATTEMPTS) {
      const { topic, index } = partition;
      this.#options.log.warn(
        { error: reason, topic, partition: index },
        'kafka records are not taken, trying on',
      );
    }
    this.#checkDeadline(batch, reason);
  }

  #unreachable(partitions: Iterable<PartitionQueue>, error: IcestreamError): void {
    if (!isUnreachable(error)) {
      this.fail(error);
      return;
    }
    this.#context.refresh();
    for (const partition of partitions) this.#checkDeadline(partition.waiting[0], error);
  }

  #checkDeadline(batch: Batch | undefined, reason: IcestreamError): void {
    const limit = this.#options.deliveryTimeoutMs;
    if (batch === undefined || performance.now() - batch.sinceMs <= limit) return;
    const { topic, index } = batch.partition;
    const text = `records for ${topic}, partition ${index}, were not taken within ${limit} ms: ${reason.message}`;
    this.fail(
      new IcestreamError('kafka.not-delivered', text, {
        cause: reason,
        context: { topic, partition: index },
      }),
    );
  }

  #split(batch: Batch): void {
    const { partition, sinceMs, generation } = batch;
    const [first, second] = this.#codec.halve(batch);
    const parts = [first, second].map((raw) => this.#batch(partition, raw, sinceMs, generation));
    parts[0]!.before = batch.before;
    parts[1]!.before = batch.before + first.count;
    this.#codec.release(batch);
    this.pending.shrink(batch.heldBytes);
    this.pending.batchSplit(generation, parts.length);
    for (const part of parts) {
      this.pending.grow(part.heldBytes);
      partition.putBack(part);
      this.#pack(part);
    }
    partition.expectedBytes = first.length;
  }

  /**
   * In a transaction the brokers' having lost track is the transaction's end. So is an epoch that is no longer valid: the
   * transaction outlived its time, or another producer took over, which the next `init` tells apart.
   */
  #lost(errorCode: number, batch: Batch): void {
    const { topic, index } = batch.partition;
    const context = { topic, partition: index };
    this.fail(
      new IcestreamError('kafka.transaction', refusal(errorCode, null, context).message, { context }),
    );
  }

  /**
   * Without transactions a new identity lets the records pass whose numbers the broker no longer accepts, because it lost
   * them or its memory of them. Only what was appended but not acknowledged can then be there twice.
   */
  #startRenewal(batch: Batch, errorCode: number): void {
    const { topic, index } = batch.partition;
    batch.partition.putBack(batch);
    if (!this.#renewing) {
      const facts = { topic, partition: index, reason: errorName(errorCode) };
      this.#options.log.warn(facts, 'kafka lost track of the producer, which goes on under a new id');
    }
    this.#renewing = true;
    this.#held = true;
  }

  async #renew(): Promise<void> {
    try {
      const identity = await this.#context.renew();
      if (this.#failure !== null) return;
      this.#renewing = false;
      this.restart(identity);
    } catch (error) {
      this.fail(asIcestreamError(error));
    }
  }
}

/** The first failures are ordinary while a leader changes. */
const LOUD_ATTEMPTS = 5;

function isTooLarge(errorCode: number): boolean {
  return errorCode === KafkaError.messageTooLarge || errorCode === KafkaError.recordListTooLarge;
}

function missing(partition: PartitionQueue): IcestreamError {
  const { topic, index } = partition;
  const text = `the broker did not answer for ${topic}, partition ${index}`;
  return new IcestreamError('kafka.protocol', text, { context: { topic, partition: index } });
}
