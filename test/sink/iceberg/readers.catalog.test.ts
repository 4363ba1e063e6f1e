import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLake, type TestLake, testLake } from './lake.ts';
import { changeBatch, type TestChange, textTable } from './rows.ts';

const table = textTable(['id', 'region'], ['id']);
const never = new AbortController().signal;

async function write(lake: TestLake, transactions: readonly (readonly TestChange[])[]): Promise<void> {
  const sink = lake.sink();
  await sink.open(never);
  for (const [i, changes] of transactions.entries()) {
    const batch = changeBatch(table, changes, i + 1);
    await sink.write(batch);
    await sink.commit(batch.offset!, never);
  }
  await sink.close();
}

const CHANGES: readonly (readonly TestChange[])[] = [
  [
    { op: 'c', after: ['1', 'north'] },
    { op: 'c', after: ['2', null] },
    { op: 'c', after: ['3', null] },
  ],
  [
    { op: 'u', after: ['1', null] },
    { op: 'd', before: ['2', null] },
    { op: 'u', after: ['3', 'south'] },
  ],
];

test('L-3 for DuckDB alone a table with NULL partitions gets global deletes, which it reads', async (t) => {
  const config = { 'iceberg.table.public.t.partition-by': 'region', 'iceberg.readers': 'duckdb,spark' };
  const lake = await testLake(t, config);
  await write(lake, CHANGES);
  assert.equal(lake.metrics.table('public.t').deletes, 'global');
  assert.equal(lake.metrics.table('public.t').lookupBytes, 0);
  assert.deepEqual(await readLake(lake, 't'), [
    ['1', null],
    ['3', 'south'],
  ]);
});

test('L-3 DuckDB aborts on scoped deletes beside a NULL partition, which is why', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'region' });
  await write(lake, CHANGES);
  assert.equal(lake.metrics.table('public.t').deletes, 'lookup');
  await assert.rejects(readLake(lake, 't'), /Comparison on NULL values/);
});

test('L-3 a table that DuckDB and ClickHouse cannot both read is not made', async (t) => {
  const config = { 'iceberg.table.public.t.partition-by': 'region', 'iceberg.readers': 'duckdb,clickhouse' };
  const lake = await testLake(t, config);
  await write(lake, CHANGES);
  const { state, reason } = lake.metrics.table('public.t');
  assert.equal(state, 'needs-resnapshot');
  assert.match(reason, /^table\.unreadable: .* public\.t: its partition column region can be NULL/);
  const catalog = await lake.catalog();
  await assert.rejects(catalog.load({ namespace: ['shop_public'], name: 't' }), {
    code: 'iceberg.table-not-found',
  });
  await catalog.close();
});
