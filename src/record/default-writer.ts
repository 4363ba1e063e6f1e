import type { ConnectSchema, ConnectValue } from './connect-schema.ts';
import { writeValue } from './connect-value.ts';
import type { SpecialValue, ValueWriter } from './value.ts';

/** Writes a default in place of each value that is null; nulls within lists, maps and structs stay. */
export class DefaultWriter implements ValueWriter {
  readonly #out: ValueWriter;
  readonly #schema: ConnectSchema;
  readonly #ifNull: ConnectValue;
  #depth = 0;

  constructor(out: ValueWriter, schema: ConnectSchema, ifNull: ConnectValue) {
    this.#out = out;
    this.#schema = schema;
    this.#ifNull = ifNull;
  }

  null(): void {
    if (this.#depth === 0) writeValue(this.#schema, this.#ifNull, this.#out);
    else this.#out.null();
  }
  bool(value: boolean): void {
    this.#out.bool(value);
  }
  int32(value: number): void {
    this.#out.int32(value);
  }
  int64(hi: number, lo: number): void {
    this.#out.int64(hi, lo);
  }
  float32(value: number): void {
    this.#out.float32(value);
  }
  float64(value: number): void {
    this.#out.float64(value);
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.#out.decimalSmall(unscaled, scale);
  }
  decimal(unscaled: bigint, scale: number): void {
    this.#out.decimal(unscaled, scale);
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.#out.utf8(bytes, start, end);
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#out.bytes(bytes, start, end);
  }
  uuid(bytes: Uint8Array, start: number): void {
    this.#out.uuid(bytes, start);
  }
  date(days: number): void {
    this.#out.date(days);
  }
  time(hi: number, lo: number): void {
    this.#out.time(hi, lo);
  }
  timetz(hi: number, lo: number, zoneSeconds: number): void {
    this.#out.timetz(hi, lo, zoneSeconds);
  }
  timestamp(hi: number, lo: number): void {
    this.#out.timestamp(hi, lo);
  }
  interval(months: number, days: number, hi: number, lo: number): void {
    this.#out.interval(months, days, hi, lo);
  }
  special(kind: SpecialValue): void {
    this.#out.special(kind);
  }
  beginList(count: number): void {
    this.#depth++;
    this.#out.beginList(count);
  }
  endList(): void {
    this.#depth--;
    this.#out.endList();
  }
  beginStruct(): void {
    this.#depth++;
    this.#out.beginStruct();
  }
  endStruct(): void {
    this.#depth--;
    this.#out.endStruct();
  }
  beginMap(count: number): void {
    this.#depth++;
    this.#out.beginMap(count);
  }
  endMap(): void {
    this.#depth--;
    this.#out.endMap();
  }
}
