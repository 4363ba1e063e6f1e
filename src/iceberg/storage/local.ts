import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, IcestreamError, isAbort } from '../../base/errors.ts';
import type { OutputFile, Storage } from '../storage.ts';

/** Files in local folders; locations are paths and `file:` URIs. What is closed has reached the disk, and its name too. */
export class LocalStorage implements Storage {
  async create(location: string, signal?: AbortSignal): Promise<OutputFile> {
    signal?.throwIfAborted();
    const path = localPath(location);
    return attempt(location, async () => new LocalFile(location, path, await openTemporary(path)));
  }

  async write(
    location: string,
    bytes: Uint8Array,
    options: { exclusive?: boolean; signal?: AbortSignal } = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const path = localPath(location);
    await attempt(location, async () => {
      const temporary = await openTemporary(path);
      try {
        await writeAll(temporary.handle, bytes);
        await temporary.handle.sync();
        await temporary.handle.close();
        await (options.exclusive ? publishNew(temporary.path, path) : rename(temporary.path, path));
        await syncFolder(dirname(path));
      } catch (error) {
        await discard(temporary);
        throw error;
      }
    });
  }

  async read(location: string, signal?: AbortSignal): Promise<Buffer> {
    return attempt(location, () => readFile(localPath(location), { signal }));
  }

  async readRange(location: string, start: number, end: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    return attempt(location, async () => {
      await using handle = await open(localPath(location), 'r');
      const bytes = Buffer.allocUnsafe(Math.max(0, end - start));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    });
  }

  async size(location: string, signal?: AbortSignal): Promise<number | null> {
    signal?.throwIfAborted();
    try {
      const found = await stat(localPath(location));
      return found.isFile() ? found.size : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageError(error, location);
    }
  }

  async remove(locations: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const location of locations) {
      signal?.throwIfAborted();
      await attempt(location, () => rm(localPath(location), { force: true }));
    }
  }

  close(): void {}
}

/** The path of a location: `file:/p`, `file:///p` or a path. */
export function localPath(location: string): string {
  if (/^file:\/\//i.test(location)) return fileURLToPath(location);
  // Java prints file URIs with one slash. Its paths are not percent-encoded.
  if (/^file:\//i.test(location)) return location.slice('file:'.length);
  return resolve(location);
}

/** What the file system refused, as one of our codes. */
export function storageError(error: unknown, location: string): unknown {
  if (error instanceof IcestreamError || isAbort(error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return new IcestreamError(STORAGE_CODES[code] ?? 'storage.io', 'a file operation failed', {
    cause: error,
    context: { path: location, errno: code },
  });
}

const STORAGE_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'storage.full',
  EDQUOT: 'storage.full',
  ENOENT: 'storage.not-found',
  EACCES: 'storage.refused',
  EPERM: 'storage.refused',
  EROFS: 'storage.refused',
};

interface Temporary {
  readonly path: string;
  readonly handle: FileHandle;
}

/** Written under a hidden name in the same folder; the real name appears only with the complete file. */
class LocalFile implements OutputFile {
  readonly location: string;
  readonly #path: string;
  readonly #temporary: Temporary;
  #size = 0;
  #done = false;

  constructor(location: string, path: string, temporary: Temporary) {
    this.location = location;
    this.#path = path;
    this.#temporary = temporary;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await attempt(this.location, () => writeAll(this.#temporary.handle, bytes));
    this.#size += bytes.length;
  }

  async close(): Promise<number> {
    if (this.#done) return this.#size;
    await attempt(this.location, async () => {
      await this.#temporary.handle.sync();
      await this.#temporary.handle.close();
      await rename(this.#temporary.path, this.#path);
      this.#done = true;
      await syncFolder(dirname(this.#path));
    });
    return this.#size;
  }

  async abort(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await attempt(this.location, () => discard(this.#temporary));
  }
}

async function openTemporary(path: string): Promise<Temporary> {
  const temporary = `${dirname(path)}/.${randomBytes(8).toString('hex')}.tmp`;
  try {
    return { path: temporary, handle: await open(temporary, 'wx') };
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeFolder(dirname(path));
    return { path: temporary, handle: await open(temporary, 'wx') };
  }
}

/** Makes a folder with those above it, and writes each new name to disk: a file in a lost folder would be lost too. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(first);
  for (let folder = path; folder !== top; ) {
    folder = dirname(folder);
    await syncFolder(folder);
  }
}

async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

/** A hard link fails where the name is taken; a rename would replace the other's file. */
async function publishNew(temporary: string, path: string): Promise<void> {
  await link(temporary, path);
  await rm(temporary, { force: true });
}

async function discard(temporary: Temporary): Promise<void> {
  // Closing a handle that is closed already rejects; what matters here is that the file goes.
  await temporary.handle.close().catch(() => undefined);
  await rm(temporary.path, { force: true });
}

async function attempt<T>(location: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storageError(error, location);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
