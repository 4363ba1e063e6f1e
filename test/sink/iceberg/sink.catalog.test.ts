import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { planScan } from '../../../src/iceberg/scan.ts';
import type { ChangeBatch } from '../../../src/record/batch.ts';
import type { Sink } from '../../../src/sink/sink.ts';
import { readLake, type TestLake, testLake } from './lake.ts';
import { changeBatch, type TestChange, textTable } from './rows.ts';

const table = textTable(['id', 'a', 'b'], ['id']);
const never = new AbortController().signal;

/** Writes one transaction and commits it. */
async function commit(
  sink: Sink,
  position: number,
  changes: readonly TestChange[],
  schema = table,
): Promise<void> {
  await writeAndCommit(sink, changeBatch(schema, changes, position));
}

async function writeAndCommit(sink: Sink, batch: ChangeBatch): Promise<void> {
  await sink.write(batch);
  await sink.commit(batch.offset!, never);
}

test('L-1 inserts, updates, deletes and key changes over several commits', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  assert.equal(await sink.open(never), null);
  await commit(sink, 1, [
    { op: 'c', after: ['1', 'one', 'x'] },
    { op: 'c', after: ['2', 'two', null] },
    { op: 'c', after: ['3', 'three', 'z'] },
  ]);
  await commit(sink, 2, [
    { op: 'u', after: ['1', 'uno', 'x'] },
    { op: 'd', before: ['2', null, null] },
    { op: 'u', before: ['3', null, null], after: ['4', 'drei', 'z'] },
  ]);
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [
    ['1', 'uno', 'x'],
    ['4', 'drei', 'z'],
  ]);
});

test('O-3 the lake alone knows the position: the state directory may be lost', async (t) => {
  const lake = await testLake(t);
  const first = lake.sink();
  await first.open(never);
  await commit(first, 7, [{ op: 'c', after: ['1', 'a', 'b'] }]);
  await first.close();
  await rm(join(lake.folder, 'state'), { recursive: true, force: true });
  const second = lake.sink();
  assert.deepEqual((await second.open(never))?.toJSON(), { position: 7 });
  await commit(second, 8, [{ op: 'u', after: ['1', 'c', 'b'] }]);
  await second.close();
  assert.deepEqual(await readLake(lake, 't'), [['1', 'c', 'b']]);
});

test('O-2 a raised epoch makes the sink forget its own position, and a new snapshot replaces what is there', async (t) => {
  const lake = await testLake(t);
  const first = lake.sink();
  await first.open(never);
  await commit(first, 7, [{ op: 'c', after: ['1', 'a', 'b'] }]);
  await first.close();
  const second = lake.sink({ epoch: 1 });
  assert.equal(await second.open(never), null);
  const batch = changeBatch(table, [{ op: 'r', after: ['2', 'x', 'y'] }], 9);
  const marks = [
    { row: 0, table, kind: 'snapshot-start', replace: false },
    { row: 1, table, kind: 'snapshot-end', replace: false },
  ] as const;
  await writeAndCommit(second, { ...batch, tableMarks: marks });
  await second.close();
  assert.deepEqual(await readLake(lake, 't'), [['2', 'x', 'y']]);
});

test('L-6 a replacing snapshot becomes visible at its end, in one commit', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'old', 'x'] }]);
  const begin = changeBatch(table, [{ op: 'r', after: ['2', 'new', 'x'] }], 2);
  await writeAndCommit(sink, {
    ...begin,
    tableMarks: [{ row: 0, table, kind: 'snapshot-start', replace: true }],
  });
  assert.deepEqual(await readLake(lake, 't'), [['1', 'old', 'x']]);
  const end = changeBatch(table, [{ op: 'r', after: ['3', 'new', 'x'] }], 3);
  await writeAndCommit(sink, {
    ...end,
    tableMarks: [{ row: 1, table, kind: 'snapshot-end', replace: true }],
  });
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [
    ['2', 'new', 'x'],
    ['3', 'new', 'x'],
  ]);
});

