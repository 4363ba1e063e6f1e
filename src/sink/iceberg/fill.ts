import { IcestreamError } from '../../base/errors.ts';
import { currentSchema } from '../../iceberg/metadata.ts';
import type { StoredValue } from '../../iceberg/parquet/stored-value.ts';
import type { NestedField } from '../../iceberg/schema.ts';
import { type ChangeBatch, UNCHANGED_CELL } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import { type LookupContext, lookupKeys, type WantedKey } from './lake-lookup.ts';
import type { LakeTable } from './lake-table.ts';
import { type TableMerge, UNRESOLVED } from './table-merge.ts';

/** A value that came from the lake, for a cell that the log did not carry. */
export interface FilledValue {
  readonly field: NestedField;
  readonly value: StoredValue;
}

/** Filled values by batch number, then by cell. */
export type FilledCells = ReadonlyMap<number, ReadonlyMap<number, FilledValue>>;

export const NOTHING_FILLED: FilledCells = new Map();

/**
 * Looks up, in the lake as it is before this commit, the unchanged large values that neither the micro-batch nor a
 * before-image has (P-6). The lake is asked before the source, because the source's row may be of a later time.
 *
 * @throws IcestreamError table.unchanged-value where a row is not there: never a placeholder, never NULL
 */
export async function fillUnchanged(
  table: LakeTable,
  merge: TableMerge,
  batches: readonly ChangeBatch[],
  schemas: readonly TableSchema[],
  context: LookupContext,
): Promise<FilledCells> {
  if (!merge.hasUnresolved) return NOTHING_FILLED;
  const wanted: WantedKey[] = [];
  for (let entry = 0; entry < merge.index.count; entry++) {
    if ((merge.flags[entry] & UNRESOLVED) === 0) continue;
    const { batch, cell, schema } = merge.origins.get(entry) ?? merge.imageOf(entry);
    wanted.push({ batch: batches[batch], cell, schema: schemas[schema], tag: entry });
  }
  if (wanted.length === 0) return NOTHING_FILLED;
  const columns = unchangedFields(table, merge, wanted, batches, schemas);
  const filled = new Map<number, Map<number, FilledValue>>();
  const missing = new Set(wanted.map(({ tag }) => tag));
  await lookupKeys(table, wanted, columns, context, (entry, _file, values) => {
    missing.delete(entry);
    const { batch, cell, schema } = merge.imageOf(entry);
    let cells = filled.get(batch);
    if (cells === undefined) filled.set(batch, (cells = new Map()));
    columns.forEach((field, i) => {
      const column = schemas[schema].columns.findIndex((candidate) => candidate.name === field.name);
      if (column >= 0 && batches[batch].cellLength[cell + column] === UNCHANGED_CELL) {
        cells.set(cell + column, { field, value: values[i] });
      }
    });
  });
  if (missing.size > 0) throw notFound(table, columns, missing.size);
  return filled;
}

/** The lake fields of which some wanted row lacks the value. */
function unchangedFields(
  table: LakeTable,
  merge: TableMerge,
  wanted: readonly WantedKey[],
  batches: readonly ChangeBatch[],
  schemas: readonly TableSchema[],
): NestedField[] {
  const names = new Set<string>();
  for (const { tag } of wanted) {
    const { batch, cell, schema } = merge.imageOf(tag);
    schemas[schema].columns.forEach(({ name }, i) => {
      if (batches[batch].cellLength[cell + i] === UNCHANGED_CELL) names.add(name);
    });
  }
  return currentSchema(table.loaded!.metadata).fields.filter((field) => names.has(field.name));
}

function notFound(table: LakeTable, columns: readonly NestedField[], rows: number): IcestreamError {
  const names = columns.map((field) => field.name).join(', ');
  return new IcestreamError(
    'table.unchanged-value',
    `${rows} rows of ${table.source} left ${names} unchanged, and the lake does not have them`,
    {
      context: { table: table.source, columns: names, rows },
    },
  );
}
