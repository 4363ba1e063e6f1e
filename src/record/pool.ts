import { invariant } from '../base/errors.ts';
import type { Lease } from './batch.ts';

/** The arrays of one batch. */
export interface BatchArrays {
  readonly bytes: Buffer;
  readonly cellStart: Int32Array<ArrayBuffer>;
  readonly cellLength: Int32Array<ArrayBuffer>;
  readonly op: Uint8Array;
  readonly flags: Uint8Array;
  readonly tableOf: Int32Array;
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly transactionOf: Int32Array;
  readonly positionHi: Uint32Array;
  readonly positionLo: Uint32Array;
}

/** Arenas smaller than this are not kept: a batch of a few rows costs the collector nothing. */
const BYTES_MIN = 128 * 1024;
/** A pool that nobody took from for so long gives its memory back. */
const IDLE_MS = 5000;

/**
 * Arrays of batches that nobody needs any more, for the next ones. Left to the collector they make it run: it counts
 * memory outside its heap, and a pass over the heap for every 64 MB of rows costs more than reading them
 * (docs/decisions/batch-memory.md).
 */
export class BatchPool {
  readonly #bytesMax: number;
  #free: BatchArrays[] = [];
  #freeBytes = 0;
  #idle: NodeJS.Timeout | null = null;

  /** Keeps arenas of up to `bytesMax` in all. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Arrays with an arena of at least `bytes` and not more than twice that, which hold what they held; or null. */
  take(bytes: number): BatchArrays | null {
    this.#idle?.refresh();
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const { length } = this.#free[i].bytes;
      if (length < bytes || length > bytes * 2) continue;
      this.#freeBytes -= length;
      return this.#free.splice(i, 1)[0];
    }
    return null;
  }

  /** The first hold on a batch of these arrays; when the last one is released they come back. */
  lease(arrays: BatchArrays): Lease {
    let holds = 1;
    return {
      hold() {
        invariant(holds > 0, 'a batch was held after it had been let go');
        holds++;
      },
      release: () => {
        invariant(holds > 0, 'a batch was let go twice');
        if (--holds === 0) this.#give(arrays);
      },
    };
  }

  #give(arrays: BatchArrays): void {
    const { length } = arrays.bytes;
    if (length < BYTES_MIN || this.#freeBytes + length > this.#bytesMax) return;
    this.#free.push(arrays);
    this.#freeBytes += length;
    this.#idle ??= setTimeout(() => this.#forget(), IDLE_MS).unref();
  }

  #forget(): void {
    this.#idle = null;
    this.#free = [];
    this.#freeBytes = 0;
  }
}
