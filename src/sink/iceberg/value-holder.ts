import { IcestreamError } from '../../base/errors.ts';
import type { PartitionValue } from '../../iceberg/file.ts';
import { decimalOf, type PrimitiveType } from '../../iceberg/schema.ts';
import type { ValueWriter } from '../../record/value.ts';

/** Takes one value and keeps it in the form of a `PartitionValue`. */
export class ValueHolder implements ValueWriter {
  value: PartitionValue = null;
  readonly #type: PrimitiveType;
  readonly #scale: number;

  constructor(type: PrimitiveType) {
    this.#type = type;
    this.#scale = decimalOf(type)?.scale ?? 0;
  }

  null(): void {
    this.value = null;
  }
  bool(value: boolean): void {
    this.value = value;
  }
  int32(value: number): void {
    this.value = this.#type === 'long' ? BigInt(value) : value;
  }
  int64(hi: number, lo: number): void {
    this.value = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
  }
  float32(value: number): void {
    this.value = value;
  }
  float64(value: number): void {
    this.value = value;
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.decimal(BigInt(unscaled), scale);
  }
  decimal(unscaled: bigint, scale: number): void {
    this.value =
      scale <= this.#scale
        ? unscaled * 10n ** BigInt(this.#scale - scale)
        : unscaled / 10n ** BigInt(scale - this.#scale);
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.value = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.value = bytes.slice(start, end);
  }
  uuid(bytes: Uint8Array, start: number): void {
    this.value = bytes.slice(start, start + 16);
  }
  date(days: number): void {
    this.value = days;
  }
  time(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  timetz(): void {
    this.#nested();
  }
  timestamp(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  interval(): void {
    this.#nested();
  }
  special(): void {
    this.value = null;
  }
  beginList(): void {
    this.#nested();
  }
  endList(): void {}
  beginStruct(): void {
    this.#nested();
  }
  endStruct(): void {}
  beginMap(): void {
    this.#nested();
  }
  endMap(): void {}

  #nested(): never {
    throw new IcestreamError('internal', 'a key or partition column has a value that cannot be one');
  }
}
