import type { ChangeBatch, TransactionMark } from '../record/batch.ts';
import type { Offset } from '../record/offset.ts';

/**
 * The rows of a batch that a sink at `held` does not have. Of several sinks the source begins where the last of them is, so
 * that the others are given again what they have: an insert written a second time would be there twice.
 */
export function unseen(batch: ChangeBatch, held: Offset): ChangeBatch {
  const rows: number[] = [];
  const known = new Map<TransactionMark, Map<number, boolean>>();
  for (let row = 0; row < batch.rowCount; row++) {
    const mark = batch.transactions[batch.transactionOf[row]];
    const table = batch.tableOf[row];
    let byTable = known.get(mark);
    if (byTable === undefined) known.set(mark, (byTable = new Map()));
    let isHeld = byTable.get(table);
    if (isHeld === undefined)
      byTable.set(table, (isHeld = held.holds(mark.offset, batch.tables[table].name)));
    if (!isHeld) rows.push(row);
  }
  if (rows.length === batch.rowCount && batch.rowCount > 0) return batch;
  return picked(batch, rows);
}

/** The same batch with these rows only, over the same cells. */
function picked(batch: ChangeBatch, rows: readonly number[]): ChangeBatch {
  const pick = <T extends Uint8Array | Int32Array | Uint32Array>(array: T): T => {
    const out = array.slice(0, rows.length) as T;
    rows.forEach((row, i) => {
      out[i] = array[row];
    });
    return out;
  };
  return {
    ...batch,
    rowCount: rows.length,
    op: pick(batch.op),
    flags: pick(batch.flags),
    tableOf: pick(batch.tableOf),
    before: pick(batch.before),
    after: pick(batch.after),
    transactionOf: pick(batch.transactionOf),
    positionHi: pick(batch.positionHi),
    positionLo: pick(batch.positionLo),
    // What happened to a table as a whole is held with the rows behind it; that it is captured is said at every start.
    tableMarks: batch.tableMarks.flatMap((mark) => {
      const next = rows.findIndex((candidate) => candidate >= mark.row);
      const isHeld = mark.row < batch.rowCount ? rows[next] !== mark.row : rows.length === 0;
      if (isHeld && mark.kind !== 'present') return [];
      return [{ ...mark, row: next < 0 ? rows.length : next }];
    }),
  };
}
