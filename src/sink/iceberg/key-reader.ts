import { type ChangeBatch, NULL_CELL } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import type { Codec, ValueWriter } from '../../record/value.ts';
import type { KeyBytes } from './key-bytes.ts';
import { lakeType } from './lake-type.ts';
import { adaptKeyValue } from './value-adapter.ts';

interface KeyColumn {
  readonly column: number;
  readonly codec: Codec;
  /** What adapts the column's values to the form that the lake keeps them in, over `target`; most need nothing. */
  target: KeyBytes | null;
  writer: ValueWriter | null;
}

const plans = new WeakMap<TableSchema, KeyColumn[]>();

/** The key columns of the image at `cell` as canonical bytes. */
export function readKey(batch: ChangeBatch, cell: number, schema: TableSchema, out: KeyBytes): void {
  out.reset();
  const plan = planOf(schema);
  for (let i = 0; i < plan.length; i++) readColumn(batch, cell, schema, plan[i], out);
}

/** The i-th key column alone, after what `out` holds. */
export function readKeyColumn(
  batch: ChangeBatch,
  cell: number,
  schema: TableSchema,
  i: number,
  out: KeyBytes,
): void {
  readColumn(batch, cell, schema, planOf(schema)[i], out);
}

function readColumn(
  batch: ChangeBatch,
  cell: number,
  schema: TableSchema,
  key: KeyColumn,
  out: KeyBytes,
): void {
  const length = batch.cellLength[cell + key.column];
  if (length === NULL_CELL) return out.null();
  if (key.target !== out) bind(key, schema, out);
  const start = batch.cellStart[cell + key.column];
  key.codec.read(batch.bytes, start, start + length, key.writer!);
}

function bind(key: KeyColumn, schema: TableSchema, out: KeyBytes): void {
  const { type } = schema.columns[key.column];
  key.target = out;
  key.writer = adaptKeyValue(
    type,
    lakeType(type, () => 0),
    out,
  );
}

let lastSchema: TableSchema | null = null;
let lastPlan: KeyColumn[] = [];

/** Rows of one table come in long runs. */
function planOf(schema: TableSchema): KeyColumn[] {
  if (schema !== lastSchema) {
    lastPlan = planned(schema);
    lastSchema = schema;
  }
  return lastPlan;
}

function planned(schema: TableSchema): KeyColumn[] {
  let plan = plans.get(schema);
  if (plan === undefined) {
    plan = schema.keyColumns.map((column) => ({
      column,
      codec: schema.columns[column].codec,
      target: null,
      writer: null,
    }));
    plans.set(schema, plan);
  }
  return plan;
}
