import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBUUIDValue,
} from '@duckdb/node-api';
import { parquetMetadata, parquetSchema } from 'hyparquet';
import type { ParquetOptions } from '../../../src/iceberg/parquet/writer.ts';
import { decimalOf, type IcebergType } from '../../../src/iceberg/schema.ts';
import { field, readDuckDb, readHyparquet, type Value, type Written, writeRows } from './rows.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const LONG_MAX = 9223372036854775807n;
const DAY = 86_400_000_000n;

const samples: [IcebergType, Value[]][] = [
  ['boolean', [true, false, null, true]],
  ['int', [0, 1, -1, 2147483647, -2147483648, null]],
  ['long', [0n, -1n, 1n << 32n, (1n << 32n) - 1n, -(1n << 32n), LONG_MAX, -LONG_MAX - 1n, null]],
  ['float', [0, 1.5, -3.25, null, 3.4028234663852886e38]],
  ['double', [0, 0.1, -1e300, null, 5e-324]],
  ['date', [0, 1, -1, 19000, -719162, 2932896, null]],
  ['time', [0n, DAY - 1n, 12_345_678n, null]],
  ['timestamp', [0n, -1n, 1_700_000_000_123_456n, -62_135_596_800_000_000n, null]],
  ['timestamptz', [0n, -1n, 1_700_000_000_123_456n, null]],
  ['string', ['', 'a', 'ü€\u{1f600}', 'a longer text that is copied by set, not by the loop', null, '\0']],
  ['binary', [bytes(''), bytes('00ff'), null, new Uint8Array(100).fill(7)]],
  ['uuid', [bytes('f79c3e09677c4bbda4793f349cb785e7'), bytes('00'.repeat(16)), bytes('ff'.repeat(16)), null]],
  ['fixed[3]', [bytes('000102'), bytes('ffffff'), null]],
  ['decimal(5, 2)', [0n, 1420n, -99999n, 99999n, null]],
  ['decimal(9, 0)', [999_999_999n, -999_999_999n, null]],
  ['decimal(10, 3)', [1n, -9_999_999_999n, null]],
  ['decimal(18, 4)', [10n ** 18n - 1n, -(10n ** 18n - 1n), 2n ** 53n + 1n, null]],
  ['decimal(19, 0)', [10n ** 19n - 1n, -1n, 0n, 255n, -256n, null]],
  ['decimal(38, 10)', [10n ** 38n - 1n, -(10n ** 38n - 1n), -1n, 2n ** 64n, -(2n ** 63n), null]],
];

const variants: [string, ParquetOptions & { block?: number }][] = [
  ['with zstd', {}],
  ['with snappy', { compression: 'snappy' }],
  ['without compression and dictionary', { compression: 'none', dictionary: false }],
  ['in pages of a few values', { pageBytes: 64, block: 3 }],
];

for (const [type, values] of samples) {
  for (const [name, options] of variants) {
    test(`${type} values are read back by hyparquet and DuckDB, ${name}`, async () => {
      const rows = repeat(values, 90).map((value) => [value]);
      const file = await writeRows([field(3, 'v', type)], rows, options);
      await assertReadBack(
        file,
        type,
        rows.map(([value]) => value),
      );
    });
  }
}

test('a column of nulls only, one row, and no row at all', async () => {
  for (const [type] of samples) {
    for (const count of [0, 1, 5000]) {
      const rows = Array.from({ length: count }, () => [null]);
      const file = await writeRows([field(1, 'v', type)], rows);
      await assertReadBack(
        file,
        type,
        rows.map(() => null),
      );
      assert.equal(file.metrics.nullValueCounts.get(1), BigInt(count));
      assert.equal(file.metrics.lowerBounds.size, 0);
    }
  }
});

test('required columns have no levels, and refuse null', async () => {
  const fields = [field(1, 'id', 'long', true), field(2, 's', 'string', true)];
  const rows = Array.from({ length: 3000 }, (_, i) => [BigInt(i * 7), `row ${i}`]);
  const file = await writeRows(fields, rows);
  assert.deepEqual(
    await readHyparquet(file.bytes),
    rows.map(([id, s]) => ({ id, s })),
  );
  assert.deepEqual(await readDuckDb(file.bytes), rows);
  await assert.rejects(writeRows(fields, [[null, 'x']]), { code: 'table.value-out-of-range' });
});

