import { batchMemory, type ChangeBatch, type TransactionMark } from '../record/batch.ts';
import type { BatchSpool } from './batch-spool.ts';

export interface BacklogOptions {
  /** Of batches in memory. One batch always fits. */
  readonly memoryBytes: number;
  /** How long a full memory is waited for: a sink that goes on slows the others down, one that does not is set aside. */
  readonly graceMs: number;
  readonly spool: BatchSpool;
  /** Of batches on disk; beyond it whoever pushes waits. */
  readonly spoolBytesMax: number;
  readonly onState: (state: BacklogState) => void;
}

export interface BacklogState {
  readonly spooledBytes: number;
  /** Everything waits for this one sink. */
  readonly stalls: boolean;
}

/**
 * Batches on their way to one of several sinks (S-1): a few in memory, and when the sink takes none of them for a while, the
 * rest on disk, so that the others go on. Back to memory when all of that has been read, at a transaction's end: within
 * one, marks are told apart by identity.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  readonly #queue: ChangeBatch[] = [];
  #bytes = 0;
  #isSpooling = false;
  /** The last batch pushed ends a transaction. */
  #isBoundary = true;
  #ended = false;
  /** Handed out, or about to be, and not taken in. */
  #inHand = false;
  /** What of `#bytes` that is: nothing where it comes from disk. */
  #inHandBytes = 0;
  #last: TransactionMark | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return !this.#inHand && this.#queue.length === 0 && this.#options.spool.bytes === 0;
  }

  /** Takes the batch, which may be let go then; when `signal` aborts, it may not have been taken. */
  async push(batch: ChangeBatch, signal: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    if (this.#isSpooling && spool.bytes === 0 && this.#isBoundary) this.#isSpooling = false;
    this.#isSpooling ||= !(await this.#roomInMemory(batch, signal));
    if (this.#isSpooling) await this.#roomOnDisk(signal);
    if (signal.aborted) return;
    this.#isBoundary = batch.offset !== null;
    if (!this.#isSpooling) {
      batch.lease.hold();
      this.#queue.push(batch);
      this.#bytes += batchMemory(batch);
    } else {
      await spool.write(batch);
      this.#report(false);
    }
    this.#wake();
  }

  /** The oldest batch, to be let go by whoever takes it; null when no more will come. */
  async next(): Promise<ChangeBatch | null> {
    for (;;) {
      const { promise } = this.#changed;
      this.#inHand = !this.isEmpty;
      const queued = this.#queue.shift();
      this.#inHandBytes = queued === undefined ? 0 : batchMemory(queued);
      const batch = queued ?? (await this.#spooled());
      if (batch !== null) {
        this.#last = batch.transactions.at(-1) ?? this.#last;
        return batch;
      }
      this.#inHand = false;
      if (this.#ended) return null;
      await promise;
    }
  }

  /** What `next` gave has been taken in. */
  done(batch: ChangeBatch): void {
    this.#bytes -= this.#inHandBytes;
    batch.lease.release();
    this.#inHand = false;
    this.#wake();
  }

  /** No more will come. What is on disk is dropped, unless all of it is wanted: it is read from the source again. */
  async end(all: boolean): Promise<void> {
    this.#ended = true;
    if (!all) await this.#options.spool.close();
    this.#wake();
  }

  async close(): Promise<void> {
    this.#ended = true;
    for (const batch of this.#queue.splice(0)) batch.lease.release();
    await this.#options.spool.close();
    this.#wake();
  }

  /** Resolves at the next change of anything, or when `signal` aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    const { promise } = this.#changed;
    if (signal.aborted) return;
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await Promise.race([promise, aborted]);
    signal.removeEventListener('abort', onAbort);
  }

  async #spooled(): Promise<ChangeBatch | null> {
    const { spool } = this.#options;
    if (spool.bytes === 0) return null;
    const batch = await spool.read(this.#last);
    this.#report(false);
    this.#wake();
    return batch;
  }

  async #roomInMemory(batch: ChangeBatch, signal: AbortSignal): Promise<boolean> {
    const { memoryBytes, graceMs } = this.#options;
    const fits = () => this.#bytes === 0 || this.#bytes + batchMemory(batch) <= memoryBytes;
    if (fits()) return true;
    const grace = AbortSignal.any([signal, AbortSignal.timeout(graceMs)]);
    while (!fits() && !grace.aborted) await this.changed(grace);
    return fits();
  }

  async #roomOnDisk(signal: AbortSignal): Promise<void> {
    const { spool, spoolBytesMax } = this.#options;
    while (spool.bytes >= spoolBytesMax && !signal.aborted) {
      this.#report(true);
      await this.changed(signal);
    }
  }

  #report(stalls: boolean): void {
    this.#options.onState({ spooledBytes: this.#options.spool.bytes, stalls });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