test('L-7 a truncate removes everything, what follows it stays', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'a', 'x'] }]);
  await commit(sink, 2, [
    { op: 'c', after: ['2', 'b', 'x'] },
    { op: 't' },
    { op: 'c', after: ['1', 'c', 'x'] },
  ]);
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [['1', 'c', 'x']]);
});

test('L-7 rows of a table without a key that came before a truncate, in one batch with it, are not written', async (t) => {
  const lake = await testLake(t);
  const keyless = textTable(['id', 'a'], [], { full: true });
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'a'] }], keyless);
  const changes: TestChange[] = [{ op: 'c', after: ['2', 'b'] }, { op: 't' }, { op: 'c', after: ['3', 'c'] }];
  await commit(sink, 2, changes, keyless);
  await sink.close();
  const rows = await readLake(lake, 't');
  assert.deepEqual(
    rows.map((row) => row[0]),
    ['3'],
  );
});

test('L-4 a transaction beyond the memory budget goes through the disk', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink({ memoryBytes: 300_000 });
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['k0', 'lake', 'x'] }]);
  const expected = new Map<string, unknown[]>();
  for (let round = 0; round < 40; round++) {
    const changes: TestChange[] = Array.from({ length: 500 }, (_, i) => {
      const key = `k${(round * 251 + i * 7) % 3000}`;
      const row = [key, `r${round}`, `v${i}`];
      const op = expected.has(key) || key === 'k0' ? 'u' : 'c';
      expected.set(key, row);
      return { op, after: row };
    });
    await sink.write({
      ...changeBatch(table, changes, 2),
      offset: round === 39 ? changeBatch(table, [], 2).offset : null,
    });
  }
  await sink.commit(changeBatch(table, [], 2).offset!, never);
  await sink.close();
  const sorted = [...expected.values()].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  assert.deepEqual(await readLake(lake, 't'), sorted);
});

test('L-9 a table without a key appends, with operation and position', async (t) => {
  const lake = await testLake(t);
  const keyless = textTable(['id', 'a'], [], { full: true });
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 5, [{ op: 'c', after: ['1', 'a'] }], keyless);
  await commit(sink, 6, [{ op: 'd', before: ['1', 'a'] }], keyless);
  await sink.close();
  const rows = await readLake(lake, 't');
  assert.deepEqual(rows.map(([id, a, op, , position]) => [id, a, op, position]).sort(), [
    ['1', 'a', 'c', '5'],
    ['1', 'a', 'd', '6'],
  ]);
});

test('P-3 the lake follows added, renamed and dropped columns', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'a', 'b'] }]);
  const changed = textTable(['id', 'renamed', 'added'], ['id'], { version: 2, sourceIds: [1, 2, 4] });
  await commit(sink, 2, [{ op: 'c', after: ['2', 'r', 'n'] }], changed);
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [
    ['1', 'a', 'b', null],
    ['2', 'r', null, 'n'],
  ]);
});

test('L-5 a NULL in a key stops its table alone', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'a', 'b'] }]);
  const other = {
    ...textTable(['id', 'v'], ['id']),
    name: 'public.other',
    id: { database: 'shop', schema: 'public', table: 'other' },
  };
  await commit(sink, 2, [{ op: 'c', after: [null, 'a', 'b'] }]);
  await commit(sink, 3, [{ op: 'c', after: ['9', 'nine'] }], other);
  await commit(sink, 4, [{ op: 'c', after: ['2', 'a', 'b'] }]);
  await sink.close();
  assert.equal(lake.metrics.table('public.t').state, 'needs-resnapshot');
  assert.deepEqual(await readLake(lake, 't'), [['1', 'a', 'b']]);
  assert.deepEqual(await readLake(lake, 'other'), [['9', 'nine']]);
});

