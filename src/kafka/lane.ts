import { asIcestreamError, IcestreamError } from '../base/errors.ts';
import type { Broker } from './brokers.ts';
import type { Batch, PartitionQueue } from './partition-queue.ts';
import {
  type PartitionAnswer,
  PRODUCE_KEY,
  PRODUCE_VERSIONS,
  readProduce,
  writeProduce,
} from './produce-request.ts';
import type { ProducerOptions } from './producer-options.ts';
import { backOffMs } from './wait.ts';

export interface LaneContext {
  connect(nodeId: number): Promise<Broker>;
  /** The next batch of a partition, or the time at which there may be one. `idle`: no request is on its way. */
  take(partition: PartitionQueue, nowMs: number, idle: boolean): Batch | number;
  sent(): void;
  answered(
    batches: readonly Batch[],
    error: IcestreamError | null,
    answers: readonly PartitionAnswer[],
  ): void;
  /** The broker of these partitions cannot be reached, for now. */
  unreachable(partitions: Iterable<PartitionQueue>, error: IcestreamError): void;
  isHeld(): boolean;
}

/** The way to one broker: the partitions it leads that have something to send, and the requests on their way to it. */
export class Lane {
  readonly nodeId: number;
  /** Those with work, the one served longest ago first. */
  readonly partitions = new Set<PartitionQueue>();
  readonly #options: ProducerOptions;
  readonly #context: LaneContext;
  #broker: Broker | null = null;
  #opening = false;
  #failures = 0;
  #inFlight = 0;
  #scheduled = false;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(nodeId: number, options: ProducerOptions, context: LaneContext) {
    this.nodeId = nodeId;
    this.#options = options;
    this.#context = context;
  }

  add(partition: PartitionQueue): void {
    this.partitions.add(partition);
    this.schedule();
  }

  remove(partition: PartitionQueue): void {
    this.partitions.delete(partition);
  }

  /** Sends what can be sent once the running code has had its turn: what it appends still comes along. */
  schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.drain();
    });
  }

  /** Sends what can be sent. */
  drain(): void {
    if (this.#stopped || this.partitions.size === 0 || this.#context.isHeld()) return;
    if (this.#broker === null || !this.#broker.isConnected) {
      if (!this.#opening) void this.#open();
      return;
    }
    let wakeAtMs = Number.POSITIVE_INFINITY;
    while (this.#inFlight < this.#options.maxInFlight) {
      const { batches, nextAtMs } = this.#gather();
      wakeAtMs = nextAtMs;
      if (batches.length === 0) break;
      this.#send(this.#broker, batches);
    }
    this.#wakeAt(wakeAtMs);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Connects to the broker; when that fails the leaders may be others now, and after a while it is tried again. */
  async #open(): Promise<void> {
    this.#opening = true;
    let waitMs = 0;
    try {
      this.#broker = await this.#context.connect(this.nodeId);
      this.#failures = 0;
    } catch (error) {
      if (this.#stopped) return;
      waitMs = backOffMs(++this.#failures);
      this.#context.unreachable(this.partitions, asIcestreamError(error));
    }
    setTimeout(() => {
      this.#opening = false;
      this.drain();
    }, waitMs);
  }

  /** At most one batch of each partition, together no larger than a request may be. */
  #gather(): { batches: Batch[]; nextAtMs: number } {
    const nowMs = performance.now();
    const batches: Batch[] = [];
    const served: PartitionQueue[] = [];
    let nextAtMs = Number.POSITIVE_INFINITY;
    let bytes = 0;
    for (const partition of this.partitions) {
      if (!partition.hasWork) {
        this.partitions.delete(partition);
        continue;
      }
      const head = partition.waiting[0];
      const size = head?.bytes?.length ?? partition.builder?.byteLength ?? 0;
      if (batches.length > 0 && bytes + size > this.#options.maxRequestBytes) continue;
      const next = this.#context.take(partition, nowMs, this.#inFlight === 0);
      if (typeof next === 'number') {
        nextAtMs = Math.min(nextAtMs, next);
        continue;
      }
      bytes += next.bytes!.length;
      batches.push(next);
      served.push(partition);
    }
    for (const partition of served) {
      this.partitions.delete(partition);
      if (partition.hasWork) this.partitions.add(partition);
    }
    return { batches, nextAtMs };
  }

  #send(broker: Broker, batches: readonly Batch[]): void {
    const version = PRODUCE_VERSIONS.find((it) => broker.speaks(PRODUCE_KEY, it));
    if (version === undefined) {
      const error = new IcestreamError('kafka.protocol', `${broker.address} speaks no known produce request`);
      this.#context.answered(batches, error, []);
      return;
    }
    const { transactionalId, requestTimeoutMs } = this.#options;
    const records = batches.map(({ partition, bytes }) => {
      return { topic: partition.topic, partition: partition.index, records: bytes! };
    });
    this.#inFlight++;
    this.#context.sent();
    broker.send(
      PRODUCE_KEY,
      version,
      writeProduce(transactionalId, requestTimeoutMs, records),
      (reader) => readProduce(reader, version),
      (error, answers) => {
        this.#inFlight--;
        if (error !== null && this.#broker === broker) this.#broker = null;
        this.#context.answered(batches, error, answers ?? []);
        this.drain();
      },
    );
  }

  #wakeAt(atMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.drain(), Math.max(1, atMs - performance.now()));
  }
}
