import { decimalOf } from '../schema.ts';
import { DecimalShape } from './decimal-shape.ts';
import { type Dictionary, WordDictionary } from './dictionary.ts';
import { LeafColumn, type LeafSettings } from './leaf-column.ts';
import type { LeafPlan } from './plan.ts';
import type { Bounds } from './statistics.ts';

/** int, date, and decimals of up to 9 digits. */
export class Int32Column extends LeafColumn {
  private readonly isInt: boolean;
  private readonly isDate: boolean;
  private readonly shape: DecimalShape | null;
  private words = new Int32Array(0);
  private min = 0x7fffffff;
  private max = -0x80000000;
  private seen = false;

  constructor(plan: LeafPlan, settings: LeafSettings) {
    super(plan, settings);
    const decimal = decimalOf(plan.type);
    this.isInt = plan.type === 'int';
    this.isDate = plan.type === 'date';
    this.shape = decimal === null ? null : new DecimalShape(decimal.precision, decimal.scale, this.name);
  }

  override int32(value: number): void {
    if (this.isInt) this.push(value);
    else this.decimalSmall(value, 0);
  }

  override int64(hi: number, lo: number): void {
    if (this.shape === null) this.reject('int64');
    this.decimalSmall(hi * 4294967296 + lo, 0);
  }

  override date(days: number): void {
    if (!this.isDate) this.reject('date');
    this.push(days);
  }

  override decimalSmall(unscaled: number, scale: number): void {
    if (this.shape === null) this.reject('decimal');
    const value = this.shape.small(unscaled, scale);
    if (Number.isNaN(value)) this.decimal(BigInt(unscaled), scale);
    else this.push(value);
  }

  override decimal(unscaled: bigint, scale: number): void {
    if (this.shape === null) this.reject('decimal');
    this.push(Number(this.shape.wide(unscaled, scale)));
  }

  private push(value: number): void {
    const { levels } = this;
    if (levels.slots === levels.capacity) this.makeRoom();
    this.words[this.count++] = value;
    levels.addValue();
  }

  protected override get valueBytes(): number {
    return this.count * 4;
  }

  protected override get bufferBytes(): number {
    return this.words.byteLength;
  }

  protected override get slotsMax(): number {
    return this.settings.pageBytes >> 2;
  }

  protected override growValues(capacity: number): void {
    const words = new Int32Array(capacity);
    words.set(this.words);
    this.words = words;
  }

  protected override newDictionary(): Dictionary {
    return new WordDictionary(1);
  }

  protected override indexValues(dictionary: Dictionary): boolean {
    return (dictionary as WordDictionary).index(this.words, this.count);
  }

  protected override writePlain(out: Buffer, at: number): number {
    out.set(new Uint8Array(this.words.buffer, 0, this.count * 4), at);
    return at + this.count * 4;
  }

  protected override noteValues(): void {
    const { words, count } = this;
    let { min, max } = this;
    for (let i = 0; i < count; i++) {
      const value = words[i];
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.min = min;
    this.max = max;
    if (count > 0) this.seen = true;
  }

  protected override noteEntries(): void {}

  protected override takeBounds(): Bounds | null {
    if (!this.seen) return null;
    const bytes = new Uint8Array(Int32Array.of(this.min, this.max).buffer);
    this.seen = false;
    this.min = 0x7fffffff;
    this.max = -0x80000000;
    return { min: bytes.slice(0, 4), max: bytes.slice(4), minCut: false, maxCut: false };
  }

  protected override clearValues(): void {}
}
