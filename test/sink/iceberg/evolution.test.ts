import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column, TableSchema } from '../../../src/record/table.ts';
import type { LogicalType } from '../../../src/record/value.ts';
import { evolveLakeSchema, newLakeSchema } from '../../../src/sink/iceberg/evolution.ts';
import { textTable } from './rows.ts';

const base = textTable(['id', 'a', 'b'], ['id']);

function withColumn(table: TableSchema, index: number, change: Partial<Column>): TableSchema {
  return {
    ...table,
    columns: table.columns.map((column, i) => (i === index ? { ...column, ...change } : column)),
  };
}

function evolve(from: TableSchema, to: TableSchema) {
  const lake = newLakeSchema(from);
  return { lake, evolved: evolveLakeSchema(lake.schema, lake.lastColumnId, lake.identity, to) };
}

const names = (fields: readonly { name: string }[]) => fields.map((field) => field.name);

test('a key is required and identifies, everything else is optional', () => {
  const { schema } = newLakeSchema(base);
  assert.deepEqual(schema['identifier-field-ids'], [1]);
  assert.deepEqual(
    schema.fields.map((field) => field.required),
    [true, false, false],
  );
});

test('an unchanged table changes nothing', () => {
  assert.deepEqual(evolve(base, base).evolved.changes, []);
});

test('P-3 a rename is proven by the lasting number', () => {
  const { evolved } = evolve(base, textTable(['id', 'x', 'b'], ['id'], { version: 2 }));
  assert.deepEqual(names(evolved.schema.fields), ['id', 'x', 'b']);
  assert.deepEqual(evolved.changes, ['rename a to x']);
  assert.equal(evolved.schema.fields[1].id, 2);
});

test('P-3 two names swapped are two renames', () => {
  const { evolved } = evolve(base, textTable(['id', 'b', 'a'], ['id'], { version: 2 }));
  assert.deepEqual(
    evolved.schema.fields.map((field) => [field.id, field.name]),
    [
      [1, 'id'],
      [2, 'b'],
      [3, 'a'],
    ],
  );
});

test('P-3 a column dropped, and in a later version added again under its name, is a new one', () => {
  const dropped = textTable(['id', 'b'], ['id'], { version: 2, sourceIds: [1, 3] });
  const { evolved: without } = evolve(base, dropped);
  assert.deepEqual(names(without.schema.fields), ['id', 'a', 'b']);
  const again = textTable(['id', 'b', 'a'], ['id'], { version: 3, sourceIds: [1, 3, 4] });
  const evolved = evolveLakeSchema(without.schema, without.lastColumnId, without.identity, again);
  assert.deepEqual(
    evolved.schema.fields.map((field) => [field.id, field.name]),
    [
      [1, 'id'],
      [3, 'b'],
      [4, 'a'],
    ],
  );
  assert.deepEqual(evolved.changes, ['add a', 'drop the old a']);
});

test('P-3 a column dropped and added again under its name is a new one; the old values do not come back', () => {
  const { evolved } = evolve(base, textTable(['id', 'a', 'b'], ['id'], { version: 2, sourceIds: [1, 4, 3] }));
  assert.deepEqual(
    evolved.schema.fields.map((field) => [field.id, field.name]),
    [
      [1, 'id'],
      [3, 'b'],
      [4, 'a'],
    ],
  );
});

test('a dropped column stays, an added one is optional', () => {
  const { evolved } = evolve(base, textTable(['id', 'b', 'c'], ['id'], { version: 2, sourceIds: [1, 3, 4] }));
  assert.deepEqual(names(evolved.schema.fields), ['id', 'a', 'b', 'c']);
  assert.deepEqual(evolved.changes, ['add c']);
});

test('a recreated table matches by name', () => {
  const recreated = {
    ...textTable(['id', 'a', 'b'], ['id'], { version: 2, sourceIds: [1, 3, 2] }),
    sourceId: '2',
  };
  const { evolved } = evolve(base, recreated);
  assert.deepEqual(evolved.changes, []);
  const types = { 1: 'text', 2: 'text', 3: 'text' };
  assert.deepEqual(evolved.identity, { table: '2', columns: { 1: 1, 2: 3, 3: 2 }, types });
});

const decimal = (precision: number, scale: number): LogicalType => ({ kind: 'decimal', precision, scale });

for (const [from, to, wanted] of [
  [{ kind: 'int32' }, { kind: 'int64' }, 'long'],
  [{ kind: 'int64' }, { kind: 'int32' }, 'long'],
  [{ kind: 'float32' }, { kind: 'float64' }, 'double'],
  [decimal(10, 2), decimal(12, 2), 'decimal(12, 2)'],
  [decimal(12, 2), decimal(10, 2), 'decimal(12, 2)'],
  [decimal(12, 4), decimal(10, 2), 'decimal(12, 4)'],
  [decimal(12, 2), decimal(12, 4), null],
  [{ kind: 'int32' }, { kind: 'string', length: null }, null],
  [{ kind: 'timestamp', precision: 6 }, { kind: 'timestamptz', precision: 6 }, null],
] as [LogicalType, LogicalType, string | null][]) {
  test(`L-5 ${JSON.stringify(from)} to ${JSON.stringify(to)} is ${wanted ?? 'refused'}`, () => {
    const source = withColumn(base, 1, { type: from });
    const changed = withColumn(base, 1, { type: to });
    if (wanted === null) assert.throws(() => evolve(source, changed), { code: 'table.incompatible-schema' });
    else assert.equal(evolve(source, changed).evolved.schema.fields[1].type, wanted);
  });
}
