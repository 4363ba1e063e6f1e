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
