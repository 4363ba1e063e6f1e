import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { IcestreamError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import { fileErrorCode } from '../../base/file-error.ts';
import type { TaskMetrics } from '../../base/metrics.ts';
import { writeFully } from '../../base/write-fully.ts';

const BLOCK = 256 * 1024;
/** Bytes on their way to the disk at which the stream waits. */
const IN_FLIGHT_MAX = 4 * 1024 * 1024;

interface SpooledTransaction {
  readonly aborted: Set<number>;
  readonly path: string;
  /** Not in the file yet. */
  block: Buffer;
  used: number;
  file: FileHandle | null;
  fileBytes: number;
}

/**
 * Transactions in progress (rule P-1): the server streams them before their end, so that neither it nor we need hold
 * them in memory; they wait on disk as the frames they came in. A crash loses nothing: the server sends them again.
 */
export class Spool {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #metrics: TaskMetrics;
  readonly #transactions = new Map<number, SpooledTransaction>();
  /** Writes happen one after the other, so that each file is in order. */
  #writing: Promise<void> = Promise.resolve();
  #inFlight = 0;
  #bytes = 0;

  constructor(folder: string, bytesMax: number, metrics: TaskMetrics) {
    this.#folder = folder;
    this.#bytesMax = bytesMax;
    this.#metrics = metrics;
  }

  /** Deletes what an earlier run left. Once, before anything is written. */
  async clear(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith('.transaction')) await rm(join(this.#folder, name), { force: true });
    }
  }

  /**
   * Copies `bytes`. A promise says that the disk is behind: wait for it before writing more.
   * @throws IcestreamError postgres.spool-full
   */
  write(xid: number, bytes: Uint8Array): Promise<void> | null {
    const transaction = this.#transaction(xid);
    this.#bytes += bytes.length;
    this.#metrics.spooledBytes = this.#bytes;
    if (this.#bytes > this.#bytesMax) {
      throw new IcestreamError('postgres.spool-full', 'transactions in progress exceed the spool quota', {
        context: { xid, bytesMax: this.#bytesMax, transactions: this.#transactions.size },
      });
    }
    let from = 0;
    while (from < bytes.length) {
      if (transaction.used === transaction.block.length) this.#flush(transaction);
      const to = Math.min(bytes.length, from + transaction.block.length - transaction.used);
      transaction.block.set(bytes.subarray(from, to), transaction.used);
      transaction.used += to - from;
      from = to;
    }
    return this.#inFlight > IN_FLIGHT_MAX ? this.#writing : null;
  }

  /** A subtransaction was rolled back: its rows are left out of the replay. Equal xids: all of it. */
  abort(xid: number, subxid: number): Promise<void> | null {
    if (xid === subxid) return this.drop(xid);
    this.#transactions.get(xid)?.aborted.add(subxid);
    return null;
  }

  /** Subtransactions that were rolled back. */
  aborted(xid: number): ReadonlySet<number> {
    return this.#transactions.get(xid)?.aborted ?? new Set();
  }

  /** What was written for `xid`, in order; a buffer is valid until the next is asked for. */
  async *read(xid: number): AsyncGenerator<Buffer> {
    const transaction = this.#transactions.get(xid);
    if (transaction === undefined) return;
    await this.#writing;
    const buffer = transaction.file === null ? null : Buffer.allocUnsafeSlow(BLOCK);
    for (let at = 0; at < transaction.fileBytes; ) {
      const { bytesRead } = await transaction.file!.read(buffer!, 0, BLOCK, at).catch(spoolFailed);
      if (bytesRead === 0) throw new IcestreamError('storage.io', 'a spool file is shorter than was written');
      yield buffer!.subarray(0, bytesRead);
      at += bytesRead;
    }
    yield transaction.block.subarray(0, transaction.used);
  }

  async drop(xid: number): Promise<void> {
    const transaction = this.#transactions.get(xid);
    if (transaction === undefined) return;
    this.#transactions.delete(xid);
    await this.#writing;
    this.#bytes -= transaction.fileBytes + transaction.used;
    this.#metrics.spooledBytes = this.#bytes;
    if (transaction.file === null) return;
    await transaction.file.close();
    await rm(transaction.path, { force: true });
  }

  /** After an error of a write there is nothing left to wait for; the error was thrown where it was awaited. */
  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    for (const transaction of this.#transactions.values()) {
      await transaction.file?.close();
      await rm(transaction.path, { force: true });
    }
    this.#transactions.clear();
    this.#metrics.spooledBytes = this.#bytes = 0;
  }

  #transaction(xid: number): SpooledTransaction {
    let transaction = this.#transactions.get(xid);
    if (transaction === undefined) {
      const path = join(this.#folder, `${xid}.transaction`);
      const block = Buffer.allocUnsafeSlow(BLOCK);
      transaction = { aborted: new Set(), path, block, used: 0, file: null, fileBytes: 0 };
      this.#transactions.set(xid, transaction);
    }
    return transaction;
  }

  #flush(transaction: SpooledTransaction): void {
    const { block } = transaction;
    transaction.block = Buffer.allocUnsafeSlow(BLOCK);
    transaction.used = 0;
    this.#inFlight += block.length;
    this.#writing = this.#writing.then(async () => {
      try {
        transaction.file ??= await open(transaction.path, 'w+');
        await writeFully(transaction.file, block, block.length, transaction.fileBytes);
      } catch (error) {
        spoolFailed(error);
      }
      transaction.fileBytes += block.length;
      this.#inFlight -= block.length;
      failpoint('spool.written');
    });
    // Whoever awaits the chain next sees the error; without this Node would call it unhandled before that.
    this.#writing.catch(() => {});
  }
}

function spoolFailed(error: unknown): never {
  throw new IcestreamError(fileErrorCode(error), 'a transaction in progress cannot be spooled', {
    cause: error,
  });
}
