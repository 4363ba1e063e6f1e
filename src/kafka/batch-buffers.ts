/**
 * Buffers of record batches that are free again. Each batch lives until the broker has it, so without them a producer
 * under load would allocate as fast as it sends.
 */
export class BatchBuffers {
  readonly #keepBytes: number;
  readonly #free: Buffer[] = [];
  #freeBytes = 0;

  /** `keepBytes`: most bytes that lie here unused. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** A buffer of at least `bytes` bytes with any content. */
  take(bytes: number): Buffer {
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const buffer = this.#free[i]!;
      // A small batch in a large buffer would hold memory that is not counted.
      if (buffer.length < bytes || buffer.length > bytes * 4 + LEAST_BYTES) continue;
      this.#free.splice(i, 1);
      this.#freeBytes -= buffer.length;
      return buffer;
    }
    return Buffer.allocUnsafeSlow(Math.max(bytes, LEAST_BYTES));
  }

  /** The buffer must not be used by its owner any more. */
  give(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > this.#keepBytes) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
  }
}

const LEAST_BYTES = 4096;