test('several row groups and pages keep the rows in order', async () => {
  const fields = [field(1, 'id', 'long', true), field(2, 'text', 'string'), field(3, 'n', 'int')];
  const rows = Array.from({ length: 20_000 }, (_, i) => [
    BigInt(i),
    i % 7 === 0 ? null : `text ${i * 31}`,
    i % 5,
  ]);
  const file = await writeRows(fields, rows, { rowGroupBytes: 40_000, pageBytes: 8192, block: 500 });
  assert.ok(file.splitOffsets.length > 2);
  const metadata = parquetMetadata(file.bytes);
  assert.equal(metadata.row_groups.length, file.splitOffsets.length);
  assert.deepEqual(
    metadata.row_groups.map((group) => group.file_offset),
    file.splitOffsets,
  );
  assert.deepEqual(await readDuckDb(file.bytes), rows);
  const read = await readHyparquet(file.bytes);
  assert.deepEqual(
    read.map((row) => [row.id, row.text, row.n]),
    rows,
  );
  assert.equal(file.fileSizeBytes, file.bytes.length);
  assert.equal(file.recordCount, rows.length);
});

test('a dictionary is used where values repeat, and given up where they do not', async () => {
  const count = 30_000;
  const fields = [
    field(1, 'few', 'string'),
    field(2, 'many', 'string'),
    field(3, 'later', 'long'),
    field(4, 'd', 'double'),
  ];
  const rows = Array.from({ length: count }, (_, i) => [
    `status ${i % 4}`,
    `unique ${i}`,
    // Repeats at first, then no more: the chunk has both kinds of pages.
    i < count / 2 ? BigInt(i % 10) : BigInt(i) * 1_000_003n,
    (i % 3) / 4,
  ]);
  const file = await writeRows(fields, rows, { pageBytes: 32_768 });
  const columns = parquetMetadata(file.bytes).row_groups[0].columns.map((column) => column.meta_data!);
  assert.deepEqual(
    columns.map((column) => column.dictionary_page_offset !== undefined),
    [true, false, true, true],
  );
  assert.deepEqual(columns[2].encodings.toSorted(), ['PLAIN', 'RLE', 'RLE_DICTIONARY']);
  assert.ok(
    columns[2].encoding_stats!.some((stat) => stat.page_type === 'DATA_PAGE' && stat.encoding === 'PLAIN'),
  );
  assert.deepEqual(await readDuckDb(file.bytes), rows);
  assert.deepEqual(
    (await readHyparquet(file.bytes)).map((row) => [row.few, row.many, row.later, row.d]),
    rows,
  );
});

test('a dictionary that grows too large is given up and what it holds stays right', async () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [
    BigInt(Math.floor(i / 2)) * 7919n,
    `k${Math.floor(i / 2)}`,
  ]);
  const file = await writeRows([field(1, 'n', 'long'), field(2, 's', 'string')], rows, {
    block: 10_000,
    pageBytes: 65_536,
  });
  assert.deepEqual(await readDuckDb(file.bytes), rows);
});

test('values wider than a page and a row group pass', async () => {
  const wide = (size: number, seed: number) => Buffer.alloc(size, `${seed} wide value `).toString();
  const rows = Array.from({ length: 12 }, (_, i) => [
    BigInt(i),
    i === 5 ? null : wide(i % 3 === 0 ? 2_000_000 : 10, i),
  ]);
  const file = await writeRows([field(1, 'id', 'long', true), field(2, 'w', 'string')], rows, {
    block: 1,
    compression: 'none',
    rowGroupBytes: 3_000_000,
  });
  assert.ok(file.splitOffsets.length > 1);
  assert.deepEqual(await readDuckDb(file.bytes), rows);
  assert.deepEqual(
    (await readHyparquet(file.bytes)).map((row) => [row.id, row.w]),
    rows,
  );
});

