import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { IcestreamError } from '../../base/errors.ts';
import type { OutputFile, Storage } from '../storage.ts';
import { createS3Client, httpStatus, request, type S3Credentials, s3Error } from './s3-client.ts';
import { S3Upload } from './s3-upload.ts';

/**
 * Storage in an S3 store; locations are `s3://bucket/key`, also `s3a` and `s3n`. The properties are those of
 * createS3Client; `credentials` replaces the keys in them by ones that are fetched anew when they expire.
 */
export function openS3Storage(
  properties: Readonly<Record<string, string>>,
  credentials?: () => Promise<S3Credentials>,
): Storage {
  return new S3Storage(createS3Client(properties, credentials));
}

export interface ObjectName {
  readonly Bucket: string;
  readonly Key: string;
}

/** Bucket and key of a location. The key is taken as it stands: Iceberg does not percent-encode locations. */
export function objectName(location: string): ObjectName {
  const match = /^s3[an]?:\/\/([^/]+)\/(.+)$/is.exec(location);
  if (match === null) {
    throw new IcestreamError('config.invalid', 'a location is not of the form s3://bucket/key', {
      context: { location },
    });
  }
  return { Bucket: match[1], Key: match[2] };
}

/** The most keys that one DeleteObjects request takes. */
const DELETE_BATCH_MAX = 1000;
const DELETES_IN_FLIGHT_MAX = 8;

class S3Storage implements Storage {
  readonly #client: S3Client;
  /** Some stores have no DeleteObjects; the first refusal is remembered. */
  #deletesBatches = true;

  constructor(client: S3Client) {
    this.#client = client;
  }

  async create(location: string, signal?: AbortSignal): Promise<OutputFile> {
    signal?.throwIfAborted();
    return new S3Upload(this.#client, location, objectName(location), signal);
  }

  async write(
    location: string,
    bytes: Uint8Array,
    options: { exclusive?: boolean; signal?: AbortSignal } = {},
  ): Promise<void> {
    const name = objectName(location);
    const { exclusive, signal } = options;
    await request('PutObject', location, signal, async (attempt) => {
      const put = new PutObjectCommand({ ...name, Body: bytes, IfNoneMatch: exclusive ? '*' : undefined });
      try {
        await this.#client.send(put, { abortSignal: signal });
      } catch (error) {
        const taken = exclusive && (httpStatus(error) === 412 || httpStatus(error) === 409);
        // An earlier attempt whose answer was lost has written the file itself.
        if (taken && attempt > 1 && (await this.#holds(name, bytes, signal))) return;
        throw taken ? alreadyThere(location, error) : error;
      }
    });
  }

  async read(location: string, signal?: AbortSignal): Promise<Buffer> {
    return await this.#get(location, undefined, signal);
  }

  async readRange(location: string, start: number, end: number, signal?: AbortSignal): Promise<Buffer> {
    if (end <= start) return Buffer.alloc(0);
    return await this.#get(location, `bytes=${start}-${end - 1}`, signal);
  }

  async size(location: string, signal?: AbortSignal): Promise<number | null> {
    const name = objectName(location);
    return await request('HeadObject', location, signal, async () => {
      try {
        const head = await this.#client.send(new HeadObjectCommand(name), { abortSignal: signal });
        return head.ContentLength ?? 0;
      } catch (error) {
        if (httpStatus(error) === 404) return null;
        throw error;
      }
    });
  }

  async remove(locations: readonly string[], signal?: AbortSignal): Promise<void> {
    const byBucket = Map.groupBy(locations, (location) => objectName(location).Bucket);
    for (const group of byBucket.values()) {
      for (let at = 0; at < group.length; at += DELETE_BATCH_MAX) {
        const batch = group.slice(at, at + DELETE_BATCH_MAX);
        if (batch.length > 1 && this.#deletesBatches && (await this.#removeBatch(batch, signal))) continue;
        await this.#removeSingly(batch, signal);
      }
    }
  }

  close(): void {
    this.#client.destroy();
  }

  /** The whole body, tried again from the start when the connection breaks in the middle of it. */
  async #get(location: string, range: string | undefined, signal: AbortSignal | undefined): Promise<Buffer> {
    const name = objectName(location);
    return await request('GetObject', location, signal, async () => {
      try {
        const answer = await this.#client.send(new GetObjectCommand({ ...name, Range: range }), {
          abortSignal: signal,
        });
        const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        // A range that begins at or after the end holds no bytes, as in a local file.
        if (range !== undefined && httpStatus(error) === 416) return Buffer.alloc(0);
        throw error;
      }
    });
  }

  async #holds(name: ObjectName, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<boolean> {
    const found = await this.#client.send(new GetObjectCommand(name), { abortSignal: signal });
    return Buffer.compare((await found.Body?.transformToByteArray()) ?? new Uint8Array(), bytes) === 0;
  }

  /** False where the store does not know the request. */
  async #removeBatch(locations: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
    const names = locations.map(objectName);
    const command = () =>
      new DeleteObjectsCommand({
        Bucket: names[0].Bucket,
        Delete: { Quiet: true, Objects: names.map(({ Key }) => ({ Key })) },
      });
    return await request('DeleteObjects', locations[0], signal, async () => {
      try {
        const answer = await this.#client.send(command(), { abortSignal: signal });
        for (const failed of answer.Errors ?? []) {
          if (failed.Code !== 'NoSuchKey') throw deleteError(failed.Code ?? '', failed.Message ?? '');
        }
        return true;
      } catch (error) {
        if (!isUnknownRequest(error)) throw error;
        this.#deletesBatches = false;
        return false;
      }
    });
  }

  async #removeSingly(locations: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const left = locations[Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (const location of left) {
        await request('DeleteObject', location, signal, async () => {
          try {
            await this.#client.send(new DeleteObjectCommand(objectName(location)), { abortSignal: signal });
          } catch (error) {
            if ((error as Error).name !== 'NoSuchKey') throw error;
          }
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(DELETES_IN_FLIGHT_MAX, locations.length) }, worker));
  }
}

function alreadyThere(location: string, cause: unknown): IcestreamError {
  return new IcestreamError('storage.io', 'the file is there already', { cause, context: { location } });
}

/** An error in the list of a DeleteObjects answer, in the form of one that a request of its own would have got. */
function deleteError(code: string, message: string): S3ServiceException {
  const statuses: Record<string, number> = {
    AccessDenied: 403,
    InternalError: 500,
    SlowDown: 503,
    ServiceUnavailable: 503,
  };
  return new S3ServiceException({
    name: code,
    message,
    $fault: 'server',
    $metadata: { httpStatusCode: statuses[code] ?? 400 },
  });
}

/** Not implemented, or refused for the request's form (such as a checksum the store does not know). */
function isUnknownRequest(error: unknown): boolean {
  const status = httpStatus(error);
  const code = (s3Error(error, '', '') as IcestreamError).code;
  return status === 501 || ((status === 400 || status === 405) && code === 'storage.io');
}
