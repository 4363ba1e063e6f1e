import { compareBytes } from '../values.ts';
import { ByteCopy } from './byte-copy.ts';
import { BytesDictionary, type Dictionary } from './dictionary.ts';
import { LeafColumn, type LeafSettings } from './leaf-column.ts';
import type { LeafPlan } from './plan.ts';
import { type Bounds, PREFIX_BYTES } from './statistics.ts';

/**
 * string and binary. The page's values lie in their plain form: length (4 bytes, little endian), then the bytes. Before
 * them `HEAD` bytes stay free, so that the levels of a page with a wide value can be put there and the page need not be
 * copied.
 */
export class BytesColumn extends LeafColumn {
  private readonly isBinary: boolean;
  /** Bytes of the smallest and largest value that are kept. */
  private readonly keepBytes: number;
  private data = new Uint8Array(0);
  private used = HEAD;
  private readonly copy = new ByteCopy();
  private min: Uint8Array | null = null;
  private max: Uint8Array | null = null;
  private minCut = false;
  private maxCut = false;

  constructor(plan: LeafPlan, settings: LeafSettings) {
    super(plan, settings);
    this.isBinary = plan.type === 'binary';
    this.keepBytes = settings.fullBounds ? Number.POSITIVE_INFINITY : PREFIX_BYTES;
  }

  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.push(bytes, start, end);
  }

  override bytes(bytes: Uint8Array, start: number, end: number): void {
    if (!this.isBinary) this.reject('bytes');
    this.push(bytes, start, end);
  }

  private push(bytes: Uint8Array, start: number, end: number): void {
    const { levels } = this;
    const length = end - start;
    if (levels.slots === levels.capacity) this.makeRoom();
    if (this.used + length + 4 > this.data.length) this.makeBytesRoom(length + 4);
    const { data } = this;
    const at = this.used;
    data[at] = length;
    data[at + 1] = length >> 8;
    data[at + 2] = length >> 16;
    data[at + 3] = length >> 24;
    this.copy.range(bytes, start, end, data, at + 4);
    this.used += length + 4;
    this.count++;
    levels.addValue();
  }

  /** Ends the page where the value would make it too large, and sees to it that the value has room. */
  private makeBytesRoom(bytes: number): void {
    if (this.levels.maxRepetition === 0 && this.used > HEAD && this.used + bytes > this.settings.pageBytes) {
      this.closePage(false);
    }
    const need = this.used + bytes;
    if (need <= this.data.length) return;
    const data = new Uint8Array(need > GROW_BYTES ? need : Math.max(4096, this.data.length * 2, need));
    data.set(this.data.subarray(0, this.used));
    this.data = data;
  }

  protected override get valueBytes(): number {
    return this.used - HEAD;
  }

  protected override get bufferBytes(): number {
    return this.data.length;
  }

  protected override get slotsMax(): number {
    return this.settings.pageBytes >> 3;
  }

  protected override growValues(): void {}

  protected override newDictionary(): Dictionary {
    return new BytesDictionary(0);
  }

  protected override indexValues(dictionary: Dictionary): boolean {
    return (dictionary as BytesDictionary).index(this.values, this.count);
  }

  protected override writePlain(out: Buffer, at: number): number {
    out.set(this.values, at);
    return at + this.valueBytes;
  }

  protected override takePage(levels: Buffer): Buffer | null {
    if (this.valueBytes < HAND_OVER_BYTES || levels.length > HEAD) return null;
    const start = HEAD - levels.length;
    this.data.set(levels, start);
    const page = Buffer.from(this.data.buffer, start, this.used - start);
    this.data = new Uint8Array(0);
    return page;
  }

  private get values(): Uint8Array {
    return this.data.subarray(HEAD, this.used);
  }

  protected override noteValues(indexed: boolean): void {
    if (!indexed) this.note(this.values, this.valueBytes);
  }

  protected override noteEntries(dictionary: Dictionary): void {
    const { entries } = dictionary as BytesDictionary;
    this.note(entries, entries.length);
  }

  /** Of a page's values only the places of the extremes are remembered: sorted ones would be copied one and all. */
  private note(data: Uint8Array, end: number): void {
    if (end === 0) return;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    let low = 0;
    let high = 0;
    for (let at = 0; at < end; at += 4 + view.getInt32(at, true)) {
      if (compareValues(view, at, high) > 0) high = at;
      else if (compareValues(view, at, low) < 0) low = at;
    }
    const least = valueAt(data, view, low);
    if (this.min === null || compareBytes(least, this.min) < 0) {
      this.min = least.slice(0, this.keepBytes);
      this.minCut = least.length > this.keepBytes;
    }
    const greatest = valueAt(data, view, high);
    if (this.max === null || compareBytes(greatest, this.max) > 0) {
      this.max = greatest.slice(0, this.keepBytes);
      this.maxCut = greatest.length > this.keepBytes;
    }
  }

  protected override takeBounds(): Bounds | null {
    const { min, max, minCut, maxCut } = this;
    this.min = null;
    this.max = null;
    if (min === null || max === null) return null;
    return { min, max, minCut, maxCut };
  }

  protected override clearValues(): void {
    this.used = HEAD;
    // A buffer that one wide value made large would otherwise stay so.
    if (this.data.length > 2 * this.settings.pageBytes) this.data = new Uint8Array(0);
  }
}

/** Room for the levels of a page of a few values. */
const HEAD = 64;

/** A page of so many bytes is handed over instead of copied. */
const HAND_OVER_BYTES = 1024 * 1024;

/** Doubling stops here: a value of hundreds of megabytes passes with one buffer of its size. */
const GROW_BYTES = 4 * 1024 * 1024;

function valueAt(data: Uint8Array, view: DataView, at: number): Uint8Array {
  return data.subarray(at + 4, at + 4 + view.getInt32(at, true));
}

/** Of the values at `a` and `b`, as unsigned bytes; of equal beginnings the shorter one is less. */
function compareValues(view: DataView, a: number, b: number): number {
  const aLength = view.getInt32(a, true);
  const bLength = view.getInt32(b, true);
  const length = Math.min(aLength, bLength);
  const from = a + 4;
  const to = b + 4;
  let i = 0;
  // What values have in common at their beginning is passed word by word.
  while (i + 4 <= length && view.getInt32(from + i) === view.getInt32(to + i)) i += 4;
  for (; i < length; i++) {
    const difference = view.getUint8(from + i) - view.getUint8(to + i);
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}
