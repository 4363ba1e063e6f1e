import { fromTwosComplement, truncateLower, truncateUpper, twosComplement } from '../values.ts';
import type { ChunkStatistics } from './chunk.ts';
import type { LeafPlan } from './plan.ts';

/**
 * Smallest and largest value of a chunk in Parquet's physical form. Of long strings only a prefix may be kept
 * (`minCut`, `maxCut`), which is longer than every truncated bound.
 */
export interface Bounds {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
  readonly minCut: boolean;
  readonly maxCut: boolean;
  /** There are values, but not every reader would understand bounds of them alike; `min` and `max` mean nothing. */
  readonly unusable?: boolean;
}

/** Code points or bytes that a Parquet statistic of a text or binary column has at most. */
export const STATISTIC_WIDTH = 64;

/** A prefix of so many bytes decides every bound of `STATISTIC_WIDTH` code points. */
export const PREFIX_BYTES = STATISTIC_WIDTH * 4 + 4;

export function statisticsOf(
  plan: LeafPlan,
  nullCount: number,
  bounds: Bounds | null,
  full: boolean,
): ChunkStatistics {
  if (bounds === null || bounds.unusable)
    return { nullCount, min: null, max: null, minExact: false, maxExact: false };
  if (full || plan.physical !== 'byteArray') {
    return { nullCount, min: bounds.min, max: bounds.max, minExact: true, maxExact: true };
  }
  const min = truncateLower(plan.type, bounds.min, STATISTIC_WIDTH);
  const max = truncateUpper(plan.type, bounds.max, STATISTIC_WIDTH);
  const minExact = !bounds.minCut && min.length === bounds.min.length;
  const maxExact = !bounds.maxCut && max === bounds.max;
  return { nullCount, min, max, minExact, maxExact };
}

/** Iceberg's single-value form of a physical value: the same bytes but for decimals. */
export function singleValue(plan: LeafPlan, physical: Uint8Array): Uint8Array {
  if (!plan.type.startsWith('decimal')) return physical;
  if (plan.physical === 'fixedLenByteArray') return twosComplement(fromTwosComplement(physical));
  return twosComplement(fromTwosComplement(physical.slice().reverse()));
}
