import { crc32c } from '@node-rs/crc32';

/**
 * The CRC-32C of bytes in a row from those of its parts: crc(a + b) = shifted(crc(a), b.length) ^ crc(b), where shifting by a
 * length is linear, a table for each byte of the crc (the method of zlib's crc32_combine).
 */
export { crc32c };

/** Four tables of 256, the first for the crc's lowest byte. */
type Shift = Uint32Array;

/** Bytes that come before many others, whose crc is known: they are not gone through again. */
export class ConstantBytes {
  readonly bytes: Uint8Array;
  readonly #crc: number;
  readonly #shift: Shift;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#crc = crc32c(bytes);
    this.#shift = shiftBy(bytes.length);
  }

  /** The crc of what had the crc `before` and is followed by these bytes. */
  append(before: number): number {
    return (apply(this.#shift, before) ^ this.#crc) >>> 0;
  }
}

/** The crc of what had the crc `first`, followed by `length` bytes that have the crc `second`. */
export function joinCrc(first: number, second: number, length: number): number {
  let crc = first;
  for (let rest = length, power = 0; rest > 0; rest = Math.floor(rest / 2), power++)
    if (rest % 2 === 1) crc = apply(powerOf(power), crc);
  return (crc ^ second) >>> 0;
}

function apply(shift: Shift, crc: number): number {
  return (
    shift[crc & 255] ^
    shift[256 + ((crc >>> 8) & 255)] ^
    shift[512 + ((crc >>> 16) & 255)] ^
    shift[768 + (crc >>> 24)]
  );
}

/** Zeros leave of a crc nothing but its being shifted. */
function shiftBy(length: number): Shift {
  const zeros = new Uint8Array(length);
  const ofNothing = crc32c(zeros, 0);
  return tabulate((crc) => crc32c(zeros, crc) ^ ofNothing);
}

function tabulate(shift: (crc: number) => number): Shift {
  const table = new Uint32Array(1024);
  for (let byte = 0; byte < 4; byte++) {
    for (let bit = 0; bit < 8; bit++) {
      const value = shift((1 << (byte * 8 + bit)) >>> 0);
      // Every number is the sum of one that has this bit alone and one below it.
      for (let below = 0; below < 1 << bit; below++)
        table[byte * 256 + (1 << bit) + below] = table[byte * 256 + below] ^ value;
    }
  }
  return table;
}

/** By 1, 2, 4, ... bytes. */
const powers: Shift[] = [];

function powerOf(power: number): Shift {
  powers[0] ??= shiftBy(1);
  for (let i = powers.length; i <= power; i++) {
    const half = powers[i - 1];
    powers[i] = tabulate((crc) => apply(half, apply(half, crc)));
  }
  return powers[power];
}
