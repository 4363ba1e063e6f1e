import { IcestreamError } from '../../base/errors.ts';
import { writeStored } from '../../iceberg/parquet/stored-value.ts';
import type { NestedField } from '../../iceberg/schema.ts';
import { type ChangeBatch, NULL_CELL, OP_LETTERS, UNCHANGED_CELL } from '../../record/batch.ts';
import type { Column, TableSchema } from '../../record/table.ts';
import type { ValueWriter } from '../../record/value.ts';
import { CDC_COLUMNS } from './evolution.ts';
import type { FilledValue } from './fill.ts';
import type { ImageList } from './image-list.ts';
import { adaptKeyValue, adaptValue } from './value-adapter.ts';

/** Where one lake field's values come from under one version of the source schema. */
interface FieldSource {
  /** Index of the source column, or -1: the column is not in this version. */
  readonly column: number;
  /** What rows of a version without the column get: the default that the source gave them (P-3), else NULL. */
  readonly missing: Column | null;
  readonly writer: ValueWriter;
  /** The column itself, for values that are in the lake's form already. */
  readonly raw: ValueWriter;
}

/**
 * Writes row images into the columns of a file, column by column: the inner loop has one codec and one writer.
 *
 * Made anew for every file, because the columns are the file's.
 */
export class RowEncoder {
  readonly #latest: TableSchema;
  readonly #fields: readonly NestedField[];
  readonly #columns: readonly ValueWriter[];
  readonly #onSpecial: (field: string) => void;
  readonly #plans = new Map<TableSchema, FieldSource[]>();
  readonly #cdc: { field: number; column: (typeof CDC_COLUMNS)[number]['name'] }[] = [];

  /** `columns[i]` takes the values of `fields[i]`, which bear the names that the columns of `latest` have. */
  constructor(
    latest: TableSchema,
    fields: readonly NestedField[],
    columns: readonly ValueWriter[],
    onSpecial: (field: string) => void,
  ) {
    this.#latest = latest;
    this.#fields = fields;
    this.#columns = columns;
    this.#onSpecial = onSpecial;
  }

  /** Values for unchanged cells of the batch that is written next. */
  filled: ReadonlyMap<number, FilledValue> | undefined;

  /**
   * Images [from, to) of `images`, which all lie in `batch` under `schema`.
   *
   * @throws IcestreamError table.unchanged-value, table.value-out-of-range, table.unsupported-type
   */
  write(batch: ChangeBatch, schema: TableSchema, images: ImageList, from: number, to: number): void {
    let plan = this.#plans.get(schema);
    if (plan === undefined) this.#plans.set(schema, (plan = this.#planOf(schema)));
    for (let field = 0; field < plan.length; field++) {
      const { column, missing, writer, raw } = plan[field];
      if (column >= 0) this.#writeColumn(batch, schema, column, writer, raw, images.cell, from, to);
      else for (let i = from; i < to; i++) writeMissing(missing, writer);
    }
    for (const { field, column } of this.#cdc)
      writeCdc(batch, column, this.#columns[field], images.row, from, to);
  }

  #writeColumn(
    batch: ChangeBatch,
    schema: TableSchema,
    column: number,
    writer: ValueWriter,
    raw: ValueWriter,
    cells: Int32Array,
    from: number,
    to: number,
  ): void {
    const { bytes, cellStart, cellLength } = batch;
    const codec = schema.columns[column].codec;
    for (let i = from; i < to; i++) {
      const cell = cells[i] + column;
      const length = cellLength[cell];
      if (length >= 0) {
        const start = cellStart[cell];
        codec.read(bytes, start, start + length, writer);
      } else if (length === NULL_CELL) {
        writer.null();
      } else if (length === UNCHANGED_CELL) {
        this.#writeFilled(cell, raw, schema, column);
      }
    }
  }

  #adapted(column: Column, field: NestedField, raw: ValueWriter): ValueWriter {
    const isKey = this.#latest.keyColumns.some((key) => this.#latest.columns[key] === column);
    if (isKey) return adaptKeyValue(column.type, field.type, raw);
    return adaptValue(column.type, field.type, raw, () => this.#onSpecial(field.name));
  }

  #writeFilled(cell: number, raw: ValueWriter, schema: TableSchema, column: number): void {
    const filled = this.filled?.get(cell);
    if (filled !== undefined) return writeStored(raw, filled.field.type, filled.value);
    throw new IcestreamError('table.unchanged-value', 'an unchanged value was not filled in before writing', {
      context: { table: schema.name, column: schema.columns[column].name },
    });
  }

  #planOf(schema: TableSchema): FieldSource[] {
    const plan: FieldSource[] = [];
    this.#cdc.length = 0;
    this.#fields.forEach((field, i) => {
      const latest = this.#latest.columns.find((column) => column.name === field.name) ?? null;
      const cdc =
        latest === null ? CDC_COLUMNS.find((candidate) => candidate.name === field.name) : undefined;
      if (cdc !== undefined) {
        this.#cdc.push({ field: i, column: cdc.name });
        return;
      }
      const raw = this.#columns[i];
      const writer = latest === null ? raw : this.#adapted(latest, field, raw);
      plan.push({ column: latest === null ? -1 : columnLike(schema, latest), missing: latest, writer, raw });
    });
    return plan;
  }
}

function columnLike(schema: TableSchema, wanted: Column): number {
  return schema.columns.findIndex((column) =>
    wanted.sourceId === null ? column.name === wanted.name : column.sourceId === wanted.sourceId,
  );
}

function writeMissing(column: Column | null, writer: ValueWriter): void {
  if (column === null || column.defaultCell === null) writer.null();
  else column.codec.read(column.defaultCell, 0, column.defaultCell.length, writer);
}

function writeCdc(
  batch: ChangeBatch,
  column: (typeof CDC_COLUMNS)[number]['name'],
  writer: ValueWriter,
  rows: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const row = rows[i];
    if (column === '_cdc_op') {
      const letter = Buffer.from(OP_LETTERS[batch.op[row]]);
      writer.utf8(letter, 0, letter.length);
    } else if (column === '_cdc_ts') {
      const micros = batch.transactions[batch.transactionOf[row]].timestampMicros;
      const hi = Math.floor(micros / 0x1_0000_0000);
      writer.timestamp(hi, micros - hi * 0x1_0000_0000);
    } else {
      writer.int64(batch.positionHi[row] | 0, batch.positionLo[row]);
    }
  }
}