test('every schema element carries its field id and annotation', async () => {
  const fields = [
    field(1, 'l', { type: 'list', 'element-id': 2, element: 'decimal(20, 2)', 'element-required': true }),
    field(3, 'm', {
      type: 'map',
      'key-id': 4,
      key: 'string',
      'value-id': 5,
      value: 'timestamptz',
      'value-required': false,
    }),
    field(6, 's', { type: 'struct', fields: [field(7, 'a', 'uuid'), field(8, 'b', 'time')] }),
    field(9, 't', 'timestamp'),
  ];
  const metadata = parquetMetadata((await writeRows(fields, [])).bytes);
  const facts = metadata.schema.map((element) => [
    element.name,
    element.field_id ?? null,
    element.repetition_type ?? null,
    element.logical_type?.type ?? null,
    element.converted_type ?? null,
  ]);
  assert.deepEqual(facts, [
    ['table', null, null, null, null],
    ['l', 1, 'OPTIONAL', 'LIST', 'LIST'],
    ['list', null, 'REPEATED', null, null],
    ['element', 2, 'REQUIRED', 'DECIMAL', 'DECIMAL'],
    ['m', 3, 'OPTIONAL', 'MAP', 'MAP'],
    ['key_value', null, 'REPEATED', null, null],
    ['key', 4, 'REQUIRED', 'STRING', 'UTF8'],
    ['value', 5, 'OPTIONAL', 'TIMESTAMP', 'TIMESTAMP_MICROS'],
    ['s', 6, 'OPTIONAL', null, null],
    ['a', 7, 'OPTIONAL', 'UUID', null],
    ['b', 8, 'OPTIONAL', 'TIME', 'TIME_MICROS'],
    ['t', 9, 'OPTIONAL', 'TIMESTAMP', 'TIMESTAMP_MICROS'],
  ]);
  const adjusted = (name: string) => {
    const type = metadata.schema.find((element) => element.name === name)!.logical_type;
    return type?.type === 'TIMESTAMP' && type.isAdjustedToUTC;
  };
  assert.equal(adjusted('value'), true);
  assert.equal(adjusted('t'), false);
  assert.equal(parquetSchema(metadata).children.length, 4);
  const kept = metadata.key_value_metadata!.find((entry) => entry.key === 'iceberg.schema')!.value!;
  assert.deepEqual(JSON.parse(kept), { 'schema-id': 0, type: 'struct', fields });
});

test('DuckDB reads the field ids', async () => {
  const file = await writeRows([field(17, 'a', 'int'), field(5, 'b', 'string')], [[1, 'x']]);
  const rows = await readDuckDb(
    file.bytes,
    "select name, field_id from parquet_schema('$path') where field_id is not null",
  );
  assert.deepEqual(rows, [
    ['a', 17n],
    ['b', 5n],
  ]);
});

async function assertReadBack(file: Written, type: IcebergType, values: readonly Value[]): Promise<void> {
  const duck = await readDuckDb(file.bytes);
  assert.deepEqual(
    duck.map(([value]) => fromDuckDb(value)),
    values,
  );
  const hyparquet = await readHyparquet(file.bytes);
  assert.deepEqual(
    hyparquet.map((row) => fromHyparquet(row.v)),
    values.map((value) => toHyparquet(type, value)),
  );
}

function fromDuckDb(value: Value): Value {
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimeValue || value instanceof DuckDBTimestampValue) return value.micros;
  if (value instanceof DuckDBTimestampTZValue) return value.micros;
  if (value instanceof DuckDBUUIDValue) return bytes(value.toString().replaceAll('-', ''));
  if (value instanceof DuckDBDecimalValue) return value.value;
  if (typeof value === 'object' && value !== null && 'bytes' in value) return new Uint8Array(value.bytes);
  return value;
}

function fromHyparquet(value: Value): Value {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return value;
}

/** hyparquet gives dates and timestamps as Dates of milliseconds, decimals as doubles, uuids as text. */
function toHyparquet(type: IcebergType, value: Value): Value {
  if (value === null) return null;
  if (type === 'date') return new Date(value * 86_400_000);
  if (type === 'timestamp' || type === 'timestamptz') return new Date(Number(value / 1000n));
  if (type === 'uuid')
    return Buffer.from(value)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const decimal = decimalOf(type);
  if (decimal !== null) return Number(value) * 10 ** -decimal.scale;
  return value;
}

function repeat(values: readonly Value[], count: number): Value[] {
  return Array.from({ length: count }, (_, i) => values[i % values.length]);
}
