import zlib from 'node:zlib';
import type { Compression } from './format.ts';
import { snappyCompress } from './snappy.ts';

/**
 * Compresses pages, zstd off the event loop. Pages under way are counted in bytes; the owner waits for `drained` when
 * there are too many. A failure is kept and thrown by the next `check`.
 */
export class PageCompressor {
  readonly compression: Compression;
  inFlightBytes = 0;
  private readonly level: number;
  private failure: unknown;
  private readonly waiters: (() => void)[] = [];

  constructor(compression: Compression, zstdLevel: number) {
    this.compression = compression;
    this.level = zstdLevel;
  }

  /**
   * Takes over `page` (from `takeBuffer`), of which `length` bytes count, and gives the compressed bytes: at once where
   * that is cheaper than handing the page to another thread.
   */
  compress(page: Buffer, length: number, compression: Compression): Buffer | Promise<Buffer> {
    const input = page.subarray(0, length);
    if (compression === 'zstd' && length > SYNC_BYTES) return this.compressElsewhere(page, input);
    const bytes = this.compressNow(input, compression);
    returnBuffer(page);
    return bytes;
  }

  /** Throws what went wrong in the background. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Resolves when at most `bytes` are under way. */
  async drained(bytes = 0): Promise<void> {
    while (this.inFlightBytes > bytes) await new Promise<void>((resolve) => this.waiters.push(resolve));
    this.check();
  }

  private compressNow(input: Buffer, compression: Compression): Buffer {
    if (compression === 'zstd') return unslack(zlib.zstdCompressSync(input, this.options(input.length)));
    if (compression === 'snappy') return snappyCompress(input);
    return Buffer.from(input);
  }

  private compressElsewhere(page: Buffer, input: Buffer): Promise<Buffer> {
    this.inFlightBytes += input.length;
    const result = new Promise<Buffer>((resolve, reject) => {
      zlib.zstdCompress(input, this.options(input.length), (error, bytes) => {
        this.inFlightBytes -= input.length;
        returnBuffer(page);
        if (error === null) resolve(unslack(bytes));
        else reject(error);
        for (const wake of this.waiters.splice(0)) wake();
      });
    });
    result.catch((error: unknown) => {
      this.failure ??= error;
    });
    return result;
  }

  /**
   * Each output chunk is a round trip to the other thread, and the default of 16 KB makes too many of them. A wide value
   * gets one chunk for all, because joining chunks would hold it twice.
   */
  private options(length: number): zlib.ZstdOptions {
    const chunkSize =
      length > EXACT_BYTES ? length + (length >> 8) + 64 : Math.min(128 * 1024, Math.max(1024, length >> 1));
    const params = { [zlib.constants.ZSTD_c_compressionLevel]: this.level };
    return { params, chunkSize, pledgedSrcSize: length };
  }
}

/** Below this the hand-over costs more than the compression. */
const SYNC_BYTES = 16 * 1024;

/** Pages wait in memory for their row group's end, and must not hold the larger buffer that zlib cut them from. */
function unslack(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * 1.125 + 64) return bytes;
  const exact = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(exact);
  return exact;
}

/** Page buffers of this thread that are free again, at most `POOL_BYTES` of them. */
const free: Buffer[] = [];
let freeBytes = 0;
const POOL_BYTES = 8 * 1024 * 1024;
/** Larger buffers belong to single wide values and are not rounded up. */
const EXACT_BYTES = 4 * 1024 * 1024;

/** A buffer of at least `size` bytes with any content. */
export function takeBuffer(size: number): Buffer {
  for (let i = free.length - 1; i >= 0; i--) {
    const buffer = free[i];
    if (buffer.length < size || buffer.length > size * 8 + 65536) continue;
    free.splice(i, 1);
    freeBytes -= buffer.length;
    return buffer;
  }
  return Buffer.allocUnsafeSlow(roundedUp(size));
}

/** In steps of an eighth or less: a page of 512 KB has a few bytes more than that, and would take the double. */
function roundedUp(size: number): number {
  if (size > EXACT_BYTES) return size;
  const step = Math.max(4096, 2 ** (28 - Math.clz32(size)));
  return Math.ceil(size / step) * step;
}

export function returnBuffer(buffer: Buffer): void {
  if (freeBytes + buffer.length > POOL_BYTES) return;
  free.push(buffer);
  freeBytes += buffer.length;
}
