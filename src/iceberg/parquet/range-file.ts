import type { AsyncBuffer } from 'hyparquet';
import type { Storage } from '../storage.ts';

/** A file as hyparquet wants it: reads ranges, serves what was fetched ahead from memory, and counts the bytes read. */
export class RangeFile implements AsyncBuffer {
  readonly byteLength: number;
  bytesRead = 0;
  private readonly storage: Storage;
  private readonly location: string;
  private readonly signal: AbortSignal | undefined;
  private regions: { readonly start: number; readonly bytes: Buffer }[] = [];

  constructor(storage: Storage, location: string, byteLength: number, signal?: AbortSignal) {
    this.storage = storage;
    this.location = location;
    this.byteLength = byteLength;
    this.signal = signal;
  }

  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    return ownArrayBuffer(this.held(start, end) ?? (await this.read(start, end)));
  }

  /** A range out of what is held, or null. */
  held(start: number, end: number): Buffer | null {
    const region = this.regions.find((held) => start >= held.start && end <= held.start + held.bytes.length);
    return region === undefined ? null : region.bytes.subarray(start - region.start, end - region.start);
  }

  /** Fetches a range in one request and holds it until it is dropped by its start. */
  async hold(start: number, end: number): Promise<void> {
    this.regions.push({ start, bytes: await this.read(start, end) });
  }

  drop(start: number): void {
    this.regions = this.regions.filter((region) => region.start !== start);
  }

  private async read(start: number, end: number): Promise<Buffer> {
    this.bytesRead += end - start;
    return this.storage.readRange(this.location, start, end, this.signal);
  }
}

function ownArrayBuffer(bytes: Buffer): ArrayBuffer {
  if (bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength)
    return bytes.buffer as ArrayBuffer;
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