test('P-6 an unchanged value comes from the lake, also under the key that the row had before', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [
    { op: 'c', after: ['1', 'a', 'big one'] },
    { op: 'c', after: ['2', 'a', 'big two'] },
    { op: 'c', after: ['3', 'a', null] },
  ]);
  await commit(sink, 2, [{ op: 'u', after: ['1', 'b', 'bigger one'] }]);
  await commit(sink, 3, [
    { op: 'u', after: ['1', 'c', undefined] },
    { op: 'u', before: ['2', null, null], after: ['4', 'c', undefined] },
    { op: 'u', after: ['3', 'c', undefined] },
  ]);
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [
    ['1', 'c', 'bigger one'],
    ['3', 'c', null],
    ['4', 'c', 'big two'],
  ]);
  assert.ok(lake.metrics.table('public.t').lookupBytes > 0);
});

test('P-6 the lake fills rows of a transaction that went through the disk', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink({ memoryBytes: 200_000 });
  await sink.open(never);
  const keys = Array.from({ length: 2000 }, (_, i) => `k${String(i).padStart(4, '0')}`);
  await commit(
    sink,
    1,
    keys.map((key) => ({ op: 'c', after: [key, 'a', `big ${key}`] })),
  );
  for (let i = 0; i < keys.length; i += 250) {
    const changes: TestChange[] = keys
      .slice(i, i + 250)
      .map((key) => ({ op: 'u', after: [key, 'b', undefined] }));
    await sink.write({ ...changeBatch(table, changes, 2), offset: null });
  }
  await sink.commit(changeBatch(table, [], 2).offset!, never);
  await sink.close();
  assert.deepEqual(
    await readLake(lake, 't'),
    keys.map((key) => [key, 'b', `big ${key}`]),
  );
});

test('P-6 a value that is nowhere stops the table: never a placeholder, never NULL', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'a', 'big'] }]);
  await commit(sink, 2, [{ op: 'u', after: ['9', 'b', undefined] }]);
  await sink.close();
  assert.match(lake.metrics.table('public.t').reason, /^table.unchanged-value/);
  assert.deepEqual(await readLake(lake, 't'), [['1', 'a', 'big']]);
});

test('L-3 a delete finds the partition of the row that it is to reach, though the log does not say it', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'a' });
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [
    { op: 'c', after: ['1', 'north', 'x'] },
    { op: 'c', after: ['2', 'north', 'x'] },
    { op: 'c', after: ['3', 'south', 'x'] },
  ]);
  await commit(sink, 2, [
    { op: 'u', after: ['1', 'south', 'y'] },
    { op: 'd', before: ['2', null, null] },
    { op: 'u', before: ['3', null, null], after: ['4', 'west', undefined] },
  ]);
  await commit(sink, 3, [{ op: 'u', after: ['1', 'north', 'z'] }]);
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [
    ['1', 'north', 'z'],
    ['4', 'west', 'x'],
  ]);
});

test('L-3 a partition column that is part of the key tells the partition by itself', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'bucket(id, 4)' });
  const sink = lake.sink();
  await sink.open(never);
  await commit(
    sink,
    1,
    ['1', '2', '3', '4', '5'].map((id) => ({ op: 'c', after: [id, 'a', 'b'] })),
  );
  await commit(sink, 2, [
    { op: 'd', before: ['2', null, null] },
    { op: 'u', after: ['5', 'c', 'd'] },
  ]);
  await sink.close();
  assert.equal(lake.metrics.table('public.t').lookupBytes, 0);
  assert.deepEqual(await readLake(lake, 't'), [
    ['1', 'a', 'b'],
    ['3', 'a', 'b'],
    ['4', 'a', 'b'],
    ['5', 'c', 'd'],
  ]);
});

