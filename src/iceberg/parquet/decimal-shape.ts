import { IcestreamError } from '../../base/errors.ts';

/** Precision and scale of a decimal column: brings values to its scale and refuses what it cannot hold. */
export class DecimalShape {
  readonly precision: number;
  readonly scale: number;
  private readonly column: string;
  /** 10^precision, exact up to 10^22; the comparison below only needs it for safe integers. */
  private readonly limit: number;
  private readonly wideLimit: bigint;

  constructor(precision: number, scale: number, column: string) {
    this.precision = precision;
    this.scale = scale;
    this.column = column;
    this.limit = 10 ** precision;
    this.wideLimit = 10n ** BigInt(precision);
  }

  /** The unscaled value at the column's scale, or NaN where it may be beyond 2^53: then ask `wide`. */
  small(unscaled: number, scale: number): number {
    let value = unscaled;
    if (scale < this.scale) {
      const shift = this.scale - scale;
      if (shift > 22 && unscaled !== 0) return Number.NaN;
      value = unscaled * POWERS[Math.min(shift, 22)];
      if (!Number.isSafeInteger(value)) return Number.NaN;
    } else if (scale > this.scale) {
      const shift = scale - this.scale;
      if (shift > 15) return Number.NaN;
      if (unscaled % POWERS[shift] !== 0) this.refuse('has more fraction digits than', scale);
      value = unscaled / POWERS[shift];
    }
    if (value >= this.limit || value <= -this.limit) this.refuse('is too large for', scale);
    return value;
  }

  wide(unscaled: bigint, scale: number): bigint {
    let value = unscaled;
    if (scale < this.scale) {
      value = unscaled * 10n ** BigInt(this.scale - scale);
    } else if (scale > this.scale) {
      const divisor = 10n ** BigInt(scale - this.scale);
      if (unscaled % divisor !== 0n) this.refuse('has more fraction digits than', scale);
      value = unscaled / divisor;
    }
    if (value >= this.wideLimit || value <= -this.wideLimit) this.refuse('is too large for', scale);
    return value;
  }

  private refuse(problem: string, scale: number): never {
    const type = `decimal(${this.precision}, ${this.scale})`;
    throw new IcestreamError(
      'table.value-out-of-range',
      `a value ${problem} ${type} of column ${this.column}`,
      {
        context: { column: this.column, type, scale },
      },
    );
  }
}

const POWERS: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
