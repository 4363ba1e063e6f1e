import { type ChangeBatch, Op } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectValue } from '../../record/connect-schema.ts';
import { EnvelopeWriter, type EventClock, ImageWriter } from '../../record/envelope.ts';
import type { EventForm } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import { ValueCollector } from '../../record/value-collector.ts';
import { keyChanged } from './key-changed.ts';
import type { RowContext } from './row-context.ts';

export interface TableRecordsOptions {
  /** `__debezium.context.*`, or none. */
  readonly headers: readonly ConnectHeader[];
  readonly tombstones: boolean;
  readonly skippedOps: ReadonlySet<number>;
  readonly clock: EventClock;
}

/** The rows of one version of one table as whole records, for transforms that need values. The order is `TableEvents`'. */
export class TableRecords {
  readonly form: EventForm;
  readonly #table: TableSchema;
  readonly #headers: readonly ConnectHeader[];
  readonly #tombstones: boolean;
  readonly #skipped: ReadonlySet<number>;
  readonly #collector = new ValueCollector();
  readonly #key: ImageWriter;
  readonly #envelope: EnvelopeWriter;

  constructor(table: TableSchema, form: EventForm, options: TableRecordsOptions) {
    this.form = form;
    this.#table = table;
    this.#headers = options.headers;
    this.#tombstones = options.tombstones;
    this.#skipped = options.skippedOps;
    this.#key = new ImageWriter(table, form.keyFields, this.#collector);
    this.#envelope = new EnvelopeWriter(table, form, this.#collector, options.clock);
  }

  write(batch: ChangeBatch, row: number, context: RowContext, out: ConnectRecord[]): void {
    const op = batch.op[row];
    const before = batch.before[row];
    const after = batch.after[row];
    if (
      op === Op.update &&
      this.form.key !== null &&
      keyChanged(batch, before, after, this.form, this.#table)
    ) {
      const gone = this.#keyOf(batch, before, true);
      const there = this.#keyOf(batch, after, false);
      const onOld = [this.#keyHeader('__debezium.newkey', there), ...this.#headers];
      const onNew = [this.#keyHeader('__debezium.oldkey', gone), ...this.#headers];
      if (!this.#skipped.has(Op.delete)) {
        out.push(this.#record(gone, this.#valueOf(batch, row, Op.delete, before, -1, context), onOld));
        if (this.#tombstones) out.push(this.#tombstone(gone, onOld));
      }
      if (!this.#skipped.has(Op.create))
        out.push(this.#record(there, this.#valueOf(batch, row, Op.create, -1, after, context), onNew));
      return;
    }
    if (op === Op.update && this.#skipped.has(op)) return;
    const isDelete = op === Op.delete;
    // A list of its own: a delete and its tombstone have it in common, and by that they are known (transform/shared-headers.ts).
    const headers = op === Op.message ? [] : [...this.#headers];
    const hasKey = op !== Op.truncate && this.form.key !== null;
    const key = hasKey ? this.#keyOf(batch, isDelete ? before : after, isDelete) : null;
    out.push(this.#record(key, this.#valueOf(batch, row, op, before, after, context), headers));
    if (isDelete && this.#tombstones) out.push(this.#tombstone(key, headers));
  }

  #record(key: ConnectValue, value: ConnectValue, headers: readonly ConnectHeader[]): ConnectRecord {
    return {
      topic: this.form.topic,
      partition: null,
      keySchema: key === null ? null : this.form.key,
      key,
      valueSchema: this.form.envelope,
      value,
      timestampMs: null,
      headers,
    };
  }

  #tombstone(key: ConnectValue, headers: readonly ConnectHeader[]): ConnectRecord {
    return { ...this.#record(key, null, headers), valueSchema: null };
  }

  #keyOf(batch: ChangeBatch, cell: number, isBefore: boolean): ConnectValue {
    this.#key.write(batch, cell, isBefore);
    return this.#collector.take();
  }

  #valueOf(
    batch: ChangeBatch,
    row: number,
    op: number,
    before: number,
    after: number,
    { snapshot, transaction }: RowContext,
  ): ConnectValue {
    const block = transaction === null ? null : transaction();
    this.#envelope.write(batch, row, { op, before, after, snapshot, transaction: block });
    return this.#collector.take();
  }

  #keyHeader(name: string, value: ConnectValue): ConnectHeader {
    return { name, schema: this.form.key, value };
  }
}
