import type { TaskMetrics } from '../base/metrics.ts';
import { type ChangeBatch, Op } from '../record/batch.ts';

/** Counts a streamed batch: one pass over its op codes, nothing per row but an addition. */
export function measureStreamed(batch: ChangeBatch, metrics: TaskMetrics): void {
  const { rowCount, op, tableOf, tables, transactions } = batch;
  if (rowCount === 0) return;
  const byOp = new Int32Array(8);
  const byTable = new Int32Array(tables.length);
  for (let row = 0; row < rowCount; row++) {
    byOp[op[row]]++;
    byTable[tableOf[row]]++;
  }
  for (let i = 0; i < tables.length; i++) metrics.table(tables[i].name).rowsStreamed += byTable[i];
  metrics.eventsSeen += rowCount;
  metrics.creates += byOp[Op.create];
  metrics.updates += byOp[Op.update];
  metrics.deletes += byOp[Op.delete];
  metrics.transactions += batch.offset === null ? transactions.length - 1 : transactions.length;
  metrics.lastEventReceivedMillis = Date.now();
  const last = transactions[transactions.length - 1];
  metrics.lastTransactionId = last.id;
  if (last.timestampMicros === 0) return;
  metrics.lastCommitTimestampMicros = last.timestampMicros;
  metrics.milliSecondsBehindSource = Math.max(0, Date.now() - Math.floor(last.timestampMicros / 1000));
}
