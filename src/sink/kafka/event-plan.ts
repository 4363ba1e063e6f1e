import { Op } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord, RecordTransform } from '../../record/connect-record.ts';
import type { ConnectValue } from '../../record/connect-schema.ts';
import type { EventForm } from '../../record/event.ts';
import { type EventKind, type EventParts, EventSketches, tombstoneOf } from './event-sketch.ts';
import { isPlannable } from './value-plan.ts';

/** One record of an event. */
export interface RecordPlan {
  /** With holes for values; null: transforms drop it. */
  readonly record: ConnectRecord | null;
  /** Its value before transforms. */
  readonly original: ConnectValue;
}

/**
 * What becomes of a table's events: by `kindNumber`, an event's record and the tombstone behind it. A kind that transforms
 * fail on is missing.
 */
export interface EventPlan {
  readonly parts: EventParts;
  readonly kinds: ReadonlyMap<number, readonly RecordPlan[]>;
}

export interface PlanOptions {
  /** `__debezium.context.*`, or none. */
  readonly headers: readonly ConnectHeader[];
  readonly tombstones: boolean;
  /** Whether events may tell their place in a transaction. */
  readonly transactions: boolean;
  readonly transform: RecordTransform | null;
}

/** S-3. Null: some transform looks at values, so that each row has to be made into records. */
export function planEvents(form: EventForm, options: PlanOptions): EventPlan | null {
  const { headers, tombstones, transform } = options;
  const sketches = new EventSketches(form, headers);
  const kinds = new Map<number, readonly RecordPlan[]>();
  for (const kind of kindsOf(form, options.transactions)) {
    const event = sketches.event(kind);
    const records = kind.op === Op.delete && tombstones ? [event, tombstoneOf(event)] : [event];
    const outcome = outcomeOf(records, transform);
    if (outcome === 'failed') continue;
    if (outcome === null || !outcome.every(isWritable)) return null;
    kinds.set(
      kindNumber(kind.op, kind.before, kind.after, kind.transaction, kind.moved !== 'no'),
      outcome.map((record, i) => ({ record, original: records[i].value })),
    );
  }
  return kinds.size === 0 ? null : { parts: sketches.parts, kinds };
}

/** Null: it depends on values. */
function outcomeOf(
  records: readonly ConnectRecord[],
  transform: RecordTransform | null,
): readonly (ConnectRecord | null)[] | null | 'failed' {
  try {
    return transform === null ? records : transform.plan(records);
  } catch {
    // It fails on the records themselves as well, one by one, and there it is known what to do about that.
    return 'failed';
  }
}

/** A small number of its own for each kind. */
export function kindNumber(
  op: number,
  before: boolean,
  after: boolean,
  transaction: boolean,
  moved: boolean,
): number {
  return op * 16 + (before ? 1 : 0) + (after ? 2 : 0) + (transaction ? 4 : 0) + (moved ? 8 : 0);
}

function isWritable(record: ConnectRecord | null): boolean {
  if (record === null) return true;
  if (record.partition !== null || record.timestampMs !== null) return false;
  return (
    isPlannable(record.keySchema, record.key) &&
    isPlannable(record.valueSchema, record.value) &&
    record.headers.every(({ schema, value }) => isPlannable(schema, value))
  );
}

function kindsOf({ envelope, key }: EventForm, transactions: boolean): EventKind[] {
  const isMessage = envelope.fields!.some(({ name }) => name === 'message');
  const shapes: Omit<EventKind, 'transaction'>[] = isMessage
    ? [{ op: Op.message, before: false, after: true, moved: 'no' }]
    : [
        { op: Op.read, before: false, after: true, moved: 'no' },
        { op: Op.create, before: false, after: true, moved: 'no' },
        { op: Op.update, before: false, after: true, moved: 'no' },
        { op: Op.update, before: true, after: true, moved: 'no' },
        { op: Op.delete, before: true, after: false, moved: 'no' },
        { op: Op.truncate, before: false, after: false, moved: 'no' },
      ];
  if (!isMessage && key !== null) {
    shapes.push({ op: Op.delete, before: true, after: false, moved: 'away' });
    shapes.push({ op: Op.create, before: false, after: true, moved: 'here' });
  }
  const both = transactions ? [false, true] : [false];
  return shapes.flatMap((shape) => both.map((transaction) => ({ ...shape, transaction })));
}
