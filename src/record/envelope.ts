import { type ChangeBatch, NULL_CELL, OP_LETTERS, Op, UNCHANGED_CELL } from './batch.ts';
import type { ConnectValue } from './connect-schema.ts';
import { writeInt64, writeText, writeValue } from './connect-value.ts';
import { DefaultWriter } from './default-writer.ts';
import type { EventField, EventForm, SnapshotMarker } from './event.ts';
import type { TableSchema } from './table.ts';
import type { Codec, ValueWriter } from './value.ts';

/** Debezium's `transaction` block, which `provide.transaction.metadata` asks for. */
export interface TransactionBlock {
  readonly id: string;
  readonly totalOrder: number;
  readonly collectionOrder: number;
}

/** One event of a row. A change of its key is two: a `d` with the old row, a `c` with the new one. */
export interface RowEvent {
  readonly op: number;
  /** First cell of the image, or -1. */
  readonly before: number;
  readonly after: number;
  readonly snapshot: SnapshotMarker;
  readonly transaction: TransactionBlock | null;
}

interface BoundField {
  readonly field: EventField;
  readonly codec: Codec;
  readonly writer: ValueWriter;
  /** Of rows that were read from the table. */
  readonly reader: ValueWriter;
  /** Whether a before-image carries the column. */
  readonly inBefore: boolean;
}

/** Images of one table's rows, or their keys, as structs. */
export class ImageWriter {
  readonly #fields: readonly BoundField[];
  readonly #out: ValueWriter;

  constructor(table: TableSchema, fields: readonly EventField[], out: ValueWriter) {
    this.#out = out;
    this.#fields = fields.map((field) => {
      const writer = field.adapt(out);
      return {
        field,
        codec: field.codec ?? table.columns[field.column].codec,
        writer,
        reader: field.adaptRead?.(out) ?? writer,
        inBefore: table.beforeColumns.includes(field.column),
      };
    });
  }

  /**
   * The image whose first cell is `cell`; of a before-image only some columns mean anything. `old`: of an after-image the
   * row's before-image, or -1: it may hold a large value that did not change.
   */
  write(batch: ChangeBatch, cell: number, isBefore: boolean, old = -1, isRead = false): void {
    this.#out.beginStruct();
    this.writeFields(batch, cell, isBefore, old, isRead);
    this.#out.endStruct();
  }

  /** The fields of `write`, within a struct of somebody else. */
  writeFields(batch: ChangeBatch, cell: number, isBefore: boolean, old: number, isRead: boolean): void {
    const { bytes, cellStart, cellLength } = batch;
    const out = this.#out;
    for (const { field, codec, writer, reader, inBefore } of this.#fields) {
      let at = cell + field.column;
      if (old >= 0 && cellLength[at] === UNCHANGED_CELL && inBefore) at = old + field.column;
      const length = cellLength[at];
      if (length >= 0) codec.read(bytes, cellStart[at], cellStart[at] + length, isRead ? reader : writer);
      else if (length !== NULL_CELL) writeValue(field.schema, field.unavailable, out);
      else if (isBefore && !inBefore) writeValue(field.schema, field.absent, out);
      else if (field.ifNull !== undefined) writeValue(field.schema, field.ifNull, out);
      else out.null();
    }
  }
}

/** The field, with `ifNull` wherever its value would be null. */
export function fieldWithDefault(field: EventField, ifNull: ConnectValue): EventField {
  const { schema } = field;
  const orDefault = (out: ValueWriter) => new DefaultWriter(out, schema, ifNull);
  return {
    ...field,
    adapt: (out) => field.adapt(orDefault(out)),
    ...(field.adaptRead && { adaptRead: (out: ValueWriter) => field.adaptRead!(orDefault(out)) }),
    unavailable: field.unavailable ?? ifNull,
    absent: field.absent ?? ifNull,
    ifNull: field.ifNull ?? ifNull,
  };
}

/** When the events that are being written were read, in Debezium's three units. */
export class EventClock {
  #millis = 0;
  #micros = 0;
  /** The nanoseconds in halves: a BigInt per event costs more than all else that its three times do. */
  #nanosHi = 0;
  #nanosLo = 0;

  /** Nanoseconds since 1970. */
  set(nanos: bigint): void {
    this.#millis = Number(nanos / 1_000_000n);
    this.#micros = Number(nanos / 1000n);
    this.#nanosHi = Number(nanos >> 32n);
    this.#nanosLo = Number(nanos & 0xffff_ffffn);
  }

  write(unit: 'ms' | 'us' | 'ns', out: ValueWriter): void {
    if (unit === 'ms') writeInt64(this.#millis, out);
    else if (unit === 'us') writeInt64(this.#micros, out);
    else out.int64(this.#nanosHi, this.#nanosLo);
  }
}

/** Writes the events of one table's rows: before, after, source, transaction, op, ts_ms, ts_us, ts_ns; or messages. */
export class EnvelopeWriter {
  readonly #form: EventForm;
  readonly #images: ImageWriter;
  readonly #out: ValueWriter;
  readonly #clock: EventClock;

  constructor(table: TableSchema, form: EventForm, out: ValueWriter, clock = new EventClock()) {
    this.#form = form;
    this.#images = new ImageWriter(table, form.fields, out);
    this.#clock = clock;
    this.#out = out;
  }

  write(batch: ChangeBatch, row: number, event: RowEvent): void {
    if (event.op === Op.message) this.#writeMessage(batch, row, event);
    else this.#writeRow(batch, row, event);
  }

  /** op, ts_ms, source, transaction, message. */
  #writeMessage(batch: ChangeBatch, row: number, event: RowEvent): void {
    const out = this.#out;
    out.beginStruct();
    this.#writeOp(event.op);
    this.#clock.write('ms', out);
    this.#form.writeSource(batch, row, event.snapshot, out);
    writeTransaction(event.transaction, out);
    this.#images.write(batch, event.after, false);
    out.endStruct();
  }

  #writeRow(batch: ChangeBatch, row: number, event: RowEvent): void {
    const out = this.#out;
    out.beginStruct();
    if (event.before < 0) out.null();
    else this.#images.write(batch, event.before, true);
    if (event.after < 0) out.null();
    else this.#images.write(batch, event.after, false, batch.before[row], event.op === Op.read);
    this.#form.writeSource(batch, row, event.snapshot, out);
    writeTransaction(event.transaction, out);
    this.#writeOp(event.op);
    this.#clock.write('ms', out);
    this.#clock.write('us', out);
    this.#clock.write('ns', out);
    out.endStruct();
  }

  #writeOp(op: number): void {
    const letter = OP_BYTES[op];
    this.#out.utf8(letter, 0, letter.length);
  }
}

export function writeTransaction(block: TransactionBlock | null, out: ValueWriter): void {
  if (block === null) return out.null();
  out.beginStruct();
  writeText(block.id, out);
  writeInt64(block.totalOrder, out);
  writeInt64(block.collectionOrder, out);
  out.endStruct();
}

const OP_BYTES = OP_LETTERS.map((letter) => Buffer.from(letter));
