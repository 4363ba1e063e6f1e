import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeBatch } from '../../../src/record/batch.ts';
import type { TableSchema } from '../../../src/record/table.ts';
import type { Sink } from '../../../src/sink/sink.ts';
import { readLake, testLake } from './lake.ts';
import { changeBatch, type TestRow, textTable } from './rows.ts';

const table = textTable(['id', 'a', 'b'], ['id']);
const never = new AbortController().signal;

/** Rows that replace what `schema`'s table holds. */
function replacement(schema: TableSchema, rows: readonly TestRow[], position: number): ChangeBatch {
  const batch = changeBatch(
    schema,
    rows.map((after) => ({ op: 'r', after })),
    position,
  );
  const tableMarks = [
    { row: 0, table: schema, kind: 'snapshot-start', replace: true },
    { row: rows.length, table: schema, kind: 'snapshot-end', replace: true },
  ] as const;
  return { ...batch, tableMarks };
}

/** As a lane does it, with no other reason to commit than the sink's own. */
async function write(sink: Sink, batches: readonly ChangeBatch[]): Promise<void> {
  let last: ChangeBatch | null = null;
  for (const batch of batches) {
    if (last !== null && sink.needsCommitBefore(batch)) await sink.commit(last.offset!, never);
    await sink.write(batch);
    last = batch;
  }
  await sink.commit(last!.offset!, never);
}

for (const partitionBy of ['', 'a']) {
  const where = partitionBy === '' ? '' : ' of a partitioned table';
  test(`L-2 changes right after a replacing snapshot${where} reach its rows`, async (t) => {
    const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': partitionBy });
    const sink = lake.sink();
    await sink.open(never);
    await write(sink, [
      changeBatch(table, [{ op: 'c', after: ['9', 'old', 'x'] }], 1),
      replacement(
        table,
        [
          ['1', 'a', 'x'],
          ['2', 'a', 'x'],
        ],
        2,
      ),
      changeBatch(
        table,
        [
          { op: 'u', after: ['1', 'a', 'new'] },
          { op: 'd', before: ['2', null, null] },
          { op: 'c', after: ['3', 'c', 'x'] },
        ],
        3,
      ),
    ]);
    await sink.close();
    assert.deepEqual(await readLake(lake, 't'), [
      ['1', 'a', 'new'],
      ['3', 'c', 'x'],
    ]);
  });

  test(`L-2 changes right after the first snapshot${where} reach its rows`, async (t) => {
    const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': partitionBy });
    const sink = lake.sink();
    await sink.open(never);
    await write(sink, [
      changeBatch(
        table,
        [
          { op: 'r', after: ['1', 'a', 'x'] },
          { op: 'r', after: ['2', 'a', 'x'] },
        ],
        1,
      ),
      changeBatch(
        table,
        [
          { op: 'u', after: ['1', 'a', 'new'] },
          { op: 'd', before: ['2', null, null] },
        ],
        2,
      ),
    ]);
    await sink.close();
    assert.deepEqual(await readLake(lake, 't'), [['1', 'a', 'new']]);
  });
}

test('L-6 a column of another type is a new one once the whole content is replaced', async (t) => {
  const lake = await testLake(t);
  const sink = lake.sink();
  await sink.open(never);
  const before = {
    ...table,
    columns: table.columns.map((column) => ({ ...column, type: { kind: 'int64' as const } })),
  };
  const number = { ...before, columns: [table.columns[0], before.columns[1], table.columns[2]] };
  await write(sink, [changeBatch(number, [{ op: 'c', after: ['1', null, 'b'] }], 1)]);
  await write(sink, [changeBatch(table, [{ op: 'c', after: ['2', 'text', 'b'] }], 2)]);
  assert.deepEqual(sink.needsSnapshot, ['public.t']);
  assert.match(lake.metrics.table('public.t').reason, /cannot hold/);
  await write(sink, [
    replacement(table, [['3', 'text', 'b']], 3),
    changeBatch(table, [{ op: 'c', after: ['4', 'more', 'b'] }], 4),
  ]);
  assert.deepEqual(sink.needsSnapshot, []);
  assert.equal(lake.metrics.table('public.t').state, 'ok');
  await sink.close();
  const catalog = await lake.catalog();
  const { metadata } = await catalog.load({ namespace: ['shop_public'], name: 't' });
  await catalog.close();
  const { fields } = metadata.schemas.find(
    (schema) => schema['schema-id'] === metadata['current-schema-id'],
  )!;
  assert.deepEqual(
    fields.map(({ id, name, type }) => [id, name, type]),
    [
      [1, 'id', 'string'],
      [3, 'b', 'string'],
      [4, 'a', 'string'],
    ],
  );
  assert.deepEqual(await readLake(lake, 't'), [
    ['3', 'b', 'text'],
    ['4', 'b', 'more'],
  ]);
});

test('L-6 a column that partitions are made of cannot become another one', async (t) => {
  const lake = await testLake(t, { 'iceberg.table.public.t.partition-by': 'a' });
  const sink = lake.sink();
  await sink.open(never);
  const columns = table.columns.map((column, i) =>
    i === 1 ? { ...column, type: { kind: 'int64' as const } } : column,
  );
  await write(sink, [changeBatch({ ...table, columns }, [{ op: 'c', after: ['1', null, 'b'] }], 1)]);
  await write(sink, [replacement(table, [['3', 'text', 'b']], 2)]);
  assert.deepEqual(sink.needsSnapshot, ['public.t']);
  assert.match(lake.metrics.table('public.t').reason, /cannot hold/);
  await sink.close();
  assert.deepEqual(await readLake(lake, 't'), [['1', null, 'b']]);
});
