import type { ColumnMetaData } from 'hyparquet';
import { IcestreamError } from '../../base/errors.ts';
import { decimalOf, type PrimitiveType } from '../schema.ts';
import { fromTwosComplement } from '../values.ts';
import { decompress } from './decompress.ts';
import { PAGE } from './format.ts';
import { readHybrid } from './hybrid.ts';
import type { ValueTaker } from './stored-value.ts';
import { ThriftReader } from './thrift-reader.ts';

/**
 * Reads the chunk of a flat column row by row into a writer, without an object per value: looking keys up passes every
 * row of a table. It takes version 1 pages, plain or with a dictionary, which is what Iceberg writers write by default;
 * `canRead` tells, and others go through hyparquet.
 */
export class KeyCursor {
  readonly #chunk: Uint8Array;
  readonly #meta: ColumnMetaData;
  readonly #type: PrimitiveType;
  readonly #isOptional: boolean;
  /** Bytes of a value; 0: each has its length ahead. */
  readonly #width: number;
  readonly #scale: number;
  #position = 0;
  #page: Uint8Array = NOTHING;
  #rows = 0;
  #row = 0;
  /** 0 where the row is null; null where no row is. */
  #levels: Uint8Array | null = null;
  #at = 0;
  /** Of pages with a dictionary: which entry, by value number. */
  #indexes: Int32Array | null = null;
  #index = 0;
  #dictionary: Uint8Array = NOTHING;
  #starts = new Int32Array(0);

  constructor(
    chunk: Uint8Array,
    meta: ColumnMetaData,
    typeLength: number,
    isOptional: boolean,
    type: PrimitiveType,
  ) {
    this.#chunk = chunk;
    this.#meta = meta;
    this.#type = type;
    this.#isOptional = isOptional;
    this.#width = meta.type === 'INT32' ? 4 : meta.type === 'INT64' ? 8 : typeLength;
    this.#scale = decimalOf(type)?.scale ?? 0;
  }

  static canRead(meta: ColumnMetaData, type: PrimitiveType): boolean {
    const isKnown = type !== 'boolean' && type !== 'float' && type !== 'double' && meta.type !== 'INT96';
    return isKnown && meta.encodings.every((encoding) => ENCODINGS.has(encoding));
  }

  /** False where the pages turn out to be of version 2. Call it before the first row. */
  open(): boolean {
    const header = new ThriftReader(this.#chunk, 0).struct();
    const type = header.numbers.get(1);
    return type === PAGE.data || type === PAGE.dictionary;
  }

  /** Writes the next row's value; false, and nothing written, where it is null. */
  next(taker: ValueTaker): boolean {
    while (this.#row === this.#rows) this.#nextPage();
    const row = this.#row++;
    if (this.#levels !== null && this.#levels[row] === 0) return false;
    if (this.#indexes !== null) {
      this.#write(taker, this.#dictionary, this.#starts[this.#indexes[this.#index++]]);
    } else {
      this.#at += this.#write(taker, this.#page, this.#at);
    }
    return true;
  }

  /** Writes the value that begins at `at`; returns its size. */
  #write(taker: ValueTaker, bytes: Uint8Array, at: number): number {
    const width = this.#width;
    if (width === 0) {
      const length = int32(bytes, at);
      if (this.#type === 'string') taker.utf8(bytes, at + 4, at + 4 + length);
      else taker.bytes(bytes, at + 4, at + 4 + length);
      return length + 4;
    }
    if (this.#type === 'uuid') taker.uuid(bytes, at);
    else if (this.#meta.type === 'INT64')
      this.#writeLong(taker, int32(bytes, at + 4), int32(bytes, at) >>> 0);
    else if (this.#meta.type === 'INT32') this.#writeInt(taker, int32(bytes, at));
    else if (!this.#type.startsWith('decimal')) taker.bytes(bytes, at, at + width);
    else taker.decimal(fromTwosComplement(bytes.subarray(at, at + width)), this.#scale);
    return width;
  }

  #writeInt(taker: ValueTaker, value: number): void {
    if (this.#type === 'date') taker.date(value);
    else if (this.#type === 'int' || this.#type === 'long') taker.int32(value);
    else taker.decimalSmall(value, this.#scale);
  }

  #writeLong(taker: ValueTaker, hi: number, lo: number): void {
    if (this.#type === 'long') taker.int64(hi, lo);
    else if (this.#type === 'time') taker.time(hi, lo);
    else if (this.#type.startsWith('timestamp')) taker.timestamp(hi, lo);
    else taker.decimal((BigInt(hi) << 32n) | BigInt(lo), this.#scale);
  }

  #nextPage(): void {
    if (this.#position >= this.#chunk.length)
      throw new IcestreamError('iceberg.format', 'a column has too few values');
    const reader = new ThriftReader(this.#chunk, this.#position);
    const { numbers, structs } = reader.struct();
    const stored = numbers.get(3) ?? 0;
    const body = this.#chunk.subarray(reader.position, reader.position + stored);
    this.#position = reader.position + stored;
    const page = decompress(this.#meta.codec, body, numbers.get(2) ?? 0);
    if (numbers.get(1) === PAGE.dictionary) {
      this.#readDictionary(page, structs.get(7)?.numbers.get(1) ?? 0);
    } else {
      const facts = structs.get(5)?.numbers;
      this.#readPage(page, facts?.get(1) ?? 0, facts?.get(2) ?? 0);
    }
  }

  #readDictionary(page: Uint8Array, count: number): void {
    this.#dictionary = page;
    this.#starts = new Int32Array(count);
    let at = 0;
    for (let i = 0; i < count; i++) {
      this.#starts[i] = at;
      at += this.#width === 0 ? 4 + int32(page, at) : this.#width;
    }
  }

  #readPage(page: Uint8Array, rows: number, encoding: number): void {
    let at = 0;
    this.#levels = null;
    let present = rows;
    if (this.#isOptional) {
      const levels = new Uint8Array(rows);
      readHybrid(page, 4, 1, rows, levels);
      at = 4 + int32(page, 0);
      present = 0;
      for (let i = 0; i < rows; i++) present += levels[i];
      if (present < rows) this.#levels = levels;
    }
    this.#indexes = null;
    // 2 and 8 are the old and the new name of dictionary indexes.
    if ((encoding === 2 || encoding === 8) && present > 0) {
      this.#indexes = new Int32Array(present);
      readHybrid(page, at + 1, page[at], present, this.#indexes);
      this.#index = 0;
    }
    this.#page = page;
    this.#at = at;
    this.#rows = rows;
    this.#row = 0;
  }
}

const NOTHING = new Uint8Array(0);

const ENCODINGS: ReadonlySet<string> = new Set([
  'PLAIN',
  'RLE',
  'BIT_PACKED',
  'PLAIN_DICTIONARY',
  'RLE_DICTIONARY',
]);

function int32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
