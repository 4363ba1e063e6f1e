import { IcestreamError } from '../../base/errors.ts';
import type { NestedField } from '../../iceberg/schema.ts';
import { type ChangeBatch, NULL_CELL, OP_LETTERS, UNCHANGED_CELL } from '../../record/batch.ts';
import type { Column, TableSchema } from '../../record/table.ts';
import type { ValueWriter } from '../../record/value.ts';
import { CDC_COLUMNS } from './evolution.ts';
import type { ImageList } from './image-list.ts';
import { adaptValue } from './value-adapter.ts';

/** Where one lake field's values come from under one version of the source schema. */
interface FieldSource {
  /** Index of the source column, or -1: the column is not in this version. */
  readonly column: number;
  /** What rows of a version without the column get: the default that the source gave them (P-3), else NULL. */
  readonly missing: Column | null;
  readonly writer: ValueWriter;
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

  /**
   * Images [from, to) of `images`, which all lie in `batch` under `schema`.
   *
   * @throws IcestreamError table.unchanged-value, table.value-out-of-range, table.unsupported-type
   */
  write(batch: ChangeBatch, schema: TableSchema, images: ImageList, from: number, to: number): void {
    let plan = this.#plans.get(schema);
    if (plan === undefined) this.#plans.set(schema, (plan = this.#planOf(schema)));
    for (let field = 0; field < plan.length; field++) {
      const { column, missing, writer } = plan[field];
      if (column >= 0) this.#writeColumn(batch, schema, column, writer, images.cell, from, to);
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
        throw new IcestreamError(
          'table.unchanged-value',
          'an unchanged value was not filled in before writing',
          {
            context: { table: schema.name, column: schema.columns[column].name },
          },
        );
      }
    }
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
      const onSpecial = () => this.#onSpecial(field.name);
      const writer = latest === null ? raw : adaptValue(latest.type, field.type, raw, onSpecial);
      plan.push({ column: latest === null ? -1 : columnLike(schema, latest), missing: latest, writer });
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
