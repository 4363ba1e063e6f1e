import type { ChangeBatch } from '../record/batch.ts';
import type { Backlog } from './backlog.ts';
import type { Lane } from './lane.ts';

/** Batches from the one reader to one lane: with a backlog at the lane's own pace, without one at once. */
export class Feed {
  readonly #backlog: Backlog | null;
  readonly #onError: (error: unknown) => void;
  /** Null while the sink is not open: what comes waits. */
  #lane: Lane | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(backlog: Backlog | null, onError: (error: unknown) => void) {
    this.#backlog = backlog;
    this.#onError = onError;
  }

  begin(lane: Lane): void {
    this.#lane = lane;
    const backlog = this.#backlog;
    if (backlog !== null) this.#running = this.#run(backlog, lane).catch(this.#onError);
  }

  /** Resolves when the next batch may come; this one may be let go then. */
  async take(batch: ChangeBatch, signal: AbortSignal): Promise<void> {
    if (this.#backlog === null) await this.#lane!.write(batch);
    else await this.#backlog.push(batch, signal);
  }

  /** Everything that was taken is durable, unless the sink is not open. Rejects when `signal` aborts before. */
  async flushed(signal: AbortSignal): Promise<void> {
    if (this.#lane === null) return;
    await this.#drained(signal);
    await this.#lane.flush();
  }

  /** No more will come. `all`: also what waits on disk, or for the sink to open, is written; it would be read again. */
  async end(all: boolean, signal: AbortSignal): Promise<void> {
    await this.#backlog?.end(all);
    if (all) await this.#drained(signal);
    await this.flushed(signal);
  }

  async close(): Promise<void> {
    await this.#backlog?.close();
  }

  /** After the sink was closed, which ends a write that waits. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #drained(signal: AbortSignal): Promise<void> {
    const backlog = this.#backlog;
    while (backlog !== null && !backlog.isEmpty) {
      signal.throwIfAborted();
      await backlog.changed(signal);
    }
  }

  async #run(backlog: Backlog, lane: Lane): Promise<void> {
    for (;;) {
      const batch = await backlog.next();
      if (batch === null) return;
      await lane.write(batch);
      backlog.done(batch);
    }
  }
}
