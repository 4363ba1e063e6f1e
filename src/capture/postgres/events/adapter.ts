import { IcestreamError } from '../../../base/errors.ts';
import type { SpecialValue, ValueWriter } from '../../../record/value.ts';

/**
 * Turns the calls of one type's codec into those that its field's schema asks for. A class derived from it takes the calls
 * of its type; any other is a fault of the pairing of type and shape. One object serves all values of a field: nothing is
 * made per value.
 */
export class Adapter implements ValueWriter {
  protected readonly out: ValueWriter;

  constructor(out: ValueWriter) {
    this.out = out;
  }

  /** An element of a list, a value of a map. */
  null(): void {
    this.out.null();
  }
  bool(_value: boolean): void {
    throw unexpected(this, 'bool');
  }
  int32(_value: number): void {
    throw unexpected(this, 'int32');
  }
  int64(_hi: number, _lo: number): void {
    throw unexpected(this, 'int64');
  }
  float32(_value: number): void {
    throw unexpected(this, 'float32');
  }
  float64(_value: number): void {
    throw unexpected(this, 'float64');
  }
  decimalSmall(_unscaled: number, _scale: number): void {
    throw unexpected(this, 'decimalSmall');
  }
  decimal(_unscaled: bigint, _scale: number): void {
    throw unexpected(this, 'decimal');
  }
  utf8(_bytes: Uint8Array, _start: number, _end: number): void {
    throw unexpected(this, 'utf8');
  }
  bytes(_bytes: Uint8Array, _start: number, _end: number): void {
    throw unexpected(this, 'bytes');
  }
  uuid(_bytes: Uint8Array, _start: number): void {
    throw unexpected(this, 'uuid');
  }
  date(_days: number): void {
    throw unexpected(this, 'date');
  }
  time(_hi: number, _lo: number): void {
    throw unexpected(this, 'time');
  }
  timetz(_hi: number, _lo: number, _zoneSeconds: number): void {
    throw unexpected(this, 'timetz');
  }
  timestamp(_hi: number, _lo: number): void {
    throw unexpected(this, 'timestamp');
  }
  interval(_months: number, _days: number, _hi: number, _lo: number): void {
    throw unexpected(this, 'interval');
  }
  special(_kind: SpecialValue): void {
    throw unexpected(this, 'special');
  }
  beginList(_count: number): void {
    throw unexpected(this, 'beginList');
  }
  endList(): void {
    throw unexpected(this, 'endList');
  }
  beginStruct(): void {
    throw unexpected(this, 'beginStruct');
  }
  endStruct(): void {
    throw unexpected(this, 'endStruct');
  }
  beginMap(_count: number): void {
    throw unexpected(this, 'beginMap');
  }
  endMap(): void {
    throw unexpected(this, 'endMap');
  }
}

/** Takes a list of integers and writes an empty one: what Debezium makes of int2vector and oidvector. */
export class EmptyList extends Adapter {
  override beginList(_count: number): void {}
  override int32(_value: number): void {}
  override int64(_hi: number, _lo: number): void {}
  override endList(): void {
    this.out.beginList(0);
    this.out.endList();
  }
}

/** A list whose elements need an adapter of their own: only its frame passes as it is. */
export class ListAdapter implements ValueWriter {
  readonly #out: ValueWriter;
  readonly #element: ValueWriter;

  constructor(out: ValueWriter, element: ValueWriter) {
    this.#out = out;
    this.#element = element;
  }

  beginList(count: number): void {
    this.#out.beginList(count);
  }
  endList(): void {
    this.#out.endList();
  }

  null(): void {
    this.#element.null();
  }
  bool(value: boolean): void {
    this.#element.bool(value);
  }
  int32(value: number): void {
    this.#element.int32(value);
  }
  int64(hi: number, lo: number): void {
    this.#element.int64(hi, lo);
  }
  float32(value: number): void {
    this.#element.float32(value);
  }
  float64(value: number): void {
    this.#element.float64(value);
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.#element.decimalSmall(unscaled, scale);
  }
  decimal(unscaled: bigint, scale: number): void {
    this.#element.decimal(unscaled, scale);
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.#element.utf8(bytes, start, end);
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#element.bytes(bytes, start, end);
  }
  uuid(bytes: Uint8Array, start: number): void {
    this.#element.uuid(bytes, start);
  }
  date(days: number): void {
    this.#element.date(days);
  }
  time(hi: number, lo: number): void {
    this.#element.time(hi, lo);
  }
  timetz(hi: number, lo: number, zoneSeconds: number): void {
    this.#element.timetz(hi, lo, zoneSeconds);
  }
  timestamp(hi: number, lo: number): void {
    this.#element.timestamp(hi, lo);
  }
  interval(months: number, days: number, hi: number, lo: number): void {
    this.#element.interval(months, days, hi, lo);
  }
  special(kind: SpecialValue): void {
    this.#element.special(kind);
  }
  beginStruct(): void {
    this.#element.beginStruct();
  }
  endStruct(): void {
    this.#element.endStruct();
  }
  beginMap(count: number): void {
    this.#element.beginMap(count);
  }
  endMap(): void {
    this.#element.endMap();
  }
}

function unexpected(adapter: Adapter, call: string): IcestreamError {
  return new IcestreamError('internal', `a codec wrote ${call} where ${adapter.constructor.name} reads`);
}
