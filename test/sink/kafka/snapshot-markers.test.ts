import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeBatch, TableMark } from '../../../src/record/batch.ts';
import { type Part, SnapshotMarkers } from '../../../src/sink/kafka/snapshot-markers.ts';
import { changeBatch, textTable } from '../iceberg/rows.ts';

const table = textTable(['id'], ['id']);

/** Rows `r` of a snapshot, with the marks of its begin or end in front of a row. */
function read(ids: readonly string[], ...marks: [number, TableMark['kind'], boolean?][]): ChangeBatch {
  const batch = changeBatch(
    table,
    ids.map((id) => ({ op: 'r', after: [id] })),
  );
  const tableMarks = marks.map(([row, kind, last = false]) => ({ row, table, kind, replace: false, last }));
  return { ...batch, tableMarks };
}

/** What is sent after each batch, as `id:marker`. */
function sent(batches: readonly (ChangeBatch | 'flush')[]): string[][] {
  const parts: Part[] = [];
  const markers = new SnapshotMarkers((part) => parts.push(part));
  return batches.map((batch) => {
    if (batch === 'flush') markers.flush();
    else markers.take(batch);
    return parts.splice(0).flatMap(texts);
  });
}

function texts({ batch, from, to, first, rest }: Part): string[] {
  return Array.from({ length: to - from }, (_, i) => {
    const cell = Math.max(batch.after[from + i], batch.before[from + i]);
    const bytes = batch.bytes.subarray(batch.cellStart[cell], batch.cellStart[cell] + batch.cellLength[cell]);
    return `${Buffer.from(bytes)}:${i === 0 ? first : rest}`;
  });
}

test('first and last of all, first and last of each table', () => {
  const rows = sent([
    read([], [0, 'snapshot-start']),
    read(['1', '2']),
    read(['3']),
    read([], [0, 'snapshot-end']),
    read([], [0, 'snapshot-start']),
    read(['4', '5', '6'], [3, 'snapshot-end', true]),
  ]);
  assert.deepEqual(rows, [
    [],
    ['1:first'],
    ['2:true'],
    [],
    [],
    ['3:last_in_data_collection', '4:first_in_data_collection', '5:true', '6:last'],
  ]);
});

test('the last row of all is the last one where the tables behind it are empty', () => {
  const rows = sent([
    read(['1', '2'], [0, 'snapshot-start'], [2, 'snapshot-end']),
    read([], [0, 'snapshot-start'], [0, 'snapshot-end']),
    read([], [0, 'snapshot-start'], [0, 'snapshot-end', true]),
  ]);
  assert.deepEqual(rows.flat(), ['1:first', '2:last']);
});

test('a table of one row: the very first of all stays that, and the very last', () => {
  const one = (id: string, last: boolean) => read([id], [0, 'snapshot-start'], [1, 'snapshot-end', last]);
  assert.deepEqual(sent([one('1', false), one('2', false), one('3', true)]).flat(), [
    '1:first',
    '2:last_in_data_collection',
    '3:last',
  ]);
  assert.deepEqual(sent([one('1', true)]).flat(), ['1:last']);
});

test('nothing is held back behind a commit, and an empty table has no marker', () => {
  assert.deepEqual(
    sent([
      read([], [0, 'snapshot-start'], [0, 'snapshot-end']),
      read(['1', '2'], [0, 'snapshot-start']),
      'flush',
      read(['3'], [1, 'snapshot-end', true]),
    ]),
    [[], ['1:first_in_data_collection'], ['2:true'], ['3:last']],
  );
});

test('rows read beside the stream are incremental, changes are of no snapshot', () => {
  const changes = changeBatch(table, [
    { op: 'c', after: ['1'] },
    { op: 'd', before: ['1'] },
  ]);
  assert.deepEqual(sent([changes, read(['7'])]), [['1:false', '1:false'], ['7:incremental']]);
});
