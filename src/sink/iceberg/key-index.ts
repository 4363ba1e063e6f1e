import type { KeyBytes } from './key-bytes.ts';

/**
 * Canonical key bytes to a dense entry number 0, 1, 2 ...: open addressing over typed arrays. A Map of strings costs five
 * times the memory and a third of the speed (docs/decisions/0003-key-index.md).
 */
export class KeyIndex {
  #slots = new Int32Array(1024).fill(-1);
  #hashes = new Int32Array(512);
  #starts = new Int32Array(513);
  #bytes = Buffer.allocUnsafeSlow(8192);
  count = 0;

  /** The entry of this key; a new key gets entry number `count` as it was before the call. */
  entry(key: KeyBytes): number {
    const hash = key.hash();
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const found = this.#slots[slot];
      if (found < 0) return this.#insert(key, hash, slot);
      if (this.#hashes[found] === hash && this.#same(found, key)) return found;
      slot = (slot + 1) & mask;
    }
  }

  /** The entry of this key, or -1. */
  find(key: KeyBytes): number {
    const hash = key.hash();
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot];
      if (found < 0 || (this.#hashes[found] === hash && this.#same(found, key))) return found;
    }
  }

  hash(entry: number): number {
    return this.#hashes[entry];
  }

  get memoryBytes(): number {
    return this.#slots.byteLength + this.#hashes.byteLength * 2 + this.#bytes.length;
  }

  #same(entry: number, key: KeyBytes): boolean {
    const start = this.#starts[entry];
    const length = key.length;
    if (this.#starts[entry + 1] - start !== length) return false;
    const ours = this.#bytes;
    const theirs = key.buffer;
    for (let i = 0; i < length; i++) if (ours[start + i] !== theirs[i]) return false;
    return true;
  }

  #insert(key: KeyBytes, hash: number, free: number): number {
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
    const end = start + key.length;
    if (end > this.#bytes.length) this.#growBytes(end);
    const { buffer, length } = key;
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[start + i] = buffer[i];
    this.#starts[entry + 1] = end;
    return entry;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1);
    for (let entry = 0; entry < this.count; entry++) slots[freeSlot(slots, this.#hashes[entry])] = entry;
    this.#slots = slots;
  }

  #growEntries(): void {
    const hashes = new Int32Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const starts = new Int32Array(hashes.length + 1);
    starts.set(this.#starts);
    this.#starts = starts;
  }

  #growBytes(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown);
    this.#bytes = grown;
  }
}

function freeSlot(slots: Int32Array, hash: number): number {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] >= 0) slot = (slot + 1) & mask;
  return slot;
}
