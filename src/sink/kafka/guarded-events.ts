import type { ChangeBatch } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { TransactionBlock } from '../../record/envelope.ts';
import type { EventForm } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import { isProducers } from './errors-stage.ts';
import type { RowContext } from './row-context.ts';
import { type EventOptions, type RecordTarget, TableEvents } from './table-events.ts';
import { TableRecords } from './table-records.ts';

export interface GuardedOptions extends EventOptions {
  /** `contextHeaders` before they were converted. */
  readonly recordHeaders: readonly ConnectHeader[];
}

/**
 * The rows of one version of one table straight into bytes, and a row that fails made into records instead: of those each
 * is sent or fails for itself, at a stage that is known, and can become a dead letter. What the row had sent before it
 * failed is not repeated.
 */
export class GuardedEvents {
  readonly form: EventForm;
  /** Null: a converter cannot take the schema, so that every row is made into records. */
  readonly #events: TableEvents | null;
  /** Whether that may be otherwise next time. */
  readonly isPassing: boolean;
  readonly #makeRecords: () => TableRecords;
  readonly #target: RecordTarget;
  #records: TableRecords | null = null;
  #nanos = 0n;
  #sent = 0;

  private constructor(
    form: EventForm,
    events: TableEvents | null,
    isPassing: boolean,
    target: RecordTarget,
    makeRecords: () => TableRecords,
  ) {
    this.form = form;
    this.#events = events;
    this.isPassing = isPassing;
    this.#makeRecords = makeRecords;
    this.#target = {
      send: (topic, key, value, headers, partition) => {
        target.send(topic, key, value, headers, partition);
        this.#sent++;
      },
    };
  }

  static async open(
    table: TableSchema,
    form: EventForm,
    options: GuardedOptions,
    target: RecordTarget,
  ): Promise<GuardedEvents> {
    const { recordHeaders, tombstones, skippedOps } = options;
    const makeRecords = () => new TableRecords(table, form, recordHeaders, tombstones, skippedOps);
    try {
      const events = await TableEvents.open(table, form, options);
      return new GuardedEvents(form, events, false, target, makeRecords);
    } catch (error) {
      // Each record is to fail by itself, where it is known what becomes of it.
      const isPassing = (error as { retry?: unknown }).retry === 'backoff';
      return new GuardedEvents(form, null, isPassing, target, makeRecords);
    }
  }

  setClock(nanos: bigint): void {
    this.#nanos = nanos;
    this.#events?.setClock(nanos);
  }

  /** What of the row is still to be sent, in order, before anything else; null: nothing. */
  write(batch: ChangeBatch, row: number, context: RowContext): ConnectRecord[] | null {
    this.#sent = 0;
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
    this.#records.setClock(this.#nanos);
    this.#records.write(batch, row, repeating(context, blocks), records);
    return records.slice(this.#sent);
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
