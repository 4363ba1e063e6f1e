import { invariant } from '../base/errors.ts';
import type { ValueWriter } from './value.ts';

/**
 * The fields of one `source` block, kept until they are asked for by their place: transforms copy some of them, in an order of
 * their own. Blocks are flat. What is kept refers to the bytes that the block was written from.
 */
export class SourceFields implements ValueWriter {
  readonly #kinds: Kind[] = [];
  readonly #first: number[] = [];
  readonly #second: number[] = [];
  readonly #bytes: Uint8Array[] = [];
  #count = 0;

  /** A field of the block that was written last. */
  write(field: number, out: ValueWriter): void {
    invariant(field < this.#count, 'the source block has the field', { field });
    const first = this.#first[field];
    const second = this.#second[field];
    switch (this.#kinds[field]) {
      case 'null':
        return out.null();
      case 'bool':
        return out.bool(first === 1);
      case 'int32':
        return out.int32(first);
      case 'int64':
        return out.int64(first, second);
      case 'float64':
        return out.float64(first);
      case 'utf8':
        return out.utf8(this.#bytes[field], first, second);
      case 'bytes':
        return out.bytes(this.#bytes[field], first, second);
    }
  }

  beginStruct(): void {
    this.#count = 0;
  }
  endStruct(): void {}

  null(): void {
    this.#keep('null', 0, 0);
  }
  bool(value: boolean): void {
    this.#keep('bool', value ? 1 : 0, 0);
  }
  int32(value: number): void {
    this.#keep('int32', value, 0);
  }
  int64(hi: number, lo: number): void {
    this.#keep('int64', hi, lo);
  }
  float64(value: number): void {
    this.#keep('float64', value, 0);
  }
  utf8(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes[this.#count] = bytes;
    this.#keep('utf8', start, end);
  }
  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes[this.#count] = bytes;
    this.#keep('bytes', start, end);
  }

  float32 = notThere;
  decimalSmall = notThere;
  decimal = notThere;
  uuid = notThere;
  date = notThere;
  time = notThere;
  timetz = notThere;
  timestamp = notThere;
  interval = notThere;
  special = notThere;
  beginList = notThere;
  endList = notThere;
  beginMap = notThere;
  endMap = notThere;

  #keep(kind: Kind, first: number, second: number): void {
    const at = this.#count++;
    this.#kinds[at] = kind;
    this.#first[at] = first;
    this.#second[at] = second;
  }
}

type Kind = 'null' | 'bool' | 'int32' | 'int64' | 'float64' | 'utf8' | 'bytes';

function notThere(): never {
  invariant(false, 'a source block has scalar fields only');
}
