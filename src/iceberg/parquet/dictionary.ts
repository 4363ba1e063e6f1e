/**
 * Dictionaries of one column chunk. `index` writes the entry number of each value of a page to `indexes`, or gives up
 * (false) as soon as it sees that a dictionary does not pay; the page is then written plainly. What a page that gave up
 * has added is taken out again by `rollback`, after which the dictionary must not index any more.
 */
export interface Dictionary {
  readonly count: number;
  /** Size of the entries as the dictionary page holds them. */
  readonly byteLength: number;
  /** Memory held. */
  readonly bufferBytes: number;
  readonly indexes: Int32Array;
  rollback(count: number): void;
  /** Writes the entries, plainly encoded; returns where they ended. */
  write(out: Uint8Array, at: number): number;
}

const ENTRIES_MAX = 1 << 16;
const BYTES_MAX = 1 << 20;
/** After so many values of a page we look whether they repeat. */
const SAMPLE = 2048;
const POOR_RATIO = 0.6;

/** Values of one or two 32-bit words. */
export class WordDictionary implements Dictionary {
  count = 0;
  indexes = new Int32Array(0);
  private readonly stride: 1 | 2;
  private words: Int32Array<ArrayBuffer>;
  /** Entry number + 1 by hash, 0 is free; a power of two in size, at most half full. */
  private table = new Int32Array(1024);

  constructor(stride: 1 | 2) {
    this.stride = stride;
    this.words = new Int32Array(512 * stride);
  }

  get byteLength(): number {
    return this.count * this.stride * 4;
  }

  get bufferBytes(): number {
    return (this.words.length + this.table.length + this.indexes.length) * 4;
  }

  index(values: Int32Array, count: number): boolean {
    if (this.indexes.length < count) this.indexes = new Int32Array(count);
    const before = this.count;
    for (let from = 0; from < count; from += SAMPLE) {
      const to = Math.min(count, from + SAMPLE);
      this.reserve(to - from);
      if (this.stride === 1) this.indexSingles(values, from, to);
      else this.indexPairs(values, from, to);
      if (to < SAMPLE) break;
      if (this.count - before > to * POOR_RATIO || this.count > ENTRIES_MAX) return false;
    }
    return true;
  }

  rollback(count: number): void {
    this.count = count;
  }

  write(out: Uint8Array, at: number): number {
    out.set(new Uint8Array(this.words.buffer, 0, this.byteLength), at);
    return at + this.byteLength;
  }

  private indexSingles(values: Int32Array, from: number, to: number): void {
    const { words, table, indexes } = this;
    const mask = table.length - 1;
    let count = this.count;
    for (let i = from; i < to; i++) {
      const value = values[i];
      let slot = mix(value) & mask;
      let entry = table[slot];
      while (entry !== 0 && words[entry - 1] !== value) {
        slot = (slot + 1) & mask;
        entry = table[slot];
      }
      if (entry === 0) {
        words[count] = value;
        entry = ++count;
        table[slot] = entry;
      }
      indexes[i] = entry - 1;
    }
    this.count = count;
  }

  private indexPairs(values: Int32Array, from: number, to: number): void {
    const { words, table, indexes } = this;
    const mask = table.length - 1;
    let count = this.count;
    for (let i = from; i < to; i++) {
      const low = values[i * 2];
      const high = values[i * 2 + 1];
      let slot = mix(low ^ Math.imul(high, 0x85ebca6b)) & mask;
      let entry = table[slot];
      while (entry !== 0 && (words[entry * 2 - 2] !== low || words[entry * 2 - 1] !== high)) {
        slot = (slot + 1) & mask;
        entry = table[slot];
      }
      if (entry === 0) {
        words[count * 2] = low;
        words[count * 2 + 1] = high;
        entry = ++count;
        table[slot] = entry;
      }
      indexes[i] = entry - 1;
    }
    this.count = count;
  }

  /** Room for so many more entries, so that the loops need not look. */
  private reserve(more: number): void {
    const need = this.count + more;
    if (need * this.stride > this.words.length) {
      const words = new Int32Array(Math.max(need, this.count * 2) * this.stride);
      words.set(this.words.subarray(0, this.count * this.stride));
      this.words = words;
    }
    if (need * 2 <= this.table.length) return;
    const mask = 2 ** Math.ceil(Math.log2(need * 4)) - 1;
    const table = new Int32Array(mask + 1);
    for (let entry = 1; entry <= this.count; entry++) {
      const key =
        this.stride === 1
          ? this.words[entry - 1]
          : this.words[entry * 2 - 2] ^ Math.imul(this.words[entry * 2 - 1], 0x85ebca6b);
      let slot = mix(key) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = entry;
    }
    this.table = table;
  }
}

/**
 * Byte strings, each `width` bytes long, or with their length ahead (4 bytes, little endian) where `width` is 0: the
 * plain encoding, in which both the values come and the entries are kept.
 */
