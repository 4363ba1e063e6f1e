import type { IcebergType } from '../../iceberg/schema.ts';
import type { LogicalType, SpecialValue, ValueWriter } from '../../record/value.ts';
import { decimalText, intervalText, timetzText } from './value-text.ts';

/**
 * Most columns take a codec's values as they come. The rest is wrapped here: values that the lake keeps as text, and
 * those outside the lake type's domain (infinity, NaN), which become null and are counted, never silently another value.
 */
export function adaptValue(
  type: LogicalType,
  lake: IcebergType,
  column: ValueWriter,
  onSpecial: () => void,
): ValueWriter {
  switch (type.kind) {
    case 'timetz':
    case 'interval':
      return new TextValue(column, onSpecial);
    case 'decimal':
      return lake === 'string' ? new TextValue(column, onSpecial) : new RegularValue(column, onSpecial);
    case 'date':
    case 'timestamp':
    case 'timestamptz':
    case 'list':
    case 'map':
    case 'struct':
      return new RegularValue(column, onSpecial);
    default:
      return column;
  }
}

/** Passes everything on but specials. */
class RegularValue implements ValueWriter {
  protected readonly out: ValueWriter;
  readonly #onSpecial: () => void;

  constructor(out: ValueWriter, onSpecial: () => void) {
    this.out = out;
    this.#onSpecial = onSpecial;
  }

  null(): void {
    this.out.null();
  }
  bool(value: boolean): void {
    this.out.bool(value);
  }
  int32(value: number): void {
    this.out.int32(value);
  }
  int64(hi: number, lo: number): void {
    this.out.int64(hi, lo);
  }
  float32(value: number): void {
    this.out.float32(value);
  }
  float64(value: number): void {
    this.out.float64(value);
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.out.decimalSmall(unscaled, scale);
  }
  decimal(unscaled: bigint, scale: number): void {
    this.out.decimal(unscaled, scale);
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.out.utf8(bytes, start, end);
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.out.bytes(bytes, start, end);
  }
  uuid(bytes: Uint8Array, start: number): void {
    this.out.uuid(bytes, start);
  }
  date(days: number): void {
    this.out.date(days);
  }
  time(hi: number, lo: number): void {
    this.out.time(hi, lo);
  }
  timetz(hi: number, lo: number, zoneSeconds: number): void {
    this.text(timetzText(hi, lo, zoneSeconds));
  }
  timestamp(hi: number, lo: number): void {
    this.out.timestamp(hi, lo);
  }
  interval(months: number, days: number, hi: number, lo: number): void {
    this.text(intervalText(months, days, hi, lo));
  }
  special(_kind: SpecialValue): void {
    this.#onSpecial();
    this.out.null();
  }
  beginList(count: number): void {
    this.out.beginList(count);
  }
  endList(): void {
    this.out.endList();
  }
  beginStruct(): void {
    this.out.beginStruct();
  }
  endStruct(): void {
    this.out.endStruct();
  }
  beginMap(count: number): void {
    this.out.beginMap(count);
  }
  endMap(): void {
    this.out.endMap();
  }

  protected text(value: string): void {
    const bytes = Buffer.from(value, 'utf8');
    this.out.utf8(bytes, 0, bytes.length);
  }
}

/**
 * As `adaptValue`, for a column of the key: there `1.0` and `1.00` are one value, so that where the lake keeps a decimal as
 * text, rows and deletes both have its shortest form (L-1).
 */
export function adaptKeyValue(type: LogicalType, lake: IcebergType, column: ValueWriter): ValueWriter {
  const refuse = () => {};
  if (type.kind === 'decimal' && lake === 'string') return new CanonicalDecimalText(column, refuse);
  return adaptValue(type, lake, column, refuse);
}

/** As RegularValue, for a string column: decimals keep all their digits, and text holds what a number cannot. */
class TextValue extends RegularValue {
  override decimalSmall(unscaled: number, scale: number): void {
    this.text(decimalText(BigInt(unscaled), scale));
  }
  override decimal(unscaled: bigint, scale: number): void {
    this.text(decimalText(unscaled, scale));
  }
  override special(kind: SpecialValue): void {
    this.text(kind === 'nan' ? 'NaN' : kind === 'infinity' ? 'Infinity' : '-Infinity');
  }
}

class CanonicalDecimalText extends TextValue {
  override decimalSmall(unscaled: number, scale: number): void {
    this.decimal(BigInt(unscaled), scale);
  }
  override decimal(unscaled: bigint, scale: number): void {
    let value = unscaled;
    let digits = scale;
    while (digits > 0 && value % 10n === 0n) {
      value /= 10n;
      digits--;
    }
    this.text(decimalText(value, digits));
  }
}
