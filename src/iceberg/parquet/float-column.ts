import { type Dictionary, WordDictionary } from './dictionary.ts';
import { LeafColumn } from './leaf-column.ts';
import type { Bounds } from './statistics.ts';

/** What float and double share; bounds leave NaN out and take zero as -0.0 below and +0.0 above. */
abstract class RealColumn extends LeafColumn {
  protected min = Number.POSITIVE_INFINITY;
  protected max = Number.NEGATIVE_INFINITY;
  protected seen = false;

  protected override noteEntries(): void {}

  protected override takeBounds(): Bounds | null {
    if (!this.seen) return null;
    const min = this.bytesOf(this.min === 0 ? -0 : this.min);
    const max = this.bytesOf(this.max === 0 ? 0 : this.max);
    this.seen = false;
    this.min = Number.POSITIVE_INFINITY;
    this.max = Number.NEGATIVE_INFINITY;
    return { min, max, minCut: false, maxCut: false };
  }

  protected override clearValues(): void {}

  protected note(values: Float32Array | Float64Array, count: number): void {
    let { min, max } = this;
    let nans = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i];
      if (value < min) min = value;
      if (value > max) max = value;
      if (Number.isNaN(value)) nans++;
    }
    this.min = min;
    this.max = max;
    this.nanCount += nans;
    if (count > nans) this.seen = true;
  }

  protected abstract bytesOf(value: number): Uint8Array;
}

export class FloatColumn extends RealColumn {
  private values = new Float32Array(0);
  private words = new Int32Array(0);

  override float32(value: number): void {
    const { levels } = this;
    if (levels.slots === levels.capacity) this.makeRoom();
    this.values[this.count++] = value;
    levels.addValue();
  }

  protected override get valueBytes(): number {
    return this.count * 4;
  }

  protected override get bufferBytes(): number {
    return this.values.byteLength;
  }

  protected override get slotsMax(): number {
    return this.settings.pageBytes >> 2;
  }

  protected override growValues(capacity: number): void {
    const values = new Float32Array(capacity);
    values.set(this.values);
    this.values = values;
    this.words = new Int32Array(values.buffer);
  }

  protected override newDictionary(): Dictionary {
    return new WordDictionary(1);
  }

  protected override indexValues(dictionary: Dictionary): boolean {
    return (dictionary as WordDictionary).index(this.words, this.count);
  }

  protected override writePlain(out: Buffer, at: number): number {
    out.set(new Uint8Array(this.values.buffer, 0, this.count * 4), at);
    return at + this.count * 4;
  }

  protected override noteValues(): void {
    this.note(this.values, this.count);
  }

  protected override bytesOf(value: number): Uint8Array {
    return new Uint8Array(Float32Array.of(value).buffer);
  }
}

export class DoubleColumn extends RealColumn {
  private values = new Float64Array(0);
  private words = new Int32Array(0);

  override float64(value: number): void {
    const { levels } = this;
    if (levels.slots === levels.capacity) this.makeRoom();
    this.values[this.count++] = value;
    levels.addValue();
  }

  override float32(value: number): void {
    this.float64(value);
  }

  protected override get valueBytes(): number {
    return this.count * 8;
  }

  protected override get bufferBytes(): number {
    return this.values.byteLength;
  }

  protected override get slotsMax(): number {
    return this.settings.pageBytes >> 3;
  }

  protected override growValues(capacity: number): void {
    const values = new Float64Array(capacity);
    values.set(this.values);
    this.values = values;
    this.words = new Int32Array(values.buffer);
  }

  protected override newDictionary(): Dictionary {
    return new WordDictionary(2);
  }

  protected override indexValues(dictionary: Dictionary): boolean {
    return (dictionary as WordDictionary).index(this.words, this.count);
  }

  protected override writePlain(out: Buffer, at: number): number {
    out.set(new Uint8Array(this.values.buffer, 0, this.count * 8), at);
    return at + this.count * 8;
  }

  protected override noteValues(): void {
    this.note(this.values, this.count);
  }

  protected override bytesOf(value: number): Uint8Array {
    return new Uint8Array(Float64Array.of(value).buffer);
  }
}
