/**
 * Writes Thrift structs in the compact protocol, as far as Parquet's metadata needs it. Fields must be written in the
 * order of their ids: the protocol stores the difference to the id before.
 */
export class ThriftWriter {
  private bytes: Buffer;
  private used = 0;
  private lastId = 0;
  private readonly outerIds: number[] = [];

  constructor(capacity = 1024) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  i8(id: number, value: number): void {
    this.field(id, TYPE.byte);
    this.byte(value & 0xff);
  }

  i16(id: number, value: number): void {
    this.field(id, TYPE.i16);
    this.zigzag(value);
  }

  i32(id: number, value: number): void {
    this.field(id, TYPE.i32);
    this.zigzag(value);
  }

  /** A 64-bit field; our numbers (offsets, counts) are safe integers. */
  i64(id: number, value: number): void {
    this.field(id, TYPE.i64);
    this.zigzag(value);
  }

  bool(id: number, value: boolean): void {
    this.field(id, value ? TYPE.true : TYPE.false);
  }

  binary(id: number, value: Uint8Array): void {
    this.field(id, TYPE.binary);
    this.lengthAndBytes(value);
  }

  string(id: number, value: string): void {
    this.binary(id, Buffer.from(value));
  }

  struct(id: number, body: () => void): void {
    this.field(id, TYPE.struct);
    this.element(body);
  }

  /** An empty struct, which is how Thrift unions name a variant without fields. */
  empty(id: number): void {
    this.struct(id, () => {});
  }

  structs<T>(id: number, items: readonly T[], body: (item: T, index: number) => void): void {
    this.list(id, TYPE.struct, items.length);
    items.forEach((item, index) => {
      this.element(() => body(item, index));
    });
  }

  i32s(id: number, items: readonly number[]): void {
    this.list(id, TYPE.i32, items.length);
    for (const item of items) this.zigzag(item);
  }

  strings(id: number, items: readonly string[]): void {
    this.list(id, TYPE.binary, items.length);
    for (const item of items) this.lengthAndBytes(Buffer.from(item));
  }

  /** The outermost struct; the bytes are a copy of its own. */
  finish(): Buffer {
    this.byte(0);
    return Buffer.from(this.bytes.subarray(0, this.used));
  }

  private element(body: () => void): void {
    this.outerIds.push(this.lastId);
    this.lastId = 0;
    body();
    this.byte(0);
    this.lastId = this.outerIds.pop()!;
  }

  private list(id: number, type: number, count: number): void {
    this.field(id, TYPE.list);
    if (count < 15) {
      this.byte((count << 4) | type);
    } else {
      this.byte(0xf0 | type);
      this.varint(count);
    }
  }

  private field(id: number, type: number): void {
    const delta = id - this.lastId;
    this.lastId = id;
    if (delta > 0 && delta < 16) {
      this.byte((delta << 4) | type);
    } else {
      this.byte(type);
      this.zigzag(id);
    }
  }

  private lengthAndBytes(value: Uint8Array): void {
    this.varint(value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.used);
    this.used += value.length;
  }

  private zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  private varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  private byte(value: number): void {
    if (this.used === this.bytes.length) this.reserve(1);
    this.bytes[this.used++] = value;
  }

  private reserve(count: number): void {
    if (this.used + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + count));
    this.bytes.copy(grown, 0, 0, this.used);
    this.bytes = grown;
  }
}

/** Type codes of the compact protocol. */
const TYPE = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;
