import type { ConnectRecord } from '../record/connect-record.ts';
import { holeOf } from '../record/hole.ts';
import type { Predicate, Sight, Transform } from './transform.ts';

/** A transform in its place in the chain. */
export interface Step {
  readonly transform: Transform;
  readonly predicate: Predicate | null;
  readonly negate: boolean;
}

/**
 * Sends records with holes for values through transforms that do not look at values; null: one of them does.
 *
 * @param steps of their own, since transforms may remember the record before
 */
export function planThrough(
  steps: readonly Step[],
  records: readonly ConnectRecord[],
): readonly (ConnectRecord | null)[] | null {
  try {
    return records.map((record) => planOne(steps, record));
  } catch {
    // It fails on the records themselves as well, one by one, where it is known what to do about that.
    return null;
  }
}

function planOne(steps: readonly Step[], record: ConnectRecord): ConnectRecord | null {
  let current: ConnectRecord | null = record;
  for (const { transform, predicate, negate } of steps) {
    if (predicate !== null) {
      require(predicate.sees, current);
      if (predicate.test(current) === negate) continue;
    }
    require(transform.sees, current);
    current = transform.apply(current);
    if (current === null) return null;
  }
  return current;
}

/** A key or value that is one field may be null or not: that is no shape. */
function require(sees: Sight = 'values', { key, value }: ConnectRecord): void {
  const isKnown = holeOf(key) === undefined && holeOf(value) === undefined;
  if (sees === 'values' || (sees === 'shape' && !isKnown)) throw new Error('depends on values');
}
