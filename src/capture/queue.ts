import type { TaskMetrics } from '../base/metrics.ts';
import { batchMemory, type ChangeBatch } from '../record/batch.ts';

/**
 * Finished batches between a source that is pushed to (a socket) and a sink that pulls; bounded in bytes, except that
 * a single batch always fits. One producer, one consumer.
 */
export class BatchQueue {
  readonly #bytesMax: number;
  readonly #metrics: TaskMetrics;
  /** The consumer made room or came to wait. */
  readonly #pulled: () => void;
  readonly #batches: ChangeBatch[] = [];
  #bytes = 0;
  #failure: { readonly error: unknown } | null = null;
  #wakeConsumer: (() => void) | null = null;
  #wakeProducer: (() => void) | null = null;

  constructor(bytesMax: number, metrics: TaskMetrics, pulled: () => void) {
    this.#bytesMax = bytesMax;
    this.#metrics = metrics;
    this.#pulled = pulled;
    metrics.queueBytesMax = bytesMax;
  }

  get full(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  get empty(): boolean {
    return this.#batches.length === 0;
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  push(batch: ChangeBatch): void {
    this.#batches.push(batch);
    this.#count(batchMemory(batch));
    this.#wakeConsumer?.();
  }

  /** What is queued already is handed out before the consumer sees the error. Only the first counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wakeConsumer?.();
    this.#wakeProducer?.();
  }

  /** Null when `signal` aborts. */
  async next(signal: AbortSignal): Promise<ChangeBatch | null> {
    for (;;) {
      if (signal.aborted) return null;
      if (this.#batches.length === 0 && this.#failure === null) this.#pulled();
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        this.#count(-batchMemory(batch));
        if (!this.full) this.#wakeProducer?.();
        this.#pulled();
        return batch;
      }
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
        signal.addEventListener('abort', this.#onAbort, { once: true });
      });
      signal.removeEventListener('abort', this.#onAbort);
      this.#wakeConsumer = null;
    }
  }

  /** Resolves when there is room, or nobody will read any more. */
  async room(): Promise<void> {
    while (this.full && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
      this.#wakeProducer = null;
    }
  }

  readonly #onAbort = () => this.#wakeConsumer?.();

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#metrics.queueBytes = this.#bytes;
  }
}
