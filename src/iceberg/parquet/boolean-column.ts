import { LeafColumn } from './leaf-column.ts';
import type { Bounds } from './statistics.ts';

export class BooleanColumn extends LeafColumn {
  private values = new Uint8Array(0);
  private seenTrue = false;
  private seenFalse = false;

  override bool(value: boolean): void {
    const { levels } = this;
    if (levels.slots === levels.capacity) this.makeRoom();
    this.values[this.count++] = value ? 1 : 0;
    levels.addValue();
  }

  protected override get valueBytes(): number {
    return (this.count + 7) >> 3;
  }

  protected override get bufferBytes(): number {
    return this.values.byteLength;
  }

  protected override get slotsMax(): number {
    return this.settings.pageBytes;
  }

  protected override growValues(capacity: number): void {
    const values = new Uint8Array(capacity);
    values.set(this.values);
    this.values = values;
  }

  protected override newDictionary(): null {
    return null;
  }

  protected override indexValues(): boolean {
    return false;
  }

  /** Eight to a byte, the first in the lowest bit. */
  protected override writePlain(out: Buffer, at: number): number {
    const { values, count } = this;
    const bytes = (count + 7) >> 3;
    for (let i = 0; i < bytes; i++) {
      let byte = 0;
      const stop = Math.min(8, count - i * 8);
      for (let bit = 0; bit < stop; bit++) byte |= values[i * 8 + bit] << bit;
      out[at + i] = byte;
    }
    return at + bytes;
  }

  protected override noteValues(): void {
    for (let i = 0; i < this.count && !(this.seenTrue && this.seenFalse); i++) {
      if (this.values[i] === 1) this.seenTrue = true;
      else this.seenFalse = true;
    }
  }

  protected override noteEntries(): void {}

  protected override takeBounds(): Bounds | null {
    const { seenFalse, seenTrue } = this;
    this.seenFalse = false;
    this.seenTrue = false;
    if (!seenFalse && !seenTrue) return null;
    const min = Uint8Array.of(seenFalse ? 0 : 1);
    return { min, max: Uint8Array.of(seenTrue ? 1 : 0), minCut: false, maxCut: false };
  }

  protected override clearValues(): void {}
}
