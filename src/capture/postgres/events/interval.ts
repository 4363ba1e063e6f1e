import { writeBigInt, writeInt64, writeText } from '../../../record/connect-value.ts';
import type { SpecialValue, ValueWriter } from '../../../record/value.ts';
import { printDecimal } from '../codecs/print.ts';
import type { PostgresConfig } from '../config.ts';
import { Adapter } from './adapter.ts';
import { named, type Shape } from './shape.ts';

export function intervalShape(mode: PostgresConfig['interval.handling.mode']): Shape {
  if (mode === 'string') {
    return {
      schema: named('string', 'io.debezium.time.Interval'),
      zero: 'P0Y0M0DT0H0M0S',
      adapt: (out) => new IsoInterval(out),
    };
  }
  return {
    schema: named('int64', 'io.debezium.time.MicroDuration'),
    zero: 0n,
    adapt: (out) => new MicroDuration(out),
  };
}

/** A month is a twelfth of 365.25 days, which is a whole number of microseconds. */
const MONTH_MICROS = 2_629_800_000_000;
const DAY_MICROS = 86_400_000_000;
const TWO_32 = 0x1_0000_0000;

class MicroDuration extends Adapter {
  override interval(months: number, days: number, hi: number, lo: number): void {
    const calendar = months * MONTH_MICROS + days * DAY_MICROS;
    const total = calendar + (hi * TWO_32 + lo);
    if (Math.abs(total) + Math.abs(calendar) <= Number.MAX_SAFE_INTEGER && Math.abs(hi) < 0x20_0000) {
      writeInt64(total, this.out);
      return;
    }
    const exact =
      BigInt(months) * BigInt(MONTH_MICROS) +
      BigInt(days) * BigInt(DAY_MICROS) +
      ((BigInt(hi) << 32n) + BigInt(lo));
    writeBigInt(clamped(exact), this.out);
  }
  override special(kind: SpecialValue): void {
    writeInfinite(kind, this.out);
  }
}

/** As Java turns a double into a long. */
function clamped(value: bigint): bigint {
  const max = (1n << 63n) - 1n;
  return value > max ? max : value < -max - 1n ? -max - 1n : value;
}

/** PostgreSQL 17 has infinite intervals; no release of Debezium says what they are. */
function writeInfinite(kind: SpecialValue, out: ValueWriter): void {
  if (kind === 'infinity') out.int64(0x7fff_ffff, 0xffff_ffff);
  else out.int64(-0x8000_0000, 0);
}

/** PnYnMnDTnHnMnS with all parts; each has its own sign. */
class IsoInterval extends Adapter {
  override interval(months: number, days: number, hi: number, lo: number): void {
    const micros = (BigInt(hi) << 32n) + BigInt(lo);
    const seconds = micros % 60_000_000n;
    const minutes = micros / 60_000_000n;
    const years = Math.trunc(months / 12);
    const date = `P${years}Y${months - years * 12}M${days}D`;
    writeText(`${date}T${minutes / 60n}H${minutes % 60n}M${printSeconds(seconds)}S`, this.out);
  }
  override special(kind: SpecialValue): void {
    writeText(kind === 'infinity' ? 'infinity' : '-infinity', this.out);
  }
}

function printSeconds(micros: bigint): string {
  const isNegative = micros < 0n;
  const text = printDecimal(String(isNegative ? -micros : micros), isNegative, 6);
  return text.replace(/\.?0+$/, '');
}
