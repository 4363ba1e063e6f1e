import { type ChangeBatch, NULL_CELL, OP_LETTERS, UNCHANGED_CELL } from '../../../src/record/batch.ts';
import type { SpecialValue, ValueWriter } from '../../../src/record/value.ts';

/** A change as a test wants to look at it. Values are what the codec wrote; an unchanged cell is `UNCHANGED`. */
export interface PlainRow {
  readonly op: string;
  readonly table: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly flags: number;
  readonly transaction: string;
  readonly position: bigint;
}

export const UNCHANGED = Symbol('unchanged');

export function plainRows(batch: ChangeBatch): PlainRow[] {
  return Array.from({ length: batch.rowCount }, (_, row) => ({
    op: OP_LETTERS[batch.op[row]],
    table: batch.tables[batch.tableOf[row]].name,
    before: image(batch, row, batch.before[row]),
    after: image(batch, row, batch.after[row]),
    flags: batch.flags[row],
    transaction: batch.transactions[batch.transactionOf[row]].id,
    position: (BigInt(batch.positionHi[row]) << 32n) | BigInt(batch.positionLo[row]),
  }));
}

function image(batch: ChangeBatch, row: number, first: number): Record<string, unknown> | null {
  if (first < 0) return null;
  const values: Record<string, unknown> = {};
  batch.tables[batch.tableOf[row]].columns.forEach((column, i) => {
    const length = batch.cellLength[first + i];
    const start = batch.cellStart[first + i];
    if (length === NULL_CELL) values[column.name] = null;
    else if (length === UNCHANGED_CELL) values[column.name] = UNCHANGED;
    else {
      const writer = new PlainWriter();
      column.codec.read(batch.bytes, start, start + length, writer);
      values[column.name] = writer.value;
    }
  });
  return values;
}

/** Keeps the last scalar written: enough for tables of scalars. */
class PlainWriter implements ValueWriter {
  value: unknown;

  null(): void {
    this.value = null;
  }
  bool(value: boolean): void {
    this.value = value;
  }
  int32(value: number): void {
    this.value = value;
  }
  int64(hi: number, lo: number): void {
    this.value = (BigInt(hi) << 32n) | BigInt(lo);
  }
  float32(value: number): void {
    this.value = value;
  }
  float64(value: number): void {
    this.value = value;
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.value = unscaled / 10 ** scale;
  }
  decimal(unscaled: bigint, scale: number): void {
    this.value = `${unscaled}e-${scale}`;
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.value = Buffer.from(bytes.subarray(start, end)).toString();
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.value = Buffer.from(bytes.subarray(start, end)).toString('hex');
  }
  uuid(bytes: Uint8Array, start: number): void {
    this.bytes(bytes, start, start + 16);
  }
  date(days: number): void {
    this.value = days;
  }
  time(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  timetz(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  timestamp(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  interval(months: number, days: number): void {
    this.value = `${months} ${days}`;
  }
  special(kind: SpecialValue): void {
    this.value = kind;
  }
  beginList(): void {}
  endList(): void {}
  beginStruct(): void {}
  endStruct(): void {}
  beginMap(): void {}
  endMap(): void {}
}
