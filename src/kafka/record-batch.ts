import { ByteBuffer } from '../base/byte-buffer.ts';
import type { BatchBuffers } from './batch-buffers.ts';
import { type ConstantBytes, crc32c, joinCrc } from './crc.ts';

/**
 * Record batches of format 2 (https://kafka.apache.org/documentation/#recordbatch), built straight into bytes:
 *
 *     baseOffset int64, batchLength int32, partitionLeaderEpoch int32, magic int8 = 2, crc uint32,
 *     attributes int16, lastOffsetDelta int32, baseTimestamp int64, maxTimestamp int64,
 *     producerId int64, producerEpoch int16, baseSequence int32, count int32, records
 *
 * and each record `length varint, attributes int8, timestampDelta varlong, offsetDelta varint, keyLength varint, key,
 * valueLength varint, value, headers`. Varints are zigzag. The crc (CRC-32C) covers everything from `attributes` on.
 */
export class RecordBatchBuilder {
  #out: ByteBuffer;
  #count = 0;
  #firstTimestampMs = 0;
  #maxTimestampMs = 0;
  /** Of the records up to `#crcTo`. */
  #crc = 0;
  #crcTo = HEADER_BYTES;
  readonly #isCompressed: boolean;

  /** `expectedBytes` spares the growing where the size is foreseeable; `isCompressed`: the records will be. */
  constructor(buffers: BatchBuffers, expectedBytes: number, isCompressed = false) {
    this.#isCompressed = isCompressed;
    this.#out = new ByteBuffer(0);
    this.#out.bytes = buffers.take(expectedBytes);
    this.#out.length = HEADER_BYTES;
  }

  get count(): number {
    return this.#count;
  }

  /** Of the batch as it stands, uncompressed. */
  get byteLength(): number {
    return this.#out.length;
  }

