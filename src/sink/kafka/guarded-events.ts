import type { ChangeBatch } from '../../record/batch.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { TransactionBlock } from '../../record/envelope.ts';
import type { EventForm } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import { isProducers } from './errors-stage.ts';
import type { RowContext } from './row-context.ts';
import { type RecordTarget, TableEvents, type TableEventsOptions } from './table-events.ts';
import type { TableRecords } from './table-records.ts';

/**
 * The rows of one version of one table straight into bytes, and a row that fails made into records instead: of those each
 * is sent or fails for itself, at a stage that is known, and can become a dead letter. What the row had sent before it
 * failed is not repeated.
 */
export class GuardedEvents {
  readonly form: EventForm;
  /** Null: a registry does not answer, so that every row is made into records, and this is to be opened anew. */
  readonly #events: TableEvents | null;
  readonly #makeRecords: () => TableRecords;
  readonly #target: RecordTarget;
  #records: TableRecords | null = null;

  private constructor(
    form: EventForm,
    events: TableEvents | null,
    makeRecords: () => TableRecords,
    target: RecordTarget,
  ) {
    this.form = form;
    this.#events = events;
    this.#makeRecords = makeRecords;
    this.#target = target;
  }

  static async open(
    table: TableSchema,
    form: EventForm,
    options: TableEventsOptions,
    makeRecords: () => TableRecords,
    target: RecordTarget,
  ): Promise<GuardedEvents> {
    try {
      const events = await TableEvents.open(table, form, options);
      return new GuardedEvents(form, events, makeRecords, target);
    } catch {
      // Each record is to fail by itself, where it is known what becomes of it.
      return new GuardedEvents(form, null, makeRecords, target);
    }
  }

  get isPassing(): boolean {
    return this.#events === null;
  }

  /** What rows are written to. */
  get topics(): Iterable<string> {
    return this.#events?.topics ?? [];
  }

  /** What of the row is still to be sent, in order, before anything else; null: nothing. */
  write(batch: ChangeBatch, row: number, context: RowContext): ConnectRecord[] | null {
    const blocks: TransactionBlock[] = [];
    if (this.#events !== null) {
      try {
        this.#events.write(batch, row, remembering(context, blocks), this.#target);
        return null;
      } catch (error) {
        if (isProducers(error)) throw error;
      }
    }
    const records: ConnectRecord[] = [];
    this.#records ??= this.#makeRecords();
    this.#records.write(batch, row, repeating(context, blocks), records);
    return records.slice(this.#events?.done ?? 0);
  }
}

/** An event counts once in its transaction, however often it is made. */
function remembering(context: RowContext, blocks: TransactionBlock[]): RowContext {
  const { snapshot, transaction } = context;
  if (transaction === null) return context;
  const take = () => {
    const block = transaction();
    blocks.push(block);
    return block;
  };
  return { snapshot, transaction: take };
}

function repeating({ snapshot, transaction }: RowContext, blocks: TransactionBlock[]): RowContext {
  return { snapshot, transaction: transaction === null ? null : () => blocks.shift() ?? transaction() };
}
