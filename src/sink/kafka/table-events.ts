import { IcestreamError } from '../../base/errors.ts';
import type { Converter } from '../../convert/converter.ts';
import type { ConstantBytes } from '../../kafka/crc.ts';
import { type ChangeBatch, Op } from '../../record/batch.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { EventClock, RowEvent } from '../../record/envelope.ts';
import type { EventForm } from '../../record/event.ts';
import { SourceFields } from '../../record/source-fields.ts';
import type { TableSchema } from '../../record/table.ts';
import { type EventPlan, kindNumber } from './event-plan.ts';
import { keyChanged } from './key-changed.ts';
import { type PartWriters, RecordWriter } from './record-writer.ts';
import type { RowContext } from './row-context.ts';

/** Where records go; bytes are valid until the call returns. */
export interface RecordTarget {
  /** `partition`: chosen by a transform; `head`: comes before a value that is not null. */
  send(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Uint8Array,
    partition?: number | null,
    head?: ConstantBytes | null,
  ): void;
}

export interface EventConverters {
  readonly key: Converter;
  readonly value: Converter;
  readonly header: Converter;
  /** Java's names of the three. */
  readonly classes: { readonly key: string; readonly value: string; readonly header: string };
}

export interface TableEventsOptions {
  readonly plan: EventPlan;
  readonly writers: PartWriters;
  readonly clock: EventClock;
  readonly skippedOps: ReadonlySet<number>;
}

/** The records of one kind of event; null: one that transforms drop. */
type Records = readonly (Pick<RecordWriter, 'topic' | 'send'> | null)[];

/** Made once, since it may be thrown for each row. */
const NOT_PLANNED = new IcestreamError('internal', 'an event of a kind that is not planned');

/** The rows of one version of one table as what its plan makes of Debezium's records, without a record for a row. */
export class TableEvents {
  readonly form: EventForm;
  /** Where its records go. */
  readonly topics: ReadonlySet<string>;
  readonly #table: TableSchema;
  readonly #skipped: ReadonlySet<number>;
  readonly #kinds: readonly (Records | undefined)[];
  /** Records of the row at hand that were sent or dropped. */
  #done = 0;

  private constructor(
    table: TableSchema,
    form: EventForm,
    skippedOps: ReadonlySet<number>,
    kinds: readonly (Records | undefined)[],
  ) {
    this.form = form;
    this.topics = new Set(kinds.flatMap((records) => records?.flatMap((it) => it?.topic ?? []) ?? []));
    this.#table = table;
    this.#skipped = skippedOps;
    this.#kinds = kinds;
  }

  /** @throws IcestreamError convert.* that may pass: a registry does not answer */
  static async open(
    table: TableSchema,
    form: EventForm,
    { plan, writers, clock, skippedOps }: TableEventsOptions,
  ): Promise<TableEvents> {
    const { parts } = plan;
    const materials = { table, form, parts, clock, source: new SourceFields(), envelopes: new Map() };
    const kinds: Records[] = [];
    for (const [number, records] of plan.kinds) {
      const opened: Records[number][] = [];
      for (const { record, original } of records)
        opened.push(
          record && (await openWriter(record, () => RecordWriter.open(record, original, materials, writers))),
        );
      kinds[number] = opened;
    }
    return new TableEvents(table, form, skippedOps, kinds);
  }

  /** How many records of the row that was written last were sent or dropped before one failed. */
  get done(): number {
    return this.#done;
  }

  /**
   * Sends the records of one row: an event, and a tombstone behind a delete; of a changed key all three.
   *
   * @throws IcestreamError what fails of a record or is not planned; `done` says how far it came
   */
  write(batch: ChangeBatch, row: number, context: RowContext, target: RecordTarget): void {
    this.#done = 0;
    const op = batch.op[row];
    const before = batch.before[row];
    const after = batch.after[row];
    const { key } = this.form;
    if (op === Op.update && key !== null && keyChanged(batch, before, after, this.form, this.#table)) {
      if (!this.#skipped.has(Op.delete))
        this.#send(batch, row, Op.delete, before, -1, 'away', context, target);
      if (!this.#skipped.has(Op.create))
        this.#send(batch, row, Op.create, -1, after, 'here', context, target);
    } else if (op !== Op.update || !this.#skipped.has(op)) {
      this.#send(batch, row, op, before, after, 'no', context, target);
    }
  }

  #send(
    batch: ChangeBatch,
    row: number,
    op: number,
    before: number,
    after: number,
    moved: 'no' | 'away' | 'here',
    { snapshot, transaction }: RowContext,
    target: RecordTarget,
  ): void {
    // Whatever becomes of the event, it has its place in the transaction.
    const block = transaction === null ? null : transaction();
    const number = kindNumber(op, before >= 0, after >= 0, block !== null, moved !== 'no');
    const records = this.#kinds[number];
    if (records === undefined) throw NOT_PLANNED;
    const event: RowEvent = { op, before, after, snapshot, transaction: block };
    for (let i = 0; i < records.length; i++) {
      records[i]?.send(batch, row, event, target);
      this.#done++;
    }
  }
}

/** What a converter refuses for good fails where there is a record of it. */
async function openWriter(
  { topic }: ConnectRecord,
  open: () => Promise<RecordWriter>,
): Promise<Pick<RecordWriter, 'topic' | 'send'>> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof IcestreamError) || error.retry === 'backoff') throw error;
    const send = () => {
      throw error;
    };
    return { topic, send };
  }
}
