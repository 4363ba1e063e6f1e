import type { PrimitiveType } from '../schema.ts';
import {
  BOUND_WIDTH,
  compareBytes,
  compareValues,
  decodeValue,
  truncateLower,
  truncateUpper,
  uuidQuarter,
} from '../values.ts';
import type { LeafPlan } from './plan.ts';
import { type Bounds, singleValue } from './statistics.ts';

/** Iceberg's metrics of one column over the whole file. */
export class ColumnTotals {
  readonly fieldId: number;
  valueCount = 0;
  nullCount = 0;
  nanCount = 0;
  /** In the file, with page headers. */
  storedBytes = 0;
  private readonly plan: LeafPlan;
  private readonly width: number;
  private min: Uint8Array | null = null;
  private max: Uint8Array | null = null;
  private unusable = false;

  constructor(plan: LeafPlan, fullBounds: boolean) {
    this.plan = plan;
    this.fieldId = plan.fieldId;
    this.width = fullBounds ? Number.POSITIVE_INFINITY : BOUND_WIDTH;
  }

  addChunk(valueCount: number, nullCount: number, nanCount: number, bounds: Bounds | null): void {
    this.valueCount += valueCount;
    this.nullCount += nullCount;
    this.nanCount += nanCount;
    if (bounds === null) return;
    const { type } = this.plan;
    this.unusable ||= bounds.unusable === true;
    if (type === 'uuid' && this.min !== null)
      this.unusable ||= uuidQuarter(bounds.min) !== uuidQuarter(this.min);
    if (this.unusable) return;
    const min = singleValue(this.plan, bounds.min);
    const max = singleValue(this.plan, bounds.max);
    if (this.min === null || compareSingle(type, min, this.min) < 0) this.min = min;
    if (this.max === null || compareSingle(type, max, this.max) > 0) this.max = max;
  }

  get countsNaN(): boolean {
    return this.plan.physical === 'float' || this.plan.physical === 'double';
  }

  /** Null where there is no value, and inside lists and maps, of which Iceberg keeps no bounds. */
  get lowerBound(): Uint8Array | null {
    if (this.min === null || this.unusable || this.plan.maxRepetition > 0) return null;
    return truncateLower(this.plan.type, this.min, this.width);
  }

  get upperBound(): Uint8Array | null {
    if (this.max === null || this.unusable || this.plan.maxRepetition > 0) return null;
    return truncateUpper(this.plan.type, this.max, this.width);
  }
}

function compareSingle(type: PrimitiveType, left: Uint8Array, right: Uint8Array): number {
  const asBytes = type === 'string' || type === 'binary' || type === 'uuid' || type.startsWith('fixed');
  if (asBytes) return compareBytes(left, right);
  return compareValues(type, decodeValue(type, left), decodeValue(type, right));
}
