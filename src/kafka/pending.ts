import { unlessAborted } from './wait.ts';

/** What is not acknowledged yet, and those who wait for it to become less. */
export class Pending {
  bytes = 0;
  /** Batches and flushes belong to the generation in which they began; a flush ends one. */
  generation = 0;
  readonly #limitBytes: number;
  readonly #batches = new Map<number, number>();
  readonly #flushes = new Map<number, PromiseWithResolvers<void>>();
  #room: PromiseWithResolvers<void> | null = null;
  #sinceTurn = 0;
  #turn: Promise<void> | null = null;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Whether somebody waits, so that nothing should linger. */
  get isAwaited(): boolean {
    return this.#room !== null || this.#flushes.size > 0;
  }

  grow(bytes: number): void {
    this.bytes += bytes;
    this.#sinceTurn += bytes;
  }

  shrink(bytes: number): void {
    this.bytes -= bytes;
    if (this.#room === null || this.bytes > this.#limitBytes) return;
    this.#room.resolve();
    this.#room = null;
  }

  /**
   * null while there is room. A caller that never leaves the event loop to others would see no acknowledgement until the
   * buffer is full, so now and then it has to wait for one turn.
   */
  room(): Promise<void> | null {
    if (this.bytes > this.#limitBytes) {
      this.#room ??= Promise.withResolvers();
      return this.#room.promise;
    }
    if (this.#sinceTurn < TURN_BYTES) return null;
    this.#turn ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#sinceTurn = 0;
      this.#turn = null;
    });
    return this.#turn;
  }

  batchSealed(): number {
    this.#count(this.generation, 1);
    return this.generation;
  }

  /** One batch became `parts` of the same generation. */
  batchSplit(generation: number, parts: number): void {
    this.#count(generation, parts - 1);
  }

  batchSettled(generation: number): void {
    this.#count(generation, -1);
  }

  /** Waits for all batches sealed until now. */
  async flushed(signal: AbortSignal): Promise<void> {
    const generation = this.generation++;
    if (this.#isDone(generation)) return;
    const flush = Promise.withResolvers<void>();
    this.#flushes.set(generation, flush);
    await unlessAborted(flush.promise, signal);
  }

  /** Everybody who waits gets the error; nothing is pending any more. */
  fail(error: unknown): void {
    const waiting = [...this.#flushes.values(), ...(this.#room === null ? [] : [this.#room])];
    this.#flushes.clear();
    this.#batches.clear();
    this.#room = null;
    this.bytes = 0;
    for (const { promise, reject } of waiting) {
      promise.catch(() => {}); // Its caller may have gone at an abort.
      reject(error);
    }
  }

  #count(generation: number, change: number): void {
    const count = (this.#batches.get(generation) ?? 0) + change;
    if (count > 0) {
      this.#batches.set(generation, count);
      return;
    }
    this.#batches.delete(generation);
    for (const [of, flush] of this.#flushes) {
      if (!this.#isDone(of)) continue;
      this.#flushes.delete(of);
      flush.resolve();
    }
  }

  #isDone(generation: number): boolean {
    for (const open of this.#batches.keys()) if (open <= generation) return false;
    return true;
  }
}

/** About what one turn of the event loop can send. */
const TURN_BYTES = 2 * 1024 * 1024;
