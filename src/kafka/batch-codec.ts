import { ByteBuffer } from '../base/byte-buffer.ts';
import type { BatchBuffers } from './batch-buffers.ts';
import { codecId, compress, decompress } from './compression.ts';
import { type Batch, type Identity, sequenceOf } from './partition-queue.ts';
import type { Compression } from './producer-options.ts';
import { HEADER_BYTES, type RawBatch, writeHeader } from './record-batch.ts';

/** Turns sealed records into what goes over the wire. */
export class BatchCodec {
  readonly #compression: Compression;
  readonly #zstdLevel: number;
  readonly #buffers: BatchBuffers;

  constructor(compression: Compression, zstdLevel: number, buffers: BatchBuffers) {
    this.#compression = compression;
    this.#zstdLevel = zstdLevel;
    this.#buffers = buffers;
  }

  /** The records compressed, with room for the header before them; gives the builder's buffer back where it copies. */
  pack(raw: RawBatch): Buffer | Promise<Buffer> {
    if (this.#compression === 'none') return raw.bytes.subarray(0, raw.length);
    const records = raw.bytes.subarray(HEADER_BYTES, raw.length);
    const compressed = compress(records, this.#compression, this.#zstdLevel);
    return compressed instanceof Promise
      ? compressed.then((it) => this.#withHeader(raw, it))
      : this.#withHeader(raw, compressed);
  }

  /** Writes the header, once for each identity. */
  address(batch: Batch, by: Identity, transactional: boolean): void {
    if (batch.writtenFor === by) return;
    const sequence = by.producerId < 0n ? -1 : sequenceOf(batch);
    writeHeader(batch.bytes!, batch.raw, codecId(this.#compression), { ...by, sequence, transactional });
    batch.writtenFor = by;
  }

  /** What a batch held is free; nothing refers to its bytes any more. */
  release(batch: Batch): void {
    if (this.#compression === 'none' && batch.bytes !== null) this.#buffers.give(batch.raw.bytes);
    batch.bytes = null;
  }

  /** Two batches in the place of one that is too large for the broker; it has more than one record. */
  halve(batch: Batch): readonly [RawBatch, RawBatch] {
    const { raw } = batch;
    const records = decompress(batch.bytes!.subarray(HEADER_BYTES), this.#compression);
    return divide(records, raw);
  }

  #withHeader(raw: RawBatch, compressed: Buffer): Buffer {
    const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + compressed.length);
    compressed.copy(bytes, HEADER_BYTES);
    this.#buffers.give(raw.bytes);
    return bytes;
  }
}

/**
 * Offsets count from the batch's first record, so those of the second half are written anew; timestamps stay relative to
 * the same first one. The second half's greatest timestamp may be said too great, which only delays its expiry.
 */
function divide(records: Buffer, raw: RawBatch): readonly [RawBatch, RawBatch] {
  const firstCount = raw.count >> 1;
  let at = 0;
  for (let i = 0; i < firstCount; i++) at = recordEnd(records, at);
  const first = new ByteBuffer(HEADER_BYTES + at);
  first.length = HEADER_BYTES;
  first.append(records, 0, at);
  const second = new ByteBuffer(HEADER_BYTES + records.length - at + 16);
  second.length = HEADER_BYTES;
  for (let offset = 0; at < records.length; offset++) at = renumber(records, at, offset, second);
  const { firstTimestampMs, maxTimestampMs } = raw;
  const part = (out: ByteBuffer, count: number): RawBatch => {
    const { bytes, length } = out;
    return { bytes, length, recordsCrc: null, count, firstTimestampMs, maxTimestampMs };
  };
  return [part(first, firstCount), part(second, raw.count - firstCount)];
}

function recordEnd(records: Buffer, start: number): number {
  const at = varintEnd(records, start);
  return at + readVarint(records, start);
}

/** Copies the record at `start` with another offset delta. */
function renumber(records: Buffer, start: number, offset: number, out: ByteBuffer): number {
  const end = recordEnd(records, start);
  const body = varintEnd(records, start);
  const offsetAt = varintEnd(records, body + 1); // After the attributes and the timestamp.
  const rest = varintEnd(records, offsetAt);
  const offsetBytes: number[] = [];
  writeVarint(offset, offsetBytes);
  const lengthBytes: number[] = [];
  writeVarint(offsetAt - body + offsetBytes.length + end - rest, lengthBytes);
  out.append(Uint8Array.from(lengthBytes));
  out.append(records, body, offsetAt);
  out.append(Uint8Array.from(offsetBytes));
  out.append(records, rest, end);
  return end;
}

function varintEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at]! >= 128) at++;
  return at + 1;
}

function readVarint(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start, shift = 0; ; at++, shift += 7) {
    value |= (bytes[at]! & 127) << shift;
    if (bytes[at]! < 128) return value >>> 1;
  }
}

function writeVarint(value: number, out: number[]): void {
  let rest = value * 2;
  for (; rest >= 128; rest >>>= 7) out.push((rest & 127) | 128);
  out.push(rest);
}
