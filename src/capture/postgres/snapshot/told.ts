import type { Lease } from '../../../record/batch.ts';

/** A sink that takes nothing does not hold the failure of a task up for longer. */
const WAIT_MS = 10_000;

/**
 * The lease of a batch that says why no more will come: whoever ends with it waits until all sinks have taken it in, which
 * they would not do any more behind an error.
 */
export class Told implements Lease {
  readonly #signal: AbortSignal;
  readonly #released = Promise.withResolvers<void>();
  #holds = 1;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  hold(): void {
    this.#holds++;
  }

  release(): void {
    if (--this.#holds === 0) this.#released.resolve();
  }

  /** Resolves when nobody holds the batch any more, after a while in any case, and at once when `signal` aborts. */
  async accepted(): Promise<void> {
    const { promise, resolve } = this.#released;
    if (this.#signal.aborted) return;
    const end = () => resolve();
    const timer = setTimeout(end, WAIT_MS);
    this.#signal.addEventListener('abort', end, { once: true });
    await promise;
    clearTimeout(timer);
    this.#signal.removeEventListener('abort', end);
  }
}
