import type { Codec, ValueWriter } from '../../../record/value.ts';
import { int32At, uint32At } from './integer.ts';

/** Days from 1970-01-01 to PostgreSQL's epoch 2000-01-01. */
const EPOCH_DAYS = 10957;
/** The same in microseconds, 946_684_800_000_000, in two halves. */
const EPOCH_HI = 220417;
const EPOCH_LO = 993_517_568;

const TWO_32 = 0x100000000;
const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
const UINT32_MAX = 0xffffffff;

/** `date_send`: int32 days since 2000-01-01; the extremes are the infinities. */
export const dateCodec: Codec = {
  read(bytes, start, _end, out) {
    const days = int32At(bytes, start);
    if (days === INT32_MAX) out.special('infinity');
    else if (days === INT32_MIN) out.special('-infinity');
    else out.date(days + EPOCH_DAYS);
  },
};

/** `time_send`: int64 microseconds since midnight, 24:00:00 included. */
export const timeCodec: Codec = {
  read(bytes, start, _end, out) {
    out.time(int32At(bytes, start), uint32At(bytes, start + 4));
  },
};

/** `timetz_send`: as time, then int32 seconds WEST of UTC; writers want them east. */
export const timetzCodec: Codec = {
  read(bytes, start, _end, out) {
    out.timetz(int32At(bytes, start), uint32At(bytes, start + 4), -int32At(bytes, start + 8) | 0);
  },
};

/**
 * `timestamp_send`, `timestamptz_send`: int64 microseconds since 2000-01-01 00:00 (UTC for timestamptz); the extremes
 * are the infinities. PostgreSQL reaches the year 294276, but microseconds since 1970 leave 64 bits on 294247-01-10:
 * for the 30 years after that `hi` is above 2^31 - 1, and a writer with a 64-bit form must refuse the value.
 */
export const timestampCodec: Codec = {
  read(bytes, start, _end, out) {
    const hi = int32At(bytes, start);
    const lo = uint32At(bytes, start + 4);
    if (hi === INT32_MAX && lo === UINT32_MAX) out.special('infinity');
    else if (hi === INT32_MIN && lo === 0) out.special('-infinity');
    else writeTimestamp(hi, lo + EPOCH_LO, out);
  },
};

function writeTimestamp(hi: number, lo: number, out: ValueWriter): void {
  if (lo >= TWO_32) out.timestamp(hi + EPOCH_HI + 1, lo - TWO_32);
  else out.timestamp(hi + EPOCH_HI, lo);
}

/** `interval_send`: int64 microseconds, int32 days, int32 months; since PostgreSQL 17 the extremes are infinities. */
export const intervalCodec: Codec = {
  read(bytes, start, _end, out) {
    const hi = int32At(bytes, start);
    const lo = uint32At(bytes, start + 4);
    const days = int32At(bytes, start + 8);
    const months = int32At(bytes, start + 12);
    if (months === INT32_MAX && days === INT32_MAX && hi === INT32_MAX && lo === UINT32_MAX) {
      out.special('infinity');
    } else if (months === INT32_MIN && days === INT32_MIN && hi === INT32_MIN && lo === 0) {
      out.special('-infinity');
    } else {
      out.interval(months, days, hi, lo);
    }
  },
};
