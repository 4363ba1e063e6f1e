import { invariant } from '../base/errors.ts';
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
 * @throws what a transform says to every record of this shape
 */
export function planThrough(
  steps: readonly Step[],
  records: readonly ConnectRecord[],
): readonly (ConnectRecord | null)[] | null {
  const outcome: (ConnectRecord | null)[] = [];
  for (const record of records) {
    const planned = planOne(steps, record);
    if (planned === undefined) return null;
    outcome.push(planned);
  }
  return outcome;
}

/** Undefined: it depends on values. */
function planOne(steps: readonly Step[], record: ConnectRecord): ConnectRecord | null | undefined {
  let current = record;
  for (const { transform, predicate, negate } of steps) {
    if (predicate !== null) {
      if (!isEnough(predicate.sees, current)) return undefined;
      if (predicate.test(current) === negate) continue;
    }
    if (!isEnough(transform.sees, current)) return undefined;
    const applied = transform.apply(current);
    invariant(!(applied instanceof Promise), 'what goes by shapes has nothing to look up');
    if (applied === null) return null;
    current = applied;
  }
  return current;
}

/** A key or value that is one field may be null or not: that is no shape. */
function isEnough(sees: Sight = 'values', { key, value }: ConnectRecord): boolean {
  if (sees !== 'shape') return sees === 'frame';
  return holeOf(key) === undefined && holeOf(value) === undefined;
}
