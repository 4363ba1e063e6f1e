import type { Codec } from '../../../record/value.ts';
import { int16At, int32At, int64At, uint16At, uint32At } from './integer.ts';

const NEGATIVE = 0x4000;
const NAN = 0xc000;
const INFINITY = 0xd000;
const NEGATIVE_INFINITY = 0xf000;

/** 10^0 .. 10^22 are exact doubles; beyond 10^15 no product below is safe, so 16 entries are enough. */
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/**
 * `numeric_send`: int16 digit count, int16 weight, uint16 sign, uint16 display scale, then base-10000 digits. The
 * first digit counts 10000^weight. Trailing zero digits are not sent, so the display scale may ask for zeros that
 * are not there, and the last digit may hold zeros beyond the display scale.
 *
 * The value is written as unscaled * 10^-dscale, so `1.0` and `1.00` differ in scale and not in value.
 */
export const numericCodec: Codec = {
  read(bytes, start, _end, out) {
    const digits = uint16At(bytes, start);
    const weight = int16At(bytes, start + 2);
    const sign = uint16At(bytes, start + 4);
    const scale = uint16At(bytes, start + 6);
    if (sign !== 0 && sign !== NEGATIVE) {
      out.special(sign === NAN ? 'nan' : sign === INFINITY ? 'infinity' : specialOf(sign));
      return;
    }
    const exponent = 4 * (weight - digits + 1) + scale;
    if (digits <= 5 && exponent > -16 && exponent < 16) {
      let value = 0;
      const end = start + 8 + 2 * digits;
      for (let at = start + 8; at < end; at += 2) value = value * 10000 + uint16At(bytes, at);
      // A sum or product that passed 2^53 on the way stays above it, so one check at each end is enough. Dividing is
      // exact: what is divided away is zeros.
      if (value <= Number.MAX_SAFE_INTEGER) {
        const scaled = exponent < 0 ? value / POWERS_OF_TEN[-exponent] : value * POWERS_OF_TEN[exponent];
        if (scaled <= Number.MAX_SAFE_INTEGER) {
          out.decimalSmall(sign === NEGATIVE && scaled !== 0 ? -scaled : scaled, scale);
          return;
        }
      }
    }
    const value = unscaledBig(bytes, start + 8, digits, exponent);
    out.decimal(sign === NEGATIVE ? -value : value, scale);
  },
};

/** `cash_send`: an int64 in the smallest unit; how many fraction digits that means is the server's lc_monetary. */
export function moneyCodec(fractionDigits: number): Codec {
  return {
    read(bytes, start, _end, out) {
      const hi = int32At(bytes, start);
      // Below 2^52 in size; the sum is then a safe integer.
      if (hi >= -0x100000 && hi < 0x100000) {
        out.decimalSmall(hi * 0x100000000 + uint32At(bytes, start + 4), fractionDigits);
      } else {
        out.decimal(int64At(bytes, start), fractionDigits);
      }
    },
  };
}

function specialOf(sign: number): '-infinity' | 'nan' {
  return sign === NEGATIVE_INFINITY ? '-infinity' : 'nan';
}

/** By way of a decimal text, whose conversion stays below quadratic for numbers of 100,000 digits. */
function unscaledBig(bytes: Uint8Array, at: number, digits: number, exponent: number): bigint {
  if (digits === 0) return 0n;
  let text = '';
  for (let i = 0; i < digits; i++) text += String(uint16At(bytes, at + 2 * i)).padStart(4, '0');
  if (exponent < 0) return BigInt(text.slice(0, text.length + exponent) || '0');
  return BigInt(text + '0'.repeat(exponent));
}
