/**
 * Snappy block compression (format_description.txt of google/snappy): the uncompressed length as a varint, then
 * literals and copies. Matches are found by a hash of four bytes, within fragments of 64 KB so that every offset fits
 * two bytes.
 */

const FRAGMENT = 65536;
const HASH_BITS = 14;

/** Most bytes that `length` input bytes can take. */
export function snappyBound(length: number): number {
  return 32 + length + Math.ceil(length / 6);
}

/** The compressed form of input[0, length) as a buffer of its own. */
export function snappyCompress(input: Uint8Array, length = input.length): Buffer {
  const out = Buffer.allocUnsafeSlow(snappyBound(length));
  let at = 0;
  let rest = length;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  const table = new Uint16Array(1 << HASH_BITS);
  for (let start = 0; start < length; start += FRAGMENT) {
    table.fill(0);
    at = compressFragment(input, start, Math.min(start + FRAGMENT, length), table, out, at);
  }
  return Buffer.from(out.subarray(0, at));
}

function compressFragment(
  input: Uint8Array,
  start: number,
  end: number,
  table: Uint16Array,
  out: Uint8Array,
  outAt: number,
): number {
  let at = outAt;
  let literalStart = start;
  let i = start + 1;
  const last = end - 4;
  // The longer nothing matches the faster we skip, as the reference implementation does.
  let misses = 32;
  while (i <= last) {
    const word = load(input, i);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const candidate = start + table[slot];
    table[slot] = i - start;
    if (candidate >= i || load(input, candidate) !== word) {
      i += misses++ >> 5;
      continue;
    }
    misses = 32;
    let match = i + 4;
    let other = candidate + 4;
    while (match < end && input[match] === input[other]) {
      match++;
      other++;
    }
    at = writeLiteral(input, literalStart, i, out, at);
    at = writeCopy(i - candidate, match - i, out, at);
    literalStart = match;
    i = match;
  }
  return writeLiteral(input, literalStart, end, out, at);
}

function load(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function writeLiteral(input: Uint8Array, start: number, end: number, out: Uint8Array, outAt: number): number {
  const length = end - start;
  if (length === 0) return outAt;
  let at = outAt;
  const n = length - 1;
  if (n < 60) {
    out[at++] = n << 2;
  } else if (n < 256) {
    out[at++] = 60 << 2;
    out[at++] = n;
  } else {
    out[at++] = 61 << 2;
    out[at++] = n;
    out[at++] = n >> 8;
  }
  if (length < 32) for (let i = start; i < end; i++) out[at++] = input[i];
  else {
    out.set(input.subarray(start, end), at);
    at += length;
  }
  return at;
}

/** Copies of at most 64 bytes; none shorter than four, which is why a rest of 65..67 is split as 60 and the rest. */
function writeCopy(offset: number, length: number, out: Uint8Array, outAt: number): number {
  let at = outAt;
  let rest = length;
  while (rest > 0) {
    const part = rest > 67 ? 64 : rest > 64 ? 60 : rest;
    if (part >= 4 && part <= 11 && offset < 2048) {
      out[at++] = 1 | ((part - 4) << 2) | ((offset >> 8) << 5);
      out[at++] = offset;
    } else {
      out[at++] = 2 | ((part - 1) << 2);
      out[at++] = offset;
      out[at++] = offset >> 8;
    }
    rest -= part;
  }
  return at;
}
