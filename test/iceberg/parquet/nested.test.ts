import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DuckDBListValue, DuckDBMapValue, DuckDBStructValue } from '@duckdb/node-api';
import fc from 'fast-check';
import type { IcebergType } from '../../../src/iceberg/schema.ts';
import { field, readDuckDb, readHyparquet, type Value, writeRows } from './rows.ts';

const list = (id: number, element: IcebergType, required = false): IcebergType => ({
  type: 'list',
  'element-id': id,
  element,
  'element-required': required,
});

const struct: IcebergType = {
  type: 'struct',
  fields: [field(20, 'a', 'int'), field(21, 'b', 'string', true), field(22, 'c', list(23, 'long'))],
};

const map: IcebergType = {
  type: 'map',
  'key-id': 30,
  key: 'string',
  'value-id': 31,
  value: 'int',
  'value-required': false,
};

const int = fc.integer();
const text = fc.string({ maxLength: 8 });
const arrayOf = (element: fc.Arbitrary<Value>) => fc.array(element, { maxLength: 4 });
const structs = fc.record({
  a: fc.option(int),
  b: text,
  c: fc.option(arrayOf(fc.option(fc.bigInt(-1n, 5n)))),
});
const maps = fc.uniqueArray(fc.tuple(text, fc.option(int)), { maxLength: 4, selector: ([key]) => key });

const shapes: [string, IcebergType, fc.Arbitrary<Value>][] = [
  ['a list', list(2, 'int'), fc.option(arrayOf(fc.option(int)))],
  ['a list of required elements', list(2, 'string', true), fc.option(arrayOf(text))],
  ['a list of lists', list(2, list(3, 'int')), fc.option(arrayOf(fc.option(arrayOf(fc.option(int)))))],
  ['a struct', struct, fc.option(structs)],
  ['a list of structs', list(2, struct), fc.option(arrayOf(fc.option(structs)))],
  ['a map', map, fc.option(maps)],
  ['a list of maps', list(2, map), fc.option(arrayOf(fc.option(maps)))],
  ['a list of three levels', list(2, list(3, list(4, 'int'))), arrayOf(arrayOf(fc.option(arrayOf(int))))],
];

for (const [name, type, values] of shapes) {
  test(`${name} comes back with its nulls and empties, whatever the pages`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(values, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(8, 1 << 19),
        async (column, pageBytes) => {
          const rows = column.map((value, i) => [value, i]);
          const file = await writeRows([field(1, 'v', type), field(9, 'n', 'int', true)], rows, {
            block: 7,
            pageBytes,
          });
          assert.deepEqual(
            (await readDuckDb(file.bytes)).map(([value, n]) => [plain(value), n]),
            rows.map(([value, n]) => [normal(type, value), n]),
          );
        },
      ),
      { numRuns: 25 },
    );
  });
}

test('hyparquet reads lists, and lists of lists, too', async () => {
  const rows = [
    [
      [1, null],
      [[1], [], [2, null]],
    ],
    [[], null],
    [null, []],
    [[7], [[8]]],
  ];
  const file = await writeRows(
    [field(1, 'l', list(2, 'int')), field(3, 'll', list(4, list(5, 'int')))],
    rows,
  );
  const read = await readHyparquet(file.bytes);
  assert.deepEqual(
    read.map((row) => [row.l ?? null, row.ll ?? null]),
    rows,
  );
});

test('values of another number than announced are refused', async () => {
  const fields = [field(1, 'l', list(2, 'int')), field(3, 's', struct)];
  await assert.rejects(
    writeRows([fields[0]], [[{ length: 2, [Symbol.iterator]: () => [1][Symbol.iterator]() }]]),
    { code: 'internal' },
  );
  await assert.rejects(
    writeRows([field(1, 's', { type: 'struct', fields: [field(2, 'a', 'int', true)] })], [[{ a: null }]]),
    {
      code: 'table.value-out-of-range',
    },
  );
});

test('columns in lists have counts but no bounds', async () => {
  const { metrics } = await writeRows([field(1, 'l', list(2, 'int'))], [[[1, null]], [[]], [null], [[3]]]);
  // Each empty or missing list takes one slot, as readers count them.
  assert.equal(metrics.valueCounts.get(2), 5n);
  assert.equal(metrics.nullValueCounts.get(2), 3n);
  assert.equal(metrics.lowerBounds.has(2), false);
  assert.equal(metrics.valueCounts.has(1), false);
});

/** DuckDB's values in the form in which we write them. */
function plain(value: Value): Value {
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBMapValue)
    return value.entries.map(({ key, value: mapped }) => [key, plain(mapped)]);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, plain(entry)]));
  }
  return value;
}

function normal(type: IcebergType, value: Value): Value {
  if (value === null || typeof type === 'string') return value;
  if (type.type === 'list') return value.map((element: Value) => normal(type.element, element));
  if (type.type === 'map')
    return value.map(([key, mapped]: [Value, Value]) => [key, normal(type.value, mapped)]);
  return Object.fromEntries(type.fields.map((child) => [child.name, normal(child.type, value[child.name])]));
}
