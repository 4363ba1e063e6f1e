import { type ChangeBatch, MAY_EXIST, Op, type TableMark, type TransactionMark } from '../record/batch.ts';
import type { Held, Offset } from '../record/offset.ts';

/**
 * Of a batch what is new to a sink at `held`. Of several sinks the source begins where the last of them is, so that the
 * others are given again what they have: an insert written a second time would be there twice. And what the source says
 * of rows that may exist is said of a snapshot that this sink perhaps was not given.
 */
export function unseen(batch: ChangeBatch, held: Offset): ChangeBatch {
  const heldOf = remembering(batch, held);
  const rows: number[] = [];
  const flags: number[] = [];
  let isSame = true;
  for (let row = 0; row < batch.rowCount; row++) {
    const has = heldOf(row);
    if (has === 'all') continue;
    const flag = flagOf(batch, row, has);
    isSame &&= flag === batch.flags[row];
    rows.push(row);
    flags.push(flag);
  }
  const tableMarks = batch.tableMarks.flatMap((mark) => {
    if (isHeld(mark, batch, held)) return [];
    const next = rows.findIndex((row) => row >= mark.row);
    return [{ ...mark, row: next < 0 ? rows.length : next }];
  });
  const isWhole = rows.length === batch.rowCount && tableMarks.length === batch.tableMarks.length;
  return isSame && isWhole ? batch : { ...picked(batch, rows), flags: Uint8Array.from(flags), tableMarks };
}

/** Asked once for each transaction and table. */
function remembering(batch: ChangeBatch, held: Offset): (row: number) => Held {
  const known = new Map<TransactionMark, Map<number, Held>>();
  return (row) => {
    const mark = batch.transactions[batch.transactionOf[row]];
    const table = batch.tableOf[row];
    let byTable = known.get(mark);
    if (byTable === undefined) known.set(mark, (byTable = new Map()));
    let has = byTable.get(table);
    if (has === undefined) byTable.set(table, (has = held.holds(mark.offset, batch.tables[table].name)));
    return has;
  };
}

/** A row that was read is newer than whatever the sink has of it, and of a chunk only the source knows what went before. */
function flagOf({ op, flags }: ChangeBatch, row: number, has: Held): number {
  if (has === 'some') return flags[row] | MAY_EXIST;
  return op[row] === Op.read ? flags[row] : flags[row] & ~MAY_EXIST;
}

/** That a table is captured is said at every start; what else happens to one is held as the rows are that it comes with. */
function isHeld(mark: TableMark, batch: ChangeBatch, held: Offset): boolean {
  if (mark.kind === 'present') return false;
  const at =
    mark.offset ??
    (mark.row < batch.rowCount ? batch.transactions[batch.transactionOf[mark.row]].offset : batch.offset);
  return at !== null && held.holds(at, mark.table.name) === 'all';
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
    tableOf: pick(batch.tableOf),
    before: pick(batch.before),
    after: pick(batch.after),
    transactionOf: pick(batch.transactionOf),
    positionHi: pick(batch.positionHi),
    positionLo: pick(batch.positionLo),
  };
}
