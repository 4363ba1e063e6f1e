import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { invariant } from '../../base/errors.ts';
import type { OutputFile } from '../storage.ts';
import type { ObjectName } from './s3.ts';
import { httpStatus, request } from './s3-client.ts';

/** Parts are this large, but for the last; the protocol's minimum is 5 MB, and 10,000 parts make the largest file 80 GB. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_IN_FLIGHT_MAX = 3;
/** The first buffer of a file; it grows to a part, so that many small open files cost little. */
const BUFFER_BYTES_FIRST = 64 * 1024;

type Part = Buffer<ArrayBuffer>;

/**
 * One file on its way up. Bytes collect in a buffer; each full part is sent in the background, at most
 * PARTS_IN_FLIGHT_MAX at once, so a file holds at most 32 MB. A file of one part or less goes up as a single PUT. Until
 * close has completed it, the store shows nothing of it.
 */
export class S3Upload implements OutputFile {
  readonly location: string;
  readonly #client: S3Client;
  readonly #name: ObjectName;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES_FIRST);
  #filled = 0;
  #size = 0;
  #uploadId: Promise<string> | null = null;
  readonly #etags: string[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #isFull = false;
  /** Of the part whose end a full file waited for: the next one is filled in its place, not in memory of its own. */
  #spare: Part | null = null;
  /** What a part in the background failed with; the next call reports it. */
  #failure: { readonly error: unknown } | null = null;
  /** `finishing`: the store was asked to make the file visible, and may have. */
  #state: 'open' | 'finishing' | 'closed' | 'aborted' = 'open';

  constructor(client: S3Client, location: string, name: ObjectName, signal?: AbortSignal) {
    this.#client = client;
    this.location = location;
    this.#name = name;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  async write(bytes: Uint8Array): Promise<void> {
    invariant(this.#state === 'open', 'bytes written to a file that is closed', { location: this.location });
    this.#signal.throwIfAborted();
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === PART_BYTES) await this.#sendPart();
      this.#makeRoom(Math.min(PART_BYTES, this.#filled + bytes.length - at));
      const count = Math.min(this.#buffer.length - this.#filled, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
    }
    this.#size += bytes.length;
    this.#throwFailure();
  }

  async close(): Promise<number> {
    if (this.#state === 'closed') return this.#size;
    invariant(this.#state === 'open', 'a file is closed again after it failed', { location: this.location });
    if (this.#uploadId === null) {
      this.#state = 'finishing';
      await this.#put();
    } else {
      if (this.#filled > 0) await this.#sendPart();
      await Promise.all(this.#inFlight);
      this.#throwFailure();
      this.#state = 'finishing';
      await this.#complete(await this.#uploadId);
    }
    this.#state = 'closed';
    this.#buffer = Buffer.alloc(0);
    return this.#size;
  }

  async abort(): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'aborted') return;
    const finishing = this.#state === 'finishing';
    this.#state = 'aborted';
    this.#stop.abort();
    await Promise.allSettled(this.#inFlight);
    this.#buffer = Buffer.alloc(0);
    // Where the upload's creation failed there is nothing to abort.
    const uploadId = await this.#uploadId?.catch(() => null);
    if (uploadId) await this.#abortUpload(uploadId);
    if (finishing) await this.#remove();
  }

  #makeRoom(bytes: number): void {
    if (this.#buffer.length >= bytes) return;
    const larger = Buffer.allocUnsafe(Math.min(PART_BYTES, Math.max(bytes, this.#buffer.length * 2)));
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }

  /** Hands the buffer over as the next part, as soon as fewer than the most are in flight. */
  async #sendPart(): Promise<void> {
    this.#isFull = this.#inFlight.size >= PARTS_IN_FLIGHT_MAX;
    while (this.#inFlight.size >= PARTS_IN_FLIGHT_MAX) await Promise.race(this.#inFlight);
    this.#isFull = false;
    this.#throwFailure();
    this.#uploadId ??= this.#createUpload();
    const buffer = this.#buffer;
    const part = this.#uploadPart(this.#uploadId, this.#etags.length, buffer, this.#filled).catch(
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#etags.push(''); // Its place; the answers come in any order.
    const tracked = part.finally(() => this.#inFlight.delete(tracked));
    this.#inFlight.add(tracked);
    this.#buffer = this.#spare ?? Buffer.allocUnsafe(PART_BYTES);
    this.#spare = null;
    this.#filled = 0;
  }

  async #createUpload(): Promise<string> {
    const answer = await request('CreateMultipartUpload', this.location, this.#signal, () =>
      this.#client.send(new CreateMultipartUploadCommand(this.#name), { abortSignal: this.#signal }),
    );
    invariant(answer.UploadId, 'the object store gave no upload id', { location: this.location });
    return answer.UploadId;
  }

  async #uploadPart(uploadId: Promise<string>, at: number, buffer: Part, filled: number): Promise<void> {
    const Body = buffer.subarray(0, filled);
    const part = { ...this.#name, UploadId: await uploadId, PartNumber: at + 1, Body };
    let attempts = 0;
    const answer = await request('UploadPart', this.location, this.#signal, (attempt) => {
      attempts = attempt;
      return this.#client.send(new UploadPartCommand(part), { abortSignal: this.#signal });
    });
    invariant(answer.ETag, 'the object store gave no ETag of a part', { location: this.location });
    this.#etags[at] = answer.ETag;
    // The store has all of the bytes. The connection of an attempt that failed may still be busy with them.
    if (this.#isFull && attempts === 1) this.#spare = buffer;
  }

  async #put(): Promise<void> {
    const body = this.#buffer.subarray(0, this.#filled);
    await request('PutObject', this.location, this.#signal, () =>
      this.#client.send(new PutObjectCommand({ ...this.#name, Body: body }), { abortSignal: this.#signal }),
    );
  }

  async #complete(uploadId: string): Promise<void> {
    const Parts = this.#etags.map((ETag, at) => ({ ETag, PartNumber: at + 1 }));
    const command = new CompleteMultipartUploadCommand({
      ...this.#name,
      UploadId: uploadId,
      MultipartUpload: { Parts },
    });
    await request('CompleteMultipartUpload', this.location, this.#signal, async (attempt) => {
      try {
        await this.#client.send(command, { abortSignal: this.#signal });
      } catch (error) {
        // An earlier attempt whose answer was lost has completed the upload, and with that ended it.
        if (attempt > 1 && httpStatus(error) === 404 && (await this.#isComplete())) return;
        throw error;
      }
    });
  }

  async #isComplete(): Promise<boolean> {
    const head = await this.#client.send(new HeadObjectCommand(this.#name), { abortSignal: this.#signal });
    return head.ContentLength === this.#size;
  }

  async #abortUpload(uploadId: string): Promise<void> {
    const target = { ...this.#name, UploadId: uploadId };
    await request('AbortMultipartUpload', this.location, undefined, async () => {
      try {
        await this.#client.send(new AbortMultipartUploadCommand(target));
      } catch (error) {
        if (httpStatus(error) !== 404) throw error; // Completed or aborted already.
      }
    });
  }

  /** The file that a failed close may have made visible all the same. */
  async #remove(): Promise<void> {
    await request('DeleteObject', this.location, undefined, () =>
      this.#client.send(new DeleteObjectCommand(this.#name)),
    );
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