  /**
   * Copies what it is given. `headers` are in the record's own form, their number included; `head` comes before a value that is
   * not null.
   */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Uint8Array,
    timestampMs: number,
    head: ConstantBytes | null = null,
  ): void {
    if (this.#count === 0) this.#firstTimestampMs = this.#maxTimestampMs = timestampMs;
    else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    const timestampDelta = timestampMs - this.#firstTimestampMs;
    const valueLength = value === null ? -1 : value.length + (head === null ? 0 : head.bytes.length);
    const size = bodySize(key, valueLength, headers, timestampDelta, this.#count);
    const out = this.#out;
    let at = out.reserve(size + 5);
    const bytes = out.bytes;
    at = writeVarint(size, bytes, at);
    bytes[at++] = 0; // No attribute of a record is defined.
    at = timestampDelta === 0 ? writeZero(bytes, at) : writeVarlong(timestampDelta, bytes, at);
    at = writeVarint(this.#count, bytes, at);
    at = writeNullable(key, bytes, at);
    if (head === null || value === null) {
      at = writeNullable(value, bytes, at);
    } else {
      at = this.#appendHead(head, writeVarint(valueLength, bytes, at));
      at = copy(value, bytes, at);
    }
    out.length = copy(headers, bytes, at);
    this.#count++;
  }

  #appendHead(head: ConstantBytes, at: number): number {
    const { bytes } = this.#out;
    const end = at + head.bytes.length;
    bytes.set(head.bytes, at);
    if (this.#isCompressed) return end;
    this.#crc = head.append(crc32c(bytes.subarray(this.#crcTo, at), this.#crc));
    this.#crcTo = end;
    return end;
  }

  /** Hands the bytes over; the builder is not used again. */
  finish(): RawBatch {
    const { bytes, length } = this.#out;
    const isCrcKnown = this.#crcTo > HEADER_BYTES;
    return {
      bytes,
      length,
      recordsCrc: isCrcKnown ? crc32c(bytes.subarray(this.#crcTo, length), this.#crc) : null,
      count: this.#count,
      firstTimestampMs: this.#firstTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
    };
  }
}

export const HEADER_BYTES = 61;

/** Records from HEADER_BYTES to `length`, whose header is still to be written. */
export interface RawBatch {
  readonly bytes: Buffer;
  readonly length: number;
  /** Of the records as they are here, where constant bytes made it cheap. */
  readonly recordsCrc: number | null;
  readonly count: number;
  readonly firstTimestampMs: number;
  readonly maxTimestampMs: number;
}

/** Who sends a batch and which one it is: what the broker recognises duplicates and gaps by. */
export interface Sequencing {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly sequence: number;
  readonly transactional: boolean;
}

const TRANSACTIONAL = 0x10;
const MAGIC = 2;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;

/** Writes the header before a batch's records, compressed unless `codecId` is 0. May be repeated with another sequencing. */
export function writeHeader(batch: Buffer, raw: RawBatch, codecId: number, by: Sequencing): void {
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(-1, 12); // The leader's epoch is the broker's to write.
  batch[16] = MAGIC;
  batch.writeInt16BE(codecId | (by.transactional ? TRANSACTIONAL : 0), ATTRIBUTES_AT);
  batch.writeInt32BE(raw.count - 1, 23);
  batch.writeBigInt64BE(BigInt(raw.firstTimestampMs), 27);
  batch.writeBigInt64BE(BigInt(raw.maxTimestampMs), 35);
  batch.writeBigInt64BE(by.producerId, 43);
  batch.writeInt16BE(by.epoch, 51);
  batch.writeInt32BE(by.sequence, 53);
  batch.writeInt32BE(raw.count, 57);
  batch.writeUInt32BE(crcOf(batch, codecId === 0 ? raw.recordsCrc : null), CRC_AT);
}

function crcOf(batch: Buffer, recordsCrc: number | null): number {
  if (recordsCrc === null) return crc32c(batch.subarray(ATTRIBUTES_AT));
  return joinCrc(
    crc32c(batch.subarray(ATTRIBUTES_AT, HEADER_BYTES)),
    recordsCrc,
    batch.length - HEADER_BYTES,
  );
}

/** Most bytes that a record takes of an uncompressed batch, wherever in it it comes to stand. */
export function recordBound(
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: Uint8Array,
  head: ConstantBytes | null = null,
): number {
  const valueLength = (value?.length ?? 0) + (head?.bytes.length ?? 0);
  return 5 + 1 + 10 + 5 + 5 + (key?.length ?? 0) + 5 + valueLength + headers.length;
}

/** What Java's producer compares with max.request.size: an upper bound, its own one. */
export function sizeAsJavaSees(
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: Uint8Array,
  head: ConstantBytes | null = null,
): number {
  const keyBytes = key === null ? 1 : varintSize(key.length) + key.length;
  const valueLength = (value?.length ?? 0) + (head?.bytes.length ?? 0);
  const valueBytes = value === null ? 1 : varintSize(valueLength) + valueLength;
  return HEADER_BYTES + JAVA_RECORD_OVERHEAD + keyBytes + valueBytes + headers.length;
}

const JAVA_RECORD_OVERHEAD = 21;

/** `valueLength`: -1 for null. */
function bodySize(
  key: Uint8Array | null,
  valueLength: number,
  headers: Uint8Array,
  timestampDelta: number,
  offsetDelta: number,
): number {
  const keyBytes = key === null ? 1 : varintSize(key.length) + key.length;
  const valueBytes = valueLength < 0 ? 1 : varintSize(valueLength) + valueLength;
  const timestampBytes = timestampDelta === 0 ? 1 : varlongSize(timestampDelta);
  return 1 + timestampBytes + varintSize(offsetDelta) + keyBytes + valueBytes + headers.length;
}

/** Of a number that is not negative. */
function varintSize(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : value < 1048576 ? 3 : value < 134217728 ? 4 : 5;
}

function varlongSize(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  for (; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Exact up to 2^52, which is a span of 142,000 years. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function writeNullable(source: Uint8Array | null, out: Buffer, at: number): number {
  if (source === null) {
    out[at] = 1; // -1
    return at + 1;
  }
  return copy(source, out, writeVarint(source.length, out, at));
}

function writeVarint(value: number, out: Buffer, start: number): number {
  let rest = (value << 1) >>> 0;
  let at = start;
  while (rest >= 128) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

function writeZero(out: Buffer, at: number): number {
  out[at] = 0;
  return at + 1;
}

function writeVarlong(value: number, out: Buffer, start: number): number {
  let rest = zigzag(value);
  let at = start;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128;
  out[at++] = rest;
  return at;
}

/** Below this a loop is quicker than the call into the engine. */
const LOOP_BYTES = 24;

function copy(source: Uint8Array, out: Buffer, at: number): number {
  const length = source.length;
  if (length < LOOP_BYTES) for (let i = 0; i < length; i++) out[at + i] = source[i]!;
  else out.set(source, at);
  return at + length;
}
