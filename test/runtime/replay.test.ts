import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangeBatch, MAY_EXIST, Op, type TableMark } from '../../src/record/batch.ts';
import type { Offset } from '../../src/record/offset.ts';
import { unseen } from '../../src/runtime/replay.ts';
import { changeBatch, readImage, testOffset, textTable } from '../sink/iceberg/rows.ts';

const table = textTable(['id'], ['id']);

/** Three transactions, at 1, 2 and 3, in one batch; the second has two rows. */
function threeTransactions(): ChangeBatch {
  const batch = changeBatch(
    table,
    ['a', 'b', 'c', 'd'].map((id) => ({ op: 'c', after: [id] })),
    3,
  );
  const transactions = [1, 2, 3].map((position) => ({
    id: String(position),
    timestampMicros: position,
    offset: testOffset(position),
  }));
  return { ...batch, transactions, transactionOf: Int32Array.of(0, 1, 1, 2) };
}

function ids(batch: ChangeBatch): unknown[] {
  return Array.from({ length: batch.rowCount }, (_, row) => readImage(batch, batch.after[row], 1)[0]);
}

test('what a sink holds is not given to it again, whole transactions at a time', () => {
  const batch = threeTransactions();
  assert.equal(unseen(batch, testOffset(0)), batch);
  assert.deepEqual(ids(unseen(batch, testOffset(1))), ['b', 'c', 'd']);
  assert.deepEqual(ids(unseen(batch, testOffset(2))), ['d']);
  assert.equal(unseen(batch, testOffset(3)).rowCount, 0);
  assert.deepEqual(ids(batch), ['a', 'b', 'c', 'd'], 'other sinks see all of it');
});

test('what a sink may have is flagged for it, whatever the source says of other sinks', () => {
  const batch = { ...threeTransactions(), flags: Uint8Array.of(0, MAY_EXIST, 0, MAY_EXIST) };
  const held: Offset = {
    ...testOffset(1),
    holds: (mark) => (['none', 'all', 'some', 'none'] as const)[mark.toJSON()['position'] as number],
  };
  const seen = unseen(batch, held);
  assert.deepEqual(ids(seen), ['b', 'c', 'd']);
  assert.deepEqual([...seen.flags.subarray(0, 3)], [MAY_EXIST, MAY_EXIST, 0]);
  assert.deepEqual([...batch.flags], [0, MAY_EXIST, 0, MAY_EXIST]);
  const reads = unseen({ ...batch, op: new Uint8Array(4).fill(Op.read) }, held);
  assert.deepEqual(
    [...reads.flags.subarray(0, 3)],
    [MAY_EXIST, MAY_EXIST, MAY_EXIST],
    "a chunk is the source's",
  );
});

test('marks of a snapshot go with what it read', () => {
  const mark = (kind: TableMark['kind'], position: number): TableMark => ({
    row: 0,
    table,
    kind,
    replace: true,
    offset: testOffset(position),
  });
  const batch = {
    ...changeBatch(table, [], 3),
    offset: null,
    tableMarks: [mark('snapshot-start', 1), mark('snapshot-start', 2)],
  };
  assert.deepEqual(
    unseen(batch, testOffset(1)).tableMarks.map(({ offset }) => offset!.toJSON()),
    [{ position: 2 }],
  );
});

test('marks go with the rows behind them; that a table is captured is said all the same', () => {
  const mark = (row: number, kind: 'present' | 'snapshot-end') => ({ row, table, kind, replace: false });
  const batch = {
    ...threeTransactions(),
    tableMarks: [mark(0, 'present'), mark(1, 'snapshot-end'), mark(4, 'snapshot-end')],
  };
  const marks = (held: number) =>
    unseen(batch, testOffset(held)).tableMarks.map(({ row, kind }) => [row, kind]);
  assert.deepEqual(marks(2), [
    [0, 'present'],
    [1, 'snapshot-end'],
  ]);
  assert.deepEqual(marks(3), [[0, 'present']]);
});
