import { ByteBuffer } from '../../base/byte-buffer.ts';

/** One header of a record, its value as a header converter made it; null is a header without a value. */
export interface Header {
  readonly name: string;
  readonly value: Uint8Array | null;
}

/**
 * Headers as a record of format 2 holds them: their number, then name and value, each with its length ahead; all numbers
 * as zigzag varints (https://kafka.apache.org/documentation/#recordheader). Rendered once for all records that share them.
 */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const out = new ByteBuffer(256);
  beginHeaders(headers.length, out);
  for (const { name, value } of headers) writeHeader(Buffer.from(name, 'utf8'), value, out);
  return Buffer.from(out.view());
}

/** `count` times `writeHeader` has to follow. */
export function beginHeaders(count: number, out: ByteBuffer): void {
  writeVarint(count, out);
}

export function writeHeader(name: Uint8Array, value: Uint8Array | null, out: ByteBuffer): void {
  writeBytes(name, out);
  if (value === null) writeVarint(-1, out);
  else writeBytes(value, out);
}

function writeBytes(bytes: Uint8Array, out: ByteBuffer): void {
  writeVarint(bytes.length, out);
  out.append(bytes);
}

function writeVarint(value: number, out: ByteBuffer): void {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = out.reserve(5);
  while (rest >= 0x80) {
    out.bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out.bytes[at++] = rest;
  out.length = at;
}
