import { batchMemory, type ChangeBatch } from '../../../record/batch.ts';

/**
 * Batches between connections that push and the one consumer that pulls, bounded in bytes. A batch that is larger than
 * the bound passes alone.
 */
export class BatchQueue {
  readonly #bytesMax: number;
  readonly #batches: ChangeBatch[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown = null;
  #beforeError: () => Promise<void> | undefined = () => undefined;
  #wakeConsumer: () => void = () => {};
  #room: PromiseWithResolvers<void> | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Null: push on. Else wait before pushing more; the batch at hand is taken in any case. */
  push(batch: ChangeBatch): Promise<void> | null {
    this.#batches.push(batch);
    this.#bytes += batchMemory(batch);
    this.#wakeConsumer();
    if (this.#bytes <= this.#bytesMax) return null;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  end(): void {
    this.#ended = true;
    this.#wakeConsumer();
  }

  /** `before`: waited for when everything else has been handed out, then the error is thrown. */
  fail(error: unknown, before: () => Promise<void> | undefined = () => undefined): void {
    if (this.#error === null) {
      this.#error = error;
      this.#beforeError = before;
    }
    this.end();
  }

  /** Nobody pulls any more: whatever comes is thrown away, and nobody waits for room. */
  discard(): void {
    this.#batches.length = 0;
    this.#bytes = Number.NEGATIVE_INFINITY;
    this.#room?.resolve();
    this.#room = null;
  }

  /** What was pushed before an error is handed out before it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ChangeBatch> {
    for (;;) {
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        this.#bytes -= batchMemory(batch);
        if (this.#room !== null && this.#bytes <= this.#bytesMax) {
          this.#room.resolve();
          this.#room = null;
        }
        yield batch;
      } else if (this.#error !== null) {
        await this.#beforeError();
        throw this.#error;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeConsumer = resolve;
        });
      }
    }
  }
}