test('L-5 a stopped table is named in the marker and goes on only with a snapshot that replaces it', async (t) => {
  const lake = await testLake(t);
  const first = lake.sink();
  await first.open(never);
  await commit(first, 1, [{ op: 'c', after: ['1', 'a', 'b'] }]);
  const other = {
    ...textTable(['id', 'v'], ['id']),
    name: 'public.other',
    id: { database: 'shop', schema: 'public', table: 'other' },
  };
  await first.write(changeBatch(table, [{ op: 'c', after: [null, 'a', 'b'] }], 2));
  await commit(first, 3, [{ op: 'c', after: ['9', 'nine'] }], other);
  await first.close();
  const second = lake.sink();
  assert.deepEqual((await second.open(never))?.toJSON(), { position: 3 });
  assert.deepEqual(second.needsSnapshot, ['public.t']);
  await commit(second, 4, [{ op: 'c', after: ['2', 'not', 'kept'] }]);
  const snapshot = changeBatch(table, [{ op: 'r', after: ['7', 'new', 'x'] }], 5);
  const tableMarks = [
    { row: 0, table, kind: 'snapshot-start', replace: true },
    { row: 1, table, kind: 'snapshot-end', replace: true },
  ] as const;
  await writeAndCommit(second, { ...snapshot, tableMarks });
  await commit(second, 6, [{ op: 'c', after: ['8', 'after', 'x'] }]);
  await second.close();
  const third = lake.sink();
  await third.open(never);
  assert.deepEqual(third.needsSnapshot, []);
  await third.close();
  assert.deepEqual(await readLake(lake, 't'), [
    ['7', 'new', 'x'],
    ['8', 'after', 'x'],
  ]);
});

test('L-6 the rows of a replacing snapshot of a partitioned table lie in their partitions', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'a, b' });
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [{ op: 'c', after: ['1', 'old', 'x'] }]);
  const rows = [
    ['2', 'north', 'x'],
    ['3', 'south', 'x'],
    ['4', 'null', 'x'],
    ['5', 'a/b', 'c'],
    ['6', 'a', 'b/c'],
  ];
  const snapshot = changeBatch(
    table,
    rows.map((after) => ({ op: 'r', after })),
    2,
  );
  const tableMarks = [
    { row: 0, table, kind: 'snapshot-start', replace: true },
    { row: rows.length, table, kind: 'snapshot-end', replace: true },
  ] as const;
  await writeAndCommit(sink, { ...snapshot, tableMarks });
  await commit(sink, 3, [
    { op: 'u', after: ['2', 'north', 'y'] },
    { op: 'd', before: ['3', null, null] },
  ]);
  await sink.close();
  assert.deepEqual(await partitionsOf(lake), [
    ['a', 'b/c'],
    ['a/b', 'c'],
    ['north', 'x'],
    ['north', 'y'],
    ['null', 'x'],
    ['south', 'x'],
  ]);
  assert.deepEqual(await readLake(lake, 't'), [['2', 'north', 'y'], ...rows.slice(2)]);
});

/** Partitions of the live data files. */
async function partitionsOf(lake: TestLake): Promise<unknown[]> {
  const catalog = await lake.catalog();
  const found: unknown[] = [];
  for await (const { file } of planScan(await catalog.load({ namespace: ['shop_public'], name: 't' })))
    found.push(file.file.partition);
  await catalog.close();
  return found.sort();
}

test('L-3 NULL and the text null are two partitions', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'a' });
  const sink = lake.sink();
  await sink.open(never);
  await commit(sink, 1, [
    { op: 'c', after: ['1', 'null', 'x'] },
    { op: 'c', after: ['2', null, 'x'] },
  ]);
  await sink.close();
  assert.deepEqual(await partitionsOf(lake), [[null], ['null']].sort());
});

test('P-3 a renamed partition column tells the partition of rows from before and after', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'a' });
  const sink = lake.sink();
  await sink.open(never);
  await sink.write(changeBatch(table, [{ op: 'c', after: ['1', 'north', 'x'] }], 1));
  const renamed = textTable(['id', 'area', 'b'], ['id'], { version: 2 });
  await commit(sink, 2, [{ op: 'c', after: ['2', 'south', 'x'] }], renamed);
  await sink.close();
  assert.deepEqual(await partitionsOf(lake), [['north'], ['south']]);
});
