import { isDeepStrictEqual } from 'node:util';
import { type ChangeBatch, NULL_CELL } from '../../record/batch.ts';
import type { EventField, EventForm } from '../../record/event.ts';
import type { TableSchema } from '../../record/table.ts';
import { ValueCollector } from '../../record/value-collector.ts';

/**
 * Whether an update moves a row to another key. Equal bytes are equal values; others may be, too, as the key has them: `2.0`
 * and `2.00`, or two times within the unit.
 */
export function keyChanged(
  batch: ChangeBatch,
  before: number,
  after: number,
  form: EventForm,
  table: TableSchema,
): boolean {
  if (before < 0) return false;
  for (const field of form.keyFields) {
    const { column } = field;
    // The old key is made of what the log has of the old row: where that lacks the column it is another key, in Debezium too.
    if (!table.beforeColumns.includes(column)) return true;
    // A value that the log leaves out has not changed.
    if (batch.cellLength[after + column] < NULL_CELL) continue;
    if (hasSameBytes(batch, before + column, after + column)) continue;
    if (!hasSameValue(batch, before + column, after + column, field, table)) return true;
  }
  return false;
}

/**
 * Whether an update leaves every field of the event as it was, which only a before-image of the whole row can tell
 * (`skip.messages.without.change`).
 */
export function rowUnchanged(batch: ChangeBatch, row: number, { fields }: EventForm): boolean {
  const [before, after] = [batch.before[row], batch.after[row]];
  const table = batch.tables[batch.tableOf[row]];
  if (before < 0 || after < 0) return false;
  return fields.every((field) => {
    const [one, other] = [before + field.column, after + field.column];
    const length = batch.cellLength[other];
    if (!table.beforeColumns.includes(field.column)) return length === NULL_CELL && field.absent === null;
    if (length < NULL_CELL || hasSameBytes(batch, one, other)) return true;
    return hasSameValue(batch, one, other, field, table);
  });
}

function hasSameBytes({ bytes, cellStart, cellLength }: ChangeBatch, one: number, other: number): boolean {
  const length = cellLength[one];
  if (length !== cellLength[other]) return false;
  const [from, to] = [cellStart[one], cellStart[other]];
  for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[to + i]) return false;
  return true;
}

function hasSameValue(
  { bytes, cellStart, cellLength }: ChangeBatch,
  one: number,
  other: number,
  field: EventField,
  table: TableSchema,
): boolean {
  if (cellLength[one] < 0 || cellLength[other] < 0) return false;
  const codec = field.codec ?? table.columns[field.column].codec;
  const collector = new ValueCollector();
  const writer = field.adapt(collector);
  const value = (cell: number) => {
    codec.read(bytes, cellStart[cell], cellStart[cell] + cellLength[cell], writer);
    return collector.take();
  };
  return isDeepStrictEqual(value(one), value(other));
}
