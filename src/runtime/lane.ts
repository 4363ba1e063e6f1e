import type { ChangeBatch } from '../record/batch.ts';
import type { Offset } from '../record/offset.ts';
import type { CommitPolicy, Sink } from '../sink/sink.ts';
import { unseen } from './replay.ts';

/**
 * One sink's side of a pipeline: when it commits, and how far it is durable. At most one commit runs while the next
 * micro-batch fills; a commit starts only between batches, at a transaction's end.
 */
export class Lane {
  readonly sink: Sink;
  readonly #policy: CommitPolicy;
  readonly #signal: AbortSignal;
  readonly #onDurable: (isNew: boolean) => void;
  readonly #onError: (error: unknown) => void;
  durable: Offset | null;
  readonly #caughtUp = Promise.withResolvers<void>();
  /** Where the sink was when the reading began further back: what it has is not written again. */
  #ahead: Offset | null = null;
  /** The end of what was written, null within a transaction. */
  #boundary: Offset | null = null;
  #committed: Offset | null = null;
  #writing = false;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastStartMs = 0;

  /** `onDurable` is told whether the sink has more than before. */
  constructor(
    sink: Sink,
    policy: CommitPolicy,
    durable: Offset | null,
    signal: AbortSignal,
    onDurable: (isNew: boolean) => void,
    onError: (error: unknown) => void,
  ) {
    this.sink = sink;
    this.durable = durable;
    this.#policy = policy;
    this.#signal = signal;
    this.#onDurable = onDurable;
    this.#onError = onError;
  }

  /** The source reads from `from`, which may be behind this sink. */
  readsFrom(from: Offset | null): void {
    const { durable } = this;
    this.#ahead = from === null || from === durable ? null : durable;
    if (this.#ahead === null) this.#caughtUp.resolve();
  }

  /** Resolves when the reading has passed where this sink was when it began. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  async write(given: ChangeBatch): Promise<void> {
    const batch = this.#ahead === null ? given : this.#unseen(given, this.#ahead);
    if (batch === null) return;
    if (this.#boundary !== null && this.sink.needsCommitBefore(batch)) {
      await this.#running;
      await this.#commit(this.#boundary);
    }
    this.#writing = true;
    try {
      await this.sink.write(batch);
    } finally {
      this.#writing = false;
    }
    this.#boundary = batch.offset;
    if (this.#boundary === null) return;
    this.#startOrArm();
  }

  /** What of a batch is new to this sink, and the offset that is its own after it; null: nothing. */
  #unseen(given: ChangeBatch, held: Offset): ChangeBatch | null {
    const batch = unseen(given, held);
    if (given.offset === null) return batch;
    const offset = held.onward(given.offset);
    if (offset === given.offset) {
      this.#ahead = null;
      this.#caughtUp.resolve();
    } else if (offset === held && batch.rowCount + batch.tableMarks.length === 0) return null;
    return offset === given.offset ? batch : { ...batch, offset };
  }

  /** Commits what is at a boundary and waits until that is durable. */
  async flush(): Promise<void> {
    await this.#running;
    if (this.#boundary !== null && this.#boundary !== this.#committed) await this.#commit(this.#boundary);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Resolves when no commit runs any more. */
  async settled(): Promise<void> {
    this.stop();
    await this.#running;
  }

  #startOrArm(): void {
    const { bytes, rows, full } = this.sink.pending;
    const enough = full || bytes >= this.#policy.bytes || rows >= this.#policy.rows;
    if (enough || this.#dueInMs() <= 0) this.#start();
    else this.#arm();
  }

  #dueInMs(): number {
    return this.#lastStartMs + this.#policy.intervalMs - Date.now();
  }

  #arm(): void {
    if (this.#timer !== null || this.#boundary === this.#committed) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#start();
      },
      Math.max(0, this.#dueInMs()),
    );
  }

  /** Starts a commit unless one runs, a batch is being written, or there is nothing to commit: then it comes later. */
  #start(): void {
    if (this.#running !== null || this.#writing || this.#signal.aborted) return;
    if (this.#boundary === null || this.#boundary === this.#committed) return;
    this.stop();
    this.#running = this.#commit(this.#boundary)
      .catch(this.#onError)
      .finally(() => {
        this.#running = null;
        if (!this.#signal.aborted) this.#startOrArm();
      });
  }

  async #commit(offset: Offset): Promise<void> {
    this.#lastStartMs = Date.now();
    this.#committed = offset;
    const durable = await this.sink.commit(offset, this.#signal);
    // A sink may hold progress without data back for a while; it is offered again when the interval has passed.
    if (durable.compare(offset) < 0 && this.#committed === offset) this.#committed = null;
    const isNew = this.durable === null || durable.compare(this.durable) > 0;
    this.durable = durable;
    this.#onDurable(isNew);
  }
}
