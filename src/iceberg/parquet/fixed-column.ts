import { decimalOf } from '../schema.ts';
import { uuidQuarter } from '../values.ts';
import { DecimalShape } from './decimal-shape.ts';
import { BytesDictionary, type Dictionary } from './dictionary.ts';
import { LeafColumn, type LeafSettings } from './leaf-column.ts';
import type { LeafPlan } from './plan.ts';
import type { Bounds } from './statistics.ts';

/** uuid, fixed[N], and decimals of more than 18 digits (two's complement, big endian). */
export class FixedColumn extends LeafColumn {
  private readonly width: number;
  private readonly isUuid: boolean;
  private readonly shape: DecimalShape | null;
  private data = new Uint8Array(0);
  private min: Uint8Array | null = null;
  private max: Uint8Array | null = null;
  /** A bit for each quarter that a uuid was seen in. */
  private quarters = 0;

  constructor(plan: LeafPlan, settings: LeafSettings) {
    super(plan, settings);
    const decimal = decimalOf(plan.type);
    this.width = plan.typeLength;
    this.isUuid = plan.type === 'uuid';
    this.shape = decimal === null ? null : new DecimalShape(decimal.precision, decimal.scale, this.name);
  }

  override uuid(bytes: Uint8Array, start: number): void {
    if (!this.isUuid) this.reject('uuid');
    const at = this.take();
    const { data } = this;
    for (let i = 0; i < 16; i++) data[at + i] = bytes[start + i];
  }

  override bytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.isUuid || this.shape !== null) this.reject('bytes');
    if (end - start !== this.width) this.outOfRange(`a value of ${end - start} bytes, not ${this.width},`);
    const at = this.take();
    this.data.set(bytes.subarray(start, end), at);
  }

  override int32(value: number): void {
    this.decimalSmall(value, 0);
  }

  override int64(hi: number, lo: number): void {
    const value = hi * 4294967296 + lo;
    if (Number.isSafeInteger(value)) this.decimalSmall(value, 0);
    else this.decimal((BigInt(hi) << 32n) | BigInt(lo), 0);
  }

  override decimalSmall(unscaled: number, scale: number): void {
    if (this.shape === null) this.reject('decimal');
    const value = this.shape.small(unscaled, scale);
    if (Number.isNaN(value)) {
      this.decimal(BigInt(unscaled), scale);
      return;
    }
    const hi = Math.floor(value / 4294967296);
    const lo = value - hi * 4294967296;
    const at = this.take();
    const end = at + this.width;
    const { data } = this;
    data.fill(value < 0 ? 0xff : 0, at, end - 8);
    for (let i = 0; i < 4; i++) {
      data[end - 1 - i] = lo >>> (8 * i);
      data[end - 5 - i] = hi >> (8 * i);
    }
  }

  override decimal(unscaled: bigint, scale: number): void {
    if (this.shape === null) this.reject('decimal');
    let rest = this.shape.wide(unscaled, scale);
    const at = this.take();
    const { data, width } = this;
    let i = at + width - 1;
    while (i >= at + 3) {
      const word = Number(BigInt.asIntN(32, rest));
      for (let byte = 0; byte < 4; byte++) data[i--] = word >> (8 * byte);
      rest >>= 32n;
    }
    const top = Number(BigInt.asIntN(32, rest));
    for (let byte = 0; i >= at; byte++) data[i--] = top >> (8 * byte);
  }

  /** Room for one more value; returns where it goes. */
  private take(): number {
    const { levels } = this;
    if (levels.slots === levels.capacity) this.makeRoom();
    levels.addValue();
    return this.count++ * this.width;
  }

  protected override get valueBytes(): number {
    return this.count * this.width;
  }

  protected override get bufferBytes(): number {
    return this.data.length;
  }

  protected override get slotsMax(): number {
    return Math.max(8, Math.floor(this.settings.pageBytes / this.width));
  }

  protected override growValues(capacity: number): void {
    const data = new Uint8Array(capacity * this.width);
    data.set(this.data);
    this.data = data;
  }

  protected override newDictionary(): Dictionary {
    return new BytesDictionary(this.width);
  }

  protected override indexValues(dictionary: Dictionary): boolean {
    return (dictionary as BytesDictionary).index(this.data, this.count);
  }

  protected override writePlain(out: Buffer, at: number): number {
    out.set(this.data.subarray(0, this.valueBytes), at);
    return at + this.valueBytes;
  }

  protected override noteValues(indexed: boolean): void {
    if (!indexed) this.note(this.data, this.valueBytes);
  }

  protected override noteEntries(dictionary: Dictionary): void {
    const { entries } = dictionary as BytesDictionary;
    this.note(entries, entries.length);
  }

  private note(data: Uint8Array, end: number): void {
    const { width } = this;
    // Two's complement is ordered as unsigned bytes are once the sign bit is flipped.
    const flip = this.shape === null ? 0 : 0x80;
    for (let start = 0; start < end; start += width) {
      if (this.isUuid) this.quarters |= 1 << uuidQuarter(data, start);
      if (this.min === null || compareAt(data, start, this.min, flip) < 0) {
        this.min = data.slice(start, start + width);
      }
      if (this.max === null || compareAt(data, start, this.max, flip) > 0) {
        this.max = data.slice(start, start + width);
      }
    }
  }

  protected override takeBounds(): Bounds | null {
    const { min, max, quarters } = this;
    this.min = null;
    this.max = null;
    this.quarters = 0;
    if (min === null || max === null) return null;
    return { min, max, minCut: false, maxCut: false, unusable: (quarters & (quarters - 1)) !== 0 };
  }

  protected override clearValues(): void {}
}

function compareAt(data: Uint8Array, start: number, bound: Uint8Array, flip: number): number {
  const first = (data[start] ^ flip) - (bound[0] ^ flip);
  if (first !== 0) return first;
  for (let i = 1; i < bound.length; i++) {
    const difference = data[start + i] - bound[i];
    if (difference !== 0) return difference;
  }
  return 0;
}
