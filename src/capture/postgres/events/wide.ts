import type { ValueWriter } from '../../../record/value.ts';

const TWO_32 = 0x1_0000_0000;

/** floor(value / 1000) of a signed 64-bit value in halves. */
export function writeThousandth(hi: number, lo: number, out: ValueWriter): void {
  const high = Math.floor(hi / 1000);
  const rest = (hi - high * 1000) * TWO_32 + lo;
  out.int64(high, Math.floor(rest / 1000));
}

/** value * 1000 in 64 bits; what does not fit wraps around, as a Java long does. */
export function writeThousandfold(hi: number, lo: number, out: ValueWriter): void {
  const low = lo * 1000;
  const carry = Math.floor(low / TWO_32);
  out.int64((hi * 1000 + carry) | 0, low - carry * TWO_32);
}

/** Whole seconds of signed microseconds in halves, rounded down; exact for all 64 bits. */
export function secondsOf(hi: number, lo: number): number {
  const high = Math.floor(hi / 1_000_000);
  const rest = (hi - high * 1_000_000) * TWO_32 + lo;
  return high * TWO_32 + Math.floor(rest / 1_000_000);
}

/** The microseconds beyond `secondsOf`, 0..999999. */
export function microsOf(hi: number, lo: number): number {
  return ((hi - Math.floor(hi / 1_000_000) * 1_000_000) * TWO_32 + lo) % 1_000_000;
}
