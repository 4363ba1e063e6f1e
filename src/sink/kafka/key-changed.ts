import { type ChangeBatch, NULL_CELL } from '../../record/batch.ts';
import type { EventForm } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';

/** Whether an update moves a row to another key. Cells of one column have one form: equal bytes are equal values. */
export function keyChanged(
  { bytes, cellStart, cellLength }: ChangeBatch,
  before: number,
  after: number,
  form: EventForm,
  table: TableSchema,
): boolean {
  if (before < 0) return false;
  for (const { column } of form.keyFields) {
    // The old key is made of what the log has of the old row: where that lacks the column it is another key, in Debezium too.
    if (!table.beforeColumns.includes(column)) return true;
    const length = cellLength[after + column];
    // A value that the log leaves out has not changed.
    if (length < NULL_CELL) continue;
    if (length !== cellLength[before + column]) return true;
    const from = cellStart[before + column];
    const to = cellStart[after + column];
    for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[to + i]) return true;
  }
  return false;
}
