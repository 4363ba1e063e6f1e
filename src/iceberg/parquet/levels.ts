import { bitWidthOf, hybridBound, writeHybrid, writeRun } from './hybrid.ts';

/**
 * Definition and repetition levels of the page that a leaf column is filling. A class of its own, so that the code that
 * every value passes sees one object shape whatever the column's type.
 */
export class Levels {
  /** Values and nulls so far: what Parquet calls the page's number of values. */
  slots = 0;
  /** Slots without a value. */
  absent = 0;
  capacity = 0;
  /** Repetition level of the next slot, set by the list or map around. */
  repetition = 0;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  private definitions = new Uint8Array(0);
  private repetitions: Uint8Array | null;
  private counted = 0;

  constructor(maxDefinition: number, maxRepetition: number) {
    this.maxDefinition = maxDefinition;
    this.maxRepetition = maxRepetition;
    this.repetitions = maxRepetition > 0 ? new Uint8Array(0) : null;
  }

  /** The caller has seen to it that slots < capacity. */
  addValue(): void {
    const slot = this.slots++;
    this.definitions[slot] = this.maxDefinition;
    if (this.repetitions !== null) this.repetitions[slot] = this.repetition;
  }

  addAbsent(definition: number): void {
    const slot = this.slots++;
    this.absent++;
    this.definitions[slot] = definition;
    if (this.repetitions !== null) this.repetitions[slot] = this.repetition;
  }

  grow(capacity: number): void {
    this.definitions = copyInto(new Uint8Array(capacity), this.definitions);
    if (this.repetitions !== null) this.repetitions = copyInto(new Uint8Array(capacity), this.repetitions);
    this.capacity = capacity;
  }

  get bufferBytes(): number {
    return this.definitions.length + (this.repetitions?.length ?? 0);
  }

  /** Rows begun since the last call, of this page. */
  countRows(): number {
    const from = this.counted;
    this.counted = this.slots;
    if (this.repetitions === null) return this.slots - from;
    let rows = 0;
    for (let i = from; i < this.slots; i++) if (this.repetitions[i] === 0) rows++;
    return rows;
  }

  get writtenBound(): number {
    const width = bitWidthOf(Math.max(this.maxDefinition, this.maxRepetition));
    return 2 * (4 + hybridBound(this.slots, width));
  }

  /** Writes both as a version 1 data page wants them, each with its length ahead; returns where they ended. */
  write(out: Uint8Array, at: number): number {
    let position = at;
    if (this.repetitions !== null) {
      const width = bitWidthOf(this.maxRepetition);
      position = prefixed(out, position, (start) =>
        writeHybrid(this.repetitions!, this.slots, width, out, start),
      );
    }
    if (this.maxDefinition > 0) {
      const width = bitWidthOf(this.maxDefinition);
      position = prefixed(out, position, (start) =>
        this.absent === 0
          ? writeRun(this.maxDefinition, this.slots, width, out, start)
          : writeHybrid(this.definitions, this.slots, width, out, start),
      );
    }
    return position;
  }

  reset(): void {
    this.slots = 0;
    this.absent = 0;
    this.counted = 0;
  }
}

function prefixed(out: Uint8Array, at: number, body: (start: number) => number): number {
  const end = body(at + 4);
  const length = end - at - 4;
  for (let i = 0; i < 4; i++) out[at + i] = length >>> (8 * i);
  return end;
}

function copyInto(target: Uint8Array<ArrayBuffer>, source: Uint8Array): Uint8Array<ArrayBuffer> {
  target.set(source);
  return target;
}
