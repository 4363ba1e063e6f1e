/**
 * Where files lie: a local folder or an object store. Locations are URIs or absolute paths as table metadata holds them
 * (`s3://bucket/key`, `s3a://`, `file:///path`, `/path`).
 *
 * Errors are IcestreamErrors `storage.*`.
 */
export interface Storage {
  /** Opens a new file for writing. What is not closed is not visible, and aborting leaves nothing behind. */
  create(location: string, signal?: AbortSignal): Promise<OutputFile>;
  /** Writes a whole small file at once. With `exclusive` it fails with storage.io if the file is there already. */
  write(
    location: string,
    bytes: Uint8Array,
    options?: { exclusive?: boolean; signal?: AbortSignal },
  ): Promise<void>;
  read(location: string, signal?: AbortSignal): Promise<Buffer>;
  /** Bytes [start, end). */
  readRange(location: string, start: number, end: number, signal?: AbortSignal): Promise<Buffer>;
  /** Size in bytes, or null where there is no such file. */
  size(location: string, signal?: AbortSignal): Promise<number | null>;
  /** Deletes files; those already gone are not an error. */
  remove(locations: readonly string[], signal?: AbortSignal): Promise<void>;
  close(): void;
}

export interface OutputFile {
  readonly location: string;
  /** Resolves when there is room for more; uploads go on in the background, in bounded memory. */
  write(bytes: Uint8Array): Promise<void>;
  /** Durable (fsync, or the upload completed) when this resolves. Returns the size in bytes. */
  close(): Promise<number>;
  abort(): Promise<void>;
}
