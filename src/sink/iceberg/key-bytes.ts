import { IcestreamError } from '../../base/errors.ts';
import type { SpecialValue, ValueWriter } from '../../record/value.ts';

/**
 * Writes the values of one key in canonical form (rule L-1): two cells are one key exactly when their bytes here are
 * equal, whatever path they came by. `1.0` and `1.00` are one decimal; text, integers and uuids are themselves.
 *
 * Variable-length parts carry their length, so that ("a","bc") and ("ab","c") differ.
 */
export class KeyBytes implements ValueWriter {
  buffer = Buffer.allocUnsafeSlow(256);
  /** `buffer` as words, of which `seal` counts those in use. */
  words = new Int32Array(this.buffer.buffer);
  length = 0;

  reset(): void {
    this.length = 0;
  }

  /**
   * Fills the last word with zeros and returns the number of words. Keys of one table are equal exactly when their words
   * are: what varies in length says so, and all keys have the same parts.
   */
  seal(): number {
    const count = (this.length + 3) >> 2;
    const end = count * 4;
    for (let i = this.length; i < end; i++) this.buffer[i] = 0;
    return count;
  }

  /**
   * 32-bit hash of the first `count` words (FNV-like, then mixed). Sixteen numbers in a row have hashes in a row: rows that
   * come one after the other are looked up in one line of the processor's cache instead of sixteen.
   */
  hash(count = this.seal()): number {
    const { words } = this;
    const first = count === 0 ? 0 : words[0];
    const low = first & 15;
    let h = Math.imul((count * 4) ^ (first - low), 0x9e3779b1);
    h ^= h >>> 15;
    for (let i = 1; i < count; i++) {
      h = Math.imul(h ^ words[i], 0x9e3779b1);
      h ^= h >>> 15;
    }
    h ^= h >>> 16;
    h = Math.imul(h, 0x7feb352d);
    h ^= h >>> 15;
    return (h + low) | 0;
  }

  null(): void {
    throw new IcestreamError('table.null-key', 'a key column is NULL');
  }
  bool(value: boolean): void {
    this.#byte(value ? 1 : 0);
  }
  int32(value: number): void {
    this.int64(value >> 31, value >>> 0);
  }
  int64(hi: number, lo: number): void {
    const at = this.#room(8);
    if ((at & 3) === 0) {
      this.words[at >> 2] = lo;
      this.words[(at >> 2) + 1] = hi;
      return;
    }
    const bytes = this.buffer;
    bytes[at] = lo;
    bytes[at + 1] = lo >>> 8;
    bytes[at + 2] = lo >>> 16;
    bytes[at + 3] = lo >>> 24;
    bytes[at + 4] = hi;
    bytes[at + 5] = hi >> 8;
    bytes[at + 6] = hi >> 16;
    bytes[at + 7] = hi >> 24;
  }
  float32(value: number): void {
    this.float64(value);
  }
  float64(_value: number): void {
    throw new IcestreamError('table.unsupported-type', 'a floating point column cannot be part of a key');
  }
  decimalSmall(unscaled: number, scale: number): void {
    if (unscaled === 0) return this.#text('0');
    let value = unscaled;
    let digits = scale;
    while (value % 10 === 0) {
      value /= 10;
      digits--;
    }
    this.#text(`${value}e${-digits}`);
  }
  decimal(unscaled: bigint, scale: number): void {
    let value = unscaled;
    let digits = scale;
    if (value === 0n) return this.#text('0');
    while (value % 10n === 0n) {
      value /= 10n;
      digits--;
    }
    this.#text(`${value}e${-digits}`);
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#room(4 + end - start);
    this.buffer.writeInt32LE(end - start, at);
    if (end - start < 24) {
      for (let i = start, to = at + 4; i < end; i++, to++) this.buffer[to] = bytes[i];
    } else {
      this.buffer.set(bytes.subarray(start, end), at + 4);
    }
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.utf8(bytes, start, end);
  }
  uuid(bytes: Uint8Array, start: number): void {
    const at = this.#room(16);
    for (let i = 0; i < 16; i++) this.buffer[at + i] = bytes[start + i];
  }
  date(days: number): void {
    this.int32(days);
  }
  time(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  timetz(hi: number, lo: number, zoneSeconds: number): void {
    this.int64(hi, lo);
    this.int32(zoneSeconds);
  }
  timestamp(hi: number, lo: number): void {
    this.int64(hi, lo);
  }
  interval(months: number, days: number, hi: number, lo: number): void {
    this.int32(months);
    this.int32(days);
    this.int64(hi, lo);
  }
  special(kind: SpecialValue): void {
    throw new IcestreamError('table.null-key', `a key column holds ${kind}, which the lake cannot hold`);
  }
  beginList(): void {
    this.#composite();
  }
  endList(): void {}
  beginStruct(): void {
    this.#composite();
  }
  endStruct(): void {}
  beginMap(): void {
    this.#composite();
  }
  endMap(): void {}

  #composite(): never {
    throw new IcestreamError(
      'table.unsupported-type',
      'a list, map or struct column cannot be part of a key',
    );
  }

  #text(value: string): void {
    const at = this.#room(4 + value.length);
    this.buffer.writeInt32LE(value.length, at);
    this.buffer.write(value, at + 4, 'latin1');
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.buffer[at] = value;
  }

  /** Makes room and advances; returns where to write. */
  #room(count: number): number {
    const at = this.length;
    this.length = at + count;
    if (this.length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow((Math.max(this.length, this.buffer.length * 2) + 3) & ~3);
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
      this.words = new Int32Array(grown.buffer);
    }
    return at;
  }
}