export class BytesDictionary implements Dictionary {
  count = 0;
  indexes = new Int32Array(0);
  byteLength = 0;
  private readonly width: number;
  private data = new Uint8Array(4096);
  /** Start of each entry in `data`, and its hash. */
  private starts = new Int32Array(512);
  private hashes = new Int32Array(512);
  private table = new Int32Array(1024);

  constructor(width: number) {
    this.width = width;
  }

  get bufferBytes(): number {
    const words = this.starts.length + this.hashes.length + this.table.length + this.indexes.length;
    return this.data.length + words * 4;
  }

  index(values: Uint8Array, count: number): boolean {
    if (this.indexes.length < count) this.indexes = new Int32Array(count);
    const before = this.count;
    const bytesBefore = this.byteLength;
    let position = 0;
    for (let from = 0; from < count; from += SAMPLE) {
      const to = Math.min(count, from + SAMPLE);
      this.reserveEntries(to - from);
      position = this.indexSome(values, position, from, to);
      if (position < 0) return false;
      const added = this.byteLength - bytesBefore;
      if (added > 65536 && added > position * POOR_RATIO) return false;
      if (to >= SAMPLE && this.count - before > to * POOR_RATIO) return false;
      if (this.count > ENTRIES_MAX) return false;
    }
    return true;
  }

  rollback(count: number): void {
    this.byteLength = count === this.count ? this.byteLength : this.starts[count];
    this.count = count;
  }

  write(out: Uint8Array, at: number): number {
    out.set(this.data.subarray(0, this.byteLength), at);
    return at + this.byteLength;
  }

  /** The entries in their plain form, for bounds. */
  get entries(): Uint8Array {
    return this.data.subarray(0, this.byteLength);
  }

  /** Where in `values` it stands after value number `to`, or -1 when the entries have become too large. */
  private indexSome(values: Uint8Array, start: number, from: number, to: number): number {
    const { table, starts, hashes, indexes, width } = this;
    const mask = table.length - 1;
    let position = start;
    for (let i = from; i < to; i++) {
      const length =
        width !== 0
          ? width
          : 4 +
            (values[position] |
              (values[position + 1] << 8) |
              (values[position + 2] << 16) |
              (values[position + 3] << 24));
      const hash = hashBytes(values, position, length);
      let slot = hash & mask;
      let entry = table[slot];
      while (
        entry !== 0 &&
        !(hashes[entry - 1] === hash && this.same(starts[entry - 1], values, position, length))
      ) {
        slot = (slot + 1) & mask;
        entry = table[slot];
      }
      if (entry === 0) {
        if (this.byteLength + length > BYTES_MAX) return -1;
        entry = this.add(values, position, length, hash);
        table[slot] = entry;
      }
      indexes[i] = entry - 1;
      position += length;
    }
    return position;
  }

  /** The length is part of what is compared, being ahead of the bytes. */
  private same(start: number, values: Uint8Array, position: number, length: number): boolean {
    const { data } = this;
    for (let i = 0; i < length; i++) if (data[start + i] !== values[position + i]) return false;
    return true;
  }

  private add(values: Uint8Array, position: number, length: number, hash: number): number {
    const start = this.byteLength;
    if (start + length > this.data.length) {
      const data = new Uint8Array(Math.max(this.data.length * 2, start + length));
      data.set(this.data.subarray(0, start));
      this.data = data;
    }
    if (length < 48) {
      for (let i = 0; i < length; i++) this.data[start + i] = values[position + i];
    } else {
      this.data.set(values.subarray(position, position + length), start);
    }
    this.byteLength = start + length;
    this.starts[this.count] = start;
    this.hashes[this.count] = hash;
    return ++this.count;
  }

  private reserveEntries(more: number): void {
    const need = this.count + more;
    if (need > this.starts.length) {
      this.starts = copyGrown(this.starts, Math.max(need, this.count * 2));
      this.hashes = copyGrown(this.hashes, this.starts.length);
    }
    if (need * 2 <= this.table.length) return;
    const mask = 2 ** Math.ceil(Math.log2(need * 4)) - 1;
    this.table = new Int32Array(mask + 1);
    for (let entry = 1; entry <= this.count; entry++) {
      let slot = this.hashes[entry - 1] & mask;
      while (this.table[slot] !== 0) slot = (slot + 1) & mask;
      this.table[slot] = entry;
    }
  }
}

function copyGrown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(length);
  grown.set(array);
  return grown;
}

function mix(key: number): number {
  const h = Math.imul(key ^ (key >>> 16), 0x9e3779b1);
  return h ^ (h >>> 15);
}

/** Of long values the ends only: equality is checked byte by byte anyway. */
function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  const end = start + length;
  const headEnd = length > 128 ? start + 64 : end;
  hash = hashRange(bytes, start, headEnd, hash);
  if (headEnd !== end) hash = hashRange(bytes, end - 64, end, hash);
  return hash ^ (hash >>> 15);
}

function hashRange(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x85ebca6b);
  return hash;
}
