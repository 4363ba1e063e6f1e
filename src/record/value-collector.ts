import { invariant } from '../base/errors.ts';
import type { ConnectValue } from './connect-schema.ts';
import type { SpecialValue, ValueWriter } from './value.ts';

/** Builds whole values from the calls of a ValueWriter, for what works on values instead of cells. */
export class ValueCollector implements ValueWriter {
  /** Open lists and structs, and maps as keys and values in turn; the outermost has one element, the value. */
  #open: ConnectValue[][] = [[]];

  /** The value of the calls since the last `take`. */
  take(): ConnectValue {
    invariant(this.#open.length === 1 && this.#open[0].length === 1, 'one whole value has been written');
    const [value] = this.#open[0];
    this.#open = [[]];
    return value;
  }

  null(): void {
    this.#add(null);
  }
  bool(value: boolean): void {
    this.#add(value);
  }
  int32(value: number): void {
    this.#add(value);
  }
  int64(hi: number, lo: number): void {
    this.#add((BigInt(hi) << 32n) | BigInt(lo));
  }
  float32(value: number): void {
    this.#add(value);
  }
  float64(value: number): void {
    this.#add(value);
  }
  decimalSmall(unscaled: number, scale: number): void {
    this.#add({ unscaled: BigInt(unscaled), scale });
  }
  decimal(unscaled: bigint, scale: number): void {
    this.#add({ unscaled, scale });
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.#add(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#add(Buffer.from(bytes.subarray(start, end)));
  }
  beginList(): void {
    this.#open.push([]);
  }
  endList(): void {
    this.#add(this.#close());
  }
  beginStruct(): void {
    this.#open.push([]);
  }
  endStruct(): void {
    this.#add(this.#close());
  }
  beginMap(): void {
    this.#open.push([]);
  }
  endMap(): void {
    const entries = this.#close();
    const map = new Map<ConnectValue, ConnectValue>();
    for (let i = 0; i < entries.length; i += 2) map.set(entries[i], entries[i + 1]);
    this.#add(map);
  }
  uuid(): void {
    notConnect('uuid');
  }
  date(): void {
    notConnect('date');
  }
  time(): void {
    notConnect('time');
  }
  timetz(): void {
    notConnect('timetz');
  }
  timestamp(): void {
    notConnect('timestamp');
  }
  interval(): void {
    notConnect('interval');
  }
  special(_kind: SpecialValue): void {
    notConnect('special');
  }

  #add(value: ConnectValue): void {
    this.#open[this.#open.length - 1].push(value);
  }

  #close(): ConnectValue[] {
    const values = this.#open.pop();
    invariant(values !== undefined && this.#open.length > 0, 'an end without its begin');
    return values;
  }
}

/** A field's adapter has made a physical value of it. */
function notConnect(call: string): never {
  invariant(false, 'a logical value reached a Connect value', { call });
}
