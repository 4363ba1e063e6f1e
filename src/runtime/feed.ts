import type { ChangeBatch } from '../record/batch.ts';
import type { Backlog } from './backlog.ts';
import type { Lane } from './lane.ts';

/** Batches from the one reader to one lane: with a backlog at the lane's own pace, without one at once. */
export class Feed {
  readonly #lane: Lane;
  readonly #backlog: Backlog | null;
  readonly #running: Promise<void>;

  constructor(lane: Lane, backlog: Backlog | null, onError: (error: unknown) => void) {
    this.#lane = lane;
    this.#backlog = backlog;
    this.#running = backlog === null ? Promise.resolve() : this.#run(backlog).catch(onError);
  }

  /** Resolves when the next batch may come; this one may be let go then. */
  async take(batch: ChangeBatch, signal: AbortSignal): Promise<void> {
    if (this.#backlog === null) await this.#lane.write(batch);
    else await this.#backlog.push(batch, signal);
  }

  /** Everything that was taken is durable. Rejects when `signal` aborts before. */
  async flushed(signal: AbortSignal): Promise<void> {
    const backlog = this.#backlog;
    while (backlog !== null && !backlog.isEmpty) {
      signal.throwIfAborted();
      await backlog.changed(signal);
    }
    await this.#lane.flush();
  }

  /** No more will come. `all`: also what waits on disk is written; it would be read again. */
  async end(all: boolean, signal: AbortSignal): Promise<void> {
    await this.#backlog?.end(all);
    await this.flushed(signal);
  }

  async close(): Promise<void> {
    await this.#backlog?.close();
  }

  /** After the sink was closed, which ends a write that waits. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(backlog: Backlog): Promise<void> {
    for (;;) {
      const batch = await backlog.next();
      if (batch === null) return;
      await this.#lane.write(batch);
      backlog.done(batch);
    }
  }
}
