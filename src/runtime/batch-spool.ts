import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { IcestreamError } from '../base/errors.ts';
import { fileErrorCode } from '../base/file-error.ts';
import { writeFully } from '../base/write-fully.ts';
import type { ChangeBatch, TransactionMark } from '../record/batch.ts';
import type { BatchCodec } from '../record/batch-codec.ts';

/** A file that has been read is removed, so that the disk gets its room back piece by piece. */
const SEGMENT_BYTES = 64 << 20;

interface Segment {
  readonly path: string;
  readonly file: FileHandle;
  /** Bytes of whole batches. */
  written: number;
  read: number;
}

/** Batches in the order in which they came, on disk. One writes, one reads. A crash loses nothing: all is read again. */
export class BatchSpool {
  readonly #folder: string;
  readonly #codec: BatchCodec;
  readonly #segments: Segment[] = [];
  #made = 0;
  #bytes = 0;
  /** One thing after the other, so that no file is closed under a read. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(folder: string, codec: BatchCodec) {
    this.#folder = folder;
    this.#codec = codec;
  }

  /** Written and not read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Deletes what an earlier run left. Once, before anything is written. */
  async clear(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @throws IcestreamError storage.full, storage.io */
  write(batch: ChangeBatch): Promise<void> {
    return this.#exclusive(async () => {
      const segment = await this.#writable();
      let at = segment.written;
      for (const part of this.#codec.encode(batch)) {
        await writeFully(segment.file, part, part.length, at);
        at += part.length;
      }
      this.#bytes += at - segment.written;
      segment.written = at;
    });
  }

  /** The oldest batch; null when there is none. @throws IcestreamError storage.io */
  read(last: TransactionMark | null): Promise<ChangeBatch | null> {
    return this.#exclusive(async () => {
      const segment = await this.#readable();
      if (segment === null) return null;
      const { file, read } = segment;
      const length = (await readFully(file, new Uint8Array(4), read)).readUInt32LE();
      const data = await readFully(file, new Uint8Array(length), read);
      segment.read += length;
      this.#bytes -= length;
      return this.#codec.decode(data, last);
    });
  }

  /** Whatever is unread goes away. */
  close(): Promise<void> {
    return this.#exclusive(async () => {
      for (const segment of this.#segments.splice(0)) await remove(segment);
      this.#bytes = 0;
    });
  }

  #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(run).catch((error) => {
      throw spoolFailed(error);
    });
    this.#busy = done.catch(() => {});
    return done;
  }

  async #writable(): Promise<Segment> {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && newest.written < SEGMENT_BYTES) return newest;
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${this.#made++}.batches`);
    const segment = { path, file: await open(path, 'w+'), written: 0, read: 0 };
    this.#segments.push(segment);
    return segment;
  }

  async #readable(): Promise<Segment | null> {
    for (;;) {
      const [oldest] = this.#segments;
      if (oldest === undefined) return null;
      if (oldest.read < oldest.written) return oldest;
      if (this.#segments.length === 1) return null;
      this.#segments.shift();
      await remove(oldest);
    }
  }
}

async function remove({ file, path }: Segment): Promise<void> {
  await file.close();
  await rm(path, { force: true });
}

/** Fills `into`; its buffer is its own. */
async function readFully(
  file: FileHandle,
  into: Uint8Array<ArrayBuffer>,
  position: number,
): Promise<Buffer<ArrayBuffer>> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new IcestreamError('storage.io', 'a spool file is shorter than was written');
    done += bytesRead;
  }
  return Buffer.from(into.buffer);
}

function spoolFailed(cause: unknown): IcestreamError {
  if (cause instanceof IcestreamError) return cause;
  return new IcestreamError(fileErrorCode(cause), 'changes for a slow sink cannot be spooled', { cause });
}
