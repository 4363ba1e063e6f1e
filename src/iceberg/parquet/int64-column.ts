import { decimalOf } from '../schema.ts';
import { DecimalShape } from './decimal-shape.ts';
import { type Dictionary, WordDictionary } from './dictionary.ts';
import { LeafColumn, type LeafSettings } from './leaf-column.ts';
import type { LeafPlan } from './plan.ts';
import type { Bounds } from './statistics.ts';

/** long, time, timestamp, timestamptz, and decimals of 10 to 18 digits; as pairs of words, the low one first. */
export class Int64Column extends LeafColumn {
  private readonly isLong: boolean;
  private readonly isTime: boolean;
  private readonly isTimestamp: boolean;
  private readonly shape: DecimalShape | null;
  private words = new Int32Array(0);
  private minHi = 0x7fffffff;
  private minLo = 0xffffffff;
  private maxHi = -0x80000000;
  private maxLo = 0;
  private seen = false;

  constructor(plan: LeafPlan, settings: LeafSettings) {
    super(plan, settings);
    const decimal = decimalOf(plan.type);
    this.isLong = plan.type === 'long';
    this.isTime = plan.type === 'time';
    this.isTimestamp = plan.type === 'timestamp' || plan.type === 'timestamptz';
    this.shape = decimal === null ? null : new DecimalShape(decimal.precision, decimal.scale, this.name);
  }

  override int32(value: number): void {
    if (this.isLong) this.push(value >> 31, value);
    else this.decimalSmall(value, 0);
  }

  override int64(hi: number, lo: number): void {
    if (this.isLong) {
      this.push(hi, lo);
      return;
    }
    const value = hi * 4294967296 + lo;
    if (Number.isSafeInteger(value)) this.decimalSmall(value, 0);
    else this.decimal((BigInt(hi) << 32n) | BigInt(lo), 0);
  }

  override time(hi: number, lo: number): void {
    if (!this.isTime) this.reject('time');
    this.push(hi, lo);
  }

  override timestamp(hi: number, lo: number): void {
    if (!this.isTimestamp) this.reject('timestamp');
    this.push(hi, lo);
  }

  override decimalSmall(unscaled: number, scale: number): void {
    if (this.shape === null) this.reject('decimal');
    const value = this.shape.small(unscaled, scale);
    if (Number.isNaN(value)) {
      this.decimal(BigInt(unscaled), scale);
      return;
    }
    const hi = Math.floor(value / 4294967296);
    this.push(hi, value - hi * 4294967296);
  }

  override decimal(unscaled: bigint, scale: number): void {
    if (this.shape === null) this.reject('decimal');
    const value = this.shape.wide(unscaled, scale);
    this.push(Number(value >> 32n), Number(value & 0xffffffffn));
  }

  private push(hi: number, lo: number): void {
    const { levels } = this;
    if (levels.slots === levels.capacity) this.makeRoom();
    const at = this.count * 2;
    this.words[at] = lo;
    this.words[at + 1] = hi;
    this.count++;
    levels.addValue();
  }

  protected override get valueBytes(): number {
    return this.count * 8;
  }

  protected override get bufferBytes(): number {
    return this.words.byteLength;
  }

  protected override get slotsMax(): number {
    return this.settings.pageBytes >> 3;
  }

  protected override growValues(capacity: number): void {
    const words = new Int32Array(capacity * 2);
    words.set(this.words);
    this.words = words;
  }

  protected override newDictionary(): Dictionary {
    return new WordDictionary(2);
  }

  protected override indexValues(dictionary: Dictionary): boolean {
    return (dictionary as WordDictionary).index(this.words, this.count);
  }

  protected override writePlain(out: Buffer, at: number): number {
    out.set(new Uint8Array(this.words.buffer, 0, this.count * 8), at);
    return at + this.count * 8;
  }

  protected override noteValues(): void {
    const { words } = this;
    const end = this.count * 2;
    let { minHi, minLo, maxHi, maxLo } = this;
    for (let i = 0; i < end; i += 2) {
      const hi = words[i + 1];
      if (hi > minHi && hi < maxHi) continue;
      const lo = words[i] >>> 0;
      if (hi < minHi || (hi === minHi && lo < minLo)) {
        minHi = hi;
        minLo = lo;
      }
      if (hi > maxHi || (hi === maxHi && lo > maxLo)) {
        maxHi = hi;
        maxLo = lo;
      }
    }
    this.minHi = minHi;
    this.minLo = minLo;
    this.maxHi = maxHi;
    this.maxLo = maxLo;
    if (end > 0) this.seen = true;
  }

  protected override noteEntries(): void {}

  protected override takeBounds(): Bounds | null {
    if (!this.seen) return null;
    const bytes = new Uint8Array(Int32Array.of(this.minLo, this.minHi, this.maxLo, this.maxHi).buffer);
    this.seen = false;
    this.minHi = 0x7fffffff;
    this.minLo = 0xffffffff;
    this.maxHi = -0x80000000;
    this.maxLo = 0;
    return { min: bytes.slice(0, 8), max: bytes.slice(8), minCut: false, maxCut: false };
  }

  protected override clearValues(): void {}
}
