import { IcestreamError } from '../../base/errors.ts';

/** A struct read from the compact protocol: numbers, booleans and structs by field id; everything else is skipped. */
export interface ThriftStruct {
  readonly numbers: ReadonlyMap<number, number>;
  readonly structs: ReadonlyMap<number, ThriftStruct>;
}

/** Reads page headers, which hold small numbers and structs of them. */
export class ThriftReader {
  position: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  struct(): ThriftStruct {
    const numbers = new Map<number, number>();
    const structs = new Map<number, ThriftStruct>();
    for (let id = 0; ; ) {
      const head = this.byte();
      if (head === 0) return { numbers, structs };
      id = head >> 4 === 0 ? this.zigzag() : id + (head >> 4);
      const type = head & 15;
      if (type === 1 || type === 2) numbers.set(id, 2 - type);
      else if (type >= 4 && type <= 6) numbers.set(id, this.zigzag());
      else if (type === 12) structs.set(id, this.struct());
      else this.skip(type);
    }
  }

  private skip(type: number): void {
    switch (type) {
      case 3:
        this.position++;
        return;
      case 7:
        this.position += 8;
        return;
      case 8:
        this.position += this.varint();
        return;
      default:
        throw new IcestreamError('iceberg.format', 'a page header holds what page headers do not hold', {
          context: { position: this.position, type },
        });
    }
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  private varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  private byte(): number {
    if (this.position >= this.bytes.length) {
      throw new IcestreamError('iceberg.format', 'a page header ends too early', {
        context: { position: this.position },
      });
    }
    return this.bytes[this.position++];
  }
}
