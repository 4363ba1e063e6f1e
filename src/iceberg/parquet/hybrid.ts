import { IcestreamError } from '../../base/errors.ts';

/**
 * The RLE / bit-packing hybrid of levels and dictionary indexes (parquet-format, Encodings.md):
 *
 *     run := <varint: length << 1> <value, ceil(bitWidth / 8) bytes>
 *          | <varint: groups << 1 | 1> <groups * 8 values of bitWidth bits, least significant bit first>
 */

/** Most bytes that `count` values can take. */
export function hybridBound(count: number, bitWidth: number): number {
  return Math.ceil(count / 8) * (bitWidth + 2) + 16;
}

/** Bits that hold 0..max. */
export function bitWidthOf(max: number): number {
  return max === 0 ? 0 : 32 - Math.clz32(max);
}

/** Writes values[0, count) to `out` at `at`; returns where it ended. `bitWidth` is at most 24. */
export function writeHybrid(
  values: Uint8Array | Int32Array,
  count: number,
  bitWidth: number,
  out: Uint8Array,
  at: number,
): number {
  let position = at;
  let literalStart = 0;
  let literals = 0;
  let i = 0;
  while (i < count) {
    const value = values[i];
    let end = i + 1;
    while (end < count && values[end] === value) end++;
    let run = end - i;
    if (run >= 8) {
      // Bit-packed values come in eights: the run before it is filled up from this one.
      const fill = (8 - (literals & 7)) & 7;
      literals += fill;
      run -= fill;
      if (run >= 8) {
        position = writePacked(values, literalStart, literals, bitWidth, out, position);
        position = writeRun(value, run, bitWidth, out, position);
        literals = 0;
        literalStart = end;
      } else {
        literals += run;
      }
    } else {
      literals += run;
    }
    i = end;
  }
  return writePacked(values, literalStart, literals, bitWidth, out, position);
}

/** One run of `count` times the same value. */
export function writeRun(
  value: number,
  count: number,
  bitWidth: number,
  out: Uint8Array,
  at: number,
): number {
  let position = writeVarint(count * 2, out, at);
  for (let shift = 0; shift < bitWidth; shift += 8) out[position++] = value >>> shift;
  return position;
}

/** Reads `count` values from `bytes` at `at` into `out`; the counterpart of `writeHybrid`. */
export function readHybrid(
  bytes: Uint8Array,
  at: number,
  bitWidth: number,
  count: number,
  out: Uint8Array | Int32Array,
): void {
  let position = at;
  let filled = 0;
  while (filled < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++];
      header |= (byte & 0x7f) << shift;
      // Past the end `byte` is undefined, and the loop ends here too.
      if (!(byte >= 0x80)) break;
    }
    const run = header >>> 1;
    const runBytes = (header & 1) === 0 ? (bitWidth + 7) >> 3 : run * bitWidth;
    if (run === 0 || position + runBytes > bytes.length) {
      throw new IcestreamError('iceberg.format', 'a run of a page is cut off', { context: { position } });
    }
    if ((header & 1) === 0) {
      let value = 0;
      for (let shift = 0; shift < bitWidth; shift += 8) value |= bytes[position++] << shift;
      out.fill(value, filled, Math.min(count, filled + run));
      filled += run;
    } else {
      unpack(bytes, position, bitWidth, Math.min(count - filled, run * 8), out, filled);
      position += run * bitWidth;
      filled += run * 8;
    }
  }
}

function unpack(
  bytes: Uint8Array,
  at: number,
  bitWidth: number,
  count: number,
  out: Uint8Array | Int32Array,
  from: number,
): void {
  const mask = (1 << bitWidth) - 1;
  let position = at;
  let pending = 0;
  let bits = 0;
  for (let i = from; i < from + count; i++) {
    while (bits < bitWidth) {
      pending |= bytes[position++] << bits;
      bits += 8;
    }
    out[i] = pending & mask;
    pending >>>= bitWidth;
    bits -= bitWidth;
  }
}

function writePacked(
  values: Uint8Array | Int32Array,
  start: number,
  count: number,
  bitWidth: number,
  out: Uint8Array,
  at: number,
): number {
  if (count === 0) return at;
  const groups = (count + 7) >> 3;
  let position = writeVarint(groups * 2 + 1, out, at);
  const packedEnd = position + groups * bitWidth;
  let pending = 0;
  let bits = 0;
  for (let i = start; i < start + count; i++) {
    pending |= values[i] << bits;
    bits += bitWidth;
    while (bits >= 8) {
      out[position++] = pending;
      pending >>>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) out[position++] = pending;
  while (position < packedEnd) out[position++] = 0;
  return position;
}

function writeVarint(value: number, out: Uint8Array, at: number): number {
  let position = at;
  let rest = value;
  while (rest >= 0x80) {
    out[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[position++] = rest;
  return position;
}
