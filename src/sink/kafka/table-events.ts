import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { Converter, SchemaWriter } from '../../convert/converter.ts';
import { type ChangeBatch, Op } from '../../record/batch.ts';
import { EnvelopeWriter, ImageWriter } from '../../record/envelope.ts';
import type { EventForm } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import { encodeHeaders, type Header } from './headers.ts';
import { keyChanged } from './key-changed.ts';
import type { RowContext } from './row-context.ts';

/** Where records go; bytes are valid until the call returns. */
export interface RecordTarget {
  /** `partition`: chosen by a transform. */
  send(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Uint8Array,
    partition?: number | null,
  ): void;
}

export interface EventConverters {
  readonly key: Converter;
  readonly value: Converter;
  readonly header: Converter;
  /** Java's names of the three. */
  readonly classes: { readonly key: string; readonly value: string; readonly header: string };
}

export interface EventOptions {
  readonly converters: EventConverters;
  /** `__debezium.context.*`, or none. */
  readonly contextHeaders: readonly Header[];
  readonly tombstones: boolean;
  readonly skippedOps: ReadonlySet<number>;
}

const NO_HEADERS = encodeHeaders([]);

/** The rows of one version of one table as Debezium's records. */
export class TableEvents {
  readonly form: EventForm;
  readonly #table: TableSchema;
  readonly #options: EventOptions;
  readonly #key: KeyEncoder | null;
  readonly #keyText: KeyEncoder | null;
  readonly #valueWriter: SchemaWriter;
  readonly #envelope: EnvelopeWriter;
  readonly #tombstone: Uint8Array | null;
  readonly #headers: Buffer;
  readonly #value = new ByteBuffer(4096);

  private constructor(
    table: TableSchema,
    form: EventForm,
    options: EventOptions,
    value: SchemaWriter,
    key: KeyEncoder | null,
    keyText: KeyEncoder | null,
  ) {
    this.form = form;
    this.#table = table;
    this.#options = options;
    this.#key = key;
    this.#keyText = keyText;
    this.#valueWriter = value;
    this.#envelope = new EnvelopeWriter(table, form, value);
    // Without a schema: a tombstone is nothing at all, whatever the converter makes of a row that is null.
    this.#tombstone = options.converters.value.nothing(form.topic, null);
    this.#headers = encodeHeaders(options.contextHeaders);
  }

  static async open(table: TableSchema, form: EventForm, options: EventOptions): Promise<TableEvents> {
    const { key, value, header } = options.converters;
    const { topic } = form;
    const valueWriter = await value.writer(topic, form.envelope);
    if (form.key === null) return new TableEvents(table, form, options, valueWriter, null, null);
    const keyEncoder = new KeyEncoder(table, form, await key.writer(topic, form.key));
    const textEncoder = new KeyEncoder(table, form, await header.writer(topic, form.key));
    return new TableEvents(table, form, options, valueWriter, keyEncoder, textEncoder);
  }

  /** When the rows that follow were read, nanoseconds since 1970. */
  setClock(nanos: bigint): void {
    this.#envelope.setClock(nanos);
  }

  /** Sends the records of one row: an event, and a tombstone behind a delete; of a changed key all three. */
  write(batch: ChangeBatch, row: number, context: RowContext, target: RecordTarget): void {
    const op = batch.op[row];
    const before = batch.before[row];
    const after = batch.after[row];
    if (op === Op.update && this.#key !== null && keyChanged(batch, before, after, this.form, this.#table)) {
      this.#move(batch, row, context, target);
      return;
    }
    if (op === Op.update && this.#options.skippedOps.has(op)) return;
    const isDelete = op === Op.delete;
    const cell = isDelete ? before : after;
    const key = op === Op.truncate || this.#key === null ? null : this.#key.encode(batch, cell, isDelete);
    const value = this.#encode(batch, row, op, before, after, context);
    const { topic } = this.form;
    target.send(topic, key, value, op === Op.message ? NO_HEADERS : this.#headers);
    if (isDelete && this.#options.tombstones) target.send(topic, key, this.#tombstone, this.#headers);
  }

  /** Gone under the old key, there under the new one; each side names the other's key in a header. */
  #move(batch: ChangeBatch, row: number, context: RowContext, target: RecordTarget): void {
    const { topic } = this.form;
    const { contextHeaders, tombstones, skippedOps } = this.#options;
    const before = batch.before[row];
    const after = batch.after[row];
    const header = (name: string, cell: number, isBefore: boolean) => {
      const value = Buffer.from(this.#keyText!.encode(batch, cell, isBefore));
      return encodeHeaders([{ name, value }, ...contextHeaders]);
    };
    if (!skippedOps.has(Op.delete)) {
      const gone = header('__debezium.newkey', after, false);
      const oldKey = this.#key!.encode(batch, before, true);
      target.send(topic, oldKey, this.#encode(batch, row, Op.delete, before, -1, context), gone);
      if (tombstones) target.send(topic, oldKey, this.#tombstone, gone);
    }
    if (skippedOps.has(Op.create)) return;
    const there = header('__debezium.oldkey', before, true);
    const newKey = this.#key!.encode(batch, after, false);
    target.send(topic, newKey, this.#encode(batch, row, Op.create, -1, after, context), there);
  }

  #encode(
    batch: ChangeBatch,
    row: number,
    op: number,
    before: number,
    after: number,
    { snapshot, transaction }: RowContext,
  ): Uint8Array {
    const value = this.#value;
    value.clear();
    this.#valueWriter.begin(value);
    const block = transaction === null ? null : transaction();
    this.#envelope.write(batch, row, { op, before, after, snapshot, transaction: block });
    this.#valueWriter.end();
    return value.view();
  }
}

/** The key of a row, through one converter. */
class KeyEncoder {
  readonly #image: ImageWriter;
  readonly #writer: SchemaWriter;
  readonly #out = new ByteBuffer(256);

  constructor(table: TableSchema, form: EventForm, writer: SchemaWriter) {
    this.#writer = writer;
    this.#image = new ImageWriter(table, form.keyFields, writer);
  }

  /** Valid until the next call. */
  encode(batch: ChangeBatch, cell: number, isBefore: boolean): Uint8Array {
    this.#out.clear();
    this.#writer.begin(this.#out);
    this.#image.write(batch, cell, isBefore);
    this.#writer.end();
    return this.#out.view();
  }
}
