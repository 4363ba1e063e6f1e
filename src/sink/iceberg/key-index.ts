import type { KeyBytes } from './key-bytes.ts';

/** Slots of an index that takes megabytes. */
const LARGE = 2 ** 20;

/**
 * Canonical keys to a dense entry number 0, 1, 2 ...: open addressing over typed arrays. A Map of strings costs five
 * times the memory and a third of the speed (docs/decisions/merge-in-memory-references.md).
 */
export class KeyIndex {
  /** A power of two in size, at most half full. */
  #slots: Int32Array;
  #hashes: Int32Array;
  /** Where each entry's words begin, and where the last one's end. */
  #starts: Int32Array;
  #words: Int32Array;
  count = 0;

  /** `expected` keys fit without anything being moved. */
  constructor(expected = 0) {
    const entries = Math.max(512, expected);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(entries * 2))).fill(-1);
    this.#hashes = new Int32Array(entries);
    this.#starts = new Int32Array(entries + 1);
    this.#words = new Int32Array(entries * 4);
  }

  /** The entry of this key; a new key gets entry number `count` as it was before the call. */
  entry(key: KeyBytes): number {
    const length = key.seal();
    const hash = key.hash(length);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const found = slots[slot];
      if (found < 0) return this.#insert(key, length, hash, slot);
      if (this.#hashes[found] === hash && this.#same(found, key, length)) return found;
      slot = (slot + 1) & mask;
    }
  }

  /** The entry of this key, or -1. */
  find(key: KeyBytes): number {
    const length = key.seal();
    const hash = key.hash(length);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot];
      if (found < 0 || (this.#hashes[found] === hash && this.#same(found, key, length))) return found;
    }
  }

  hash(entry: number): number {
    return this.#hashes[entry];
  }

  get memoryBytes(): number {
    const words = this.#slots.length + this.#hashes.length + this.#starts.length + this.#words.length;
    return words * 4;
  }

  #same(entry: number, key: KeyBytes, length: number): boolean {
    const start = this.#starts[entry];
    if (this.#starts[entry + 1] - start !== length) return false;
    const ours = this.#words;
    const theirs = key.words;
    for (let i = 0; i < length; i++) if (ours[start + i] !== theirs[i]) return false;
    return true;
  }

  #insert(key: KeyBytes, length: number, hash: number, free: number): number {
    let slot = free;
    if ((this.count + 1) * 2 > this.#slots.length) {
      this.#rehash();
      slot = freeSlot(this.#slots, hash);
    }
    const entry = this.count++;
    this.#slots[slot] = entry;
    if (entry === this.#hashes.length) this.#growEntries();
    this.#hashes[entry] = hash;
    const start = this.#starts[entry];
    const end = start + length;
    if (end > this.#words.length) this.#words = grown(this.#words, Math.max(end, this.#words.length * 2));
    const { words: theirs } = key;
    const words = this.#words;
    for (let i = 0; i < length; i++) words[start + i] = theirs[i];
    this.#starts[entry + 1] = end;
    return entry;
  }

  #rehash(): void {
    // A large one by little steps, as memory is what it would be short of first.
    const factor = this.#slots.length < LARGE ? 4 : 2;
    const slots = new Int32Array(this.#slots.length * factor).fill(-1);
    for (let entry = 0; entry < this.count; entry++) slots[freeSlot(slots, this.#hashes[entry])] = entry;
    this.#slots = slots;
  }

  #growEntries(): void {
    this.#hashes = grown(this.#hashes, this.#hashes.length * 2);
    this.#starts = grown(this.#starts, this.#hashes.length + 1);
  }
}

function grown(array: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(length);
  copy.set(array);
  return copy;
}

function freeSlot(slots: Int32Array, hash: number): number {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] >= 0) slot = (slot + 1) & mask;
  return slot;
}
