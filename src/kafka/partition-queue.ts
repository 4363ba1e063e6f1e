import type { RawBatch, RecordBatchBuilder } from './record-batch.ts';

/** Who a producer is to the brokers; batches are numbered from 0 for each identity and partition. */
export interface Identity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** A sealed batch on its way from a partition's queue to the broker's acknowledgement. */
export interface Batch {
  readonly partition: PartitionQueue;
  readonly raw: RawBatch;
  readonly sinceMs: number;
  /** Which flushes wait for it. */
  readonly generation: number;
  /** Records of this partition before it, since the identity began: the sequence number before it wraps. */
  before: number;
  /** The whole batch, its header too once `writtenFor` is set; null while the records are being compressed. */
  bytes: Buffer | null;
  writtenFor: Identity | null;
  /** What it counts in the producer's pending bytes. */
  heldBytes: number;
  attempts: number;
}

/** What waits for and is on its way to one partition, in order. */
export class PartitionQueue {
  readonly topic: string;
  readonly index: number;
  /** Node id; -1 while there is none. */
  leader: number;
  builder: RecordBatchBuilder | null = null;
  /** When the builder's first record came. */
  builderSinceMs = 0;
  /** How large its batches become, for the next one's buffer. */
  expectedBytes = 0;
  readonly waiting: Batch[] = [];
  readonly inFlight: Batch[] = [];
  /**
   * Set when a batch came back: until the later ones that were sent after it have come back too nothing is sent, or they
   * would overtake it.
   */
  recovering = false;
  notBeforeMs = 0;
  /**
   * Whether the broker has a batch of this identity. Until then it takes any sequence number for the first: were that not
   * ours, because the leader was not ready for our first batch but was for the second, the first could not follow.
   */
  established = false;
  #sealedRecords = 0;

  constructor(topic: string, index: number, leader: number) {
    this.topic = topic;
    this.index = index;
    this.leader = leader;
  }

  get hasWork(): boolean {
    return this.waiting.length > 0 || this.builder !== null;
  }

  /** What is on its way to the old leader must come back before anything goes to the new one. */
  moveTo(leader: number): void {
    if (leader === this.leader) return;
    this.leader = leader;
    this.recovering = this.inFlight.length > 0;
  }

  /** Forgets everything that is not acknowledged. */
  clear(): Batch[] {
    this.builder = null;
    this.recovering = false;
    this.notBeforeMs = 0;
    return [...this.inFlight.splice(0), ...this.waiting.splice(0)];
  }

  /** Appends a batch that was just sealed. */
  enqueue(batch: Batch): void {
    batch.before = this.#sealedRecords;
    this.#sealedRecords += batch.raw.count;
    this.waiting.push(batch);
  }

  /** Takes a batch that was in flight back to its place among those that wait. */
  putBack(batch: Batch): void {
    this.recovering = this.inFlight.length > 0;
    const later = this.waiting.findIndex((it) => it.before > batch.before);
    this.waiting.splice(later < 0 ? this.waiting.length : later, 0, batch);
  }

  /** Whether no batch before this one is still to be acknowledged. */
  isFirst(batch: Batch): boolean {
    const earlier = (it: Batch) => it.before < batch.before;
    return !this.waiting.some(earlier) && !this.inFlight.some(earlier);
  }

  /**
   * Leaves a refused batch out of the numbering: to the broker those behind it come next. What of them is on its way has the
   * old numbers and comes back refused, so nothing is sent until then.
   */
  leaveOut(batch: Batch): void {
    for (const it of [...this.waiting, ...this.inFlight]) {
      if (it.before < batch.before) continue;
      it.before -= batch.raw.count;
      it.writtenFor = null;
    }
    this.#sealedRecords -= batch.raw.count;
    this.recovering = this.inFlight.length > 0;
  }

  settle(batch: Batch): void {
    const at = this.inFlight.indexOf(batch);
    this.inFlight.splice(at, 1);
    if (this.inFlight.length === 0) this.recovering = false;
  }

  /** Numbers what waits from 0, for a new identity; nothing is in flight. */
  renumber(): void {
    this.#sealedRecords = 0;
    this.established = false;
    for (const batch of this.waiting) {
      batch.before = this.#sealedRecords;
      this.#sealedRecords += batch.raw.count;
    }
  }
}

/** Sequence numbers are int32 and start at 0 again after 2^31 - 1. */
export function sequenceOf(batch: Batch): number {
  return batch.before % 2 ** 31;
}
