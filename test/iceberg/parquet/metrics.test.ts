import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import type { PrimitiveType } from '../../../src/iceberg/schema.ts';
import {
  compareValues,
  decodeValue,
  encodeValue,
  truncateLower,
  truncateUpper,
  uuidQuarter,
} from '../../../src/iceberg/values.ts';
import { field, readDuckDb, type Value, writeRows } from './rows.ts';

const hex = (bytes: Uint8Array | null | undefined) =>
  bytes ? Buffer.from(bytes).toString('hex') : undefined;

const types: [PrimitiveType, fc.Arbitrary<Value>][] = [
  ['boolean', fc.boolean()],
  ['int', fc.integer()],
  ['date', fc.integer()],
  ['long', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['long', fc.bigInt({ min: -3n, max: 3n })],
  ['timestamp', fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n })],
  ['float', fc.float()],
  ['double', fc.double()],
  ['string', fc.string({ unit: 'binary', maxLength: 40 })],
  ['string', fc.constantFrom('', 'a', 'b', 'long text which will be cut at some place')],
  ['binary', fc.uint8Array({ maxLength: 40 })],
  ['uuid', fc.uint8Array({ minLength: 16, maxLength: 16 })],
  ['uuid', fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => bytes.map((byte) => byte & 0x7f))],
  ['fixed[20]', fc.uint8Array({ minLength: 20, maxLength: 20 })],
  ['decimal(9, 2)', fc.bigInt({ min: -999_999_999n, max: 999_999_999n })],
  ['decimal(18, 2)', fc.bigInt({ min: -(10n ** 18n - 1n), max: 10n ** 18n - 1n })],
  ['decimal(38, 2)', fc.bigInt({ min: -(10n ** 38n - 1n), max: 10n ** 38n - 1n })],
  ['decimal(20, 2)', fc.bigInt({ min: -300n, max: 300n })],
];

for (const [type, values] of types) {
  test(`metrics of ${type} are what a naive computation gives`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(values), { maxLength: 60 }),
        fc.boolean(),
        async (column, small) => {
          const rows = column.map((value) => [value, value]);
          const options = small ? { pageBytes: 32, rowGroupBytes: 100, block: 9 } : {};
          const file = await writeRows([field(1, 'cut', type), field(2, 'full', type)], rows, {
            ...options,
            fullMetricsFor: new Set([2]),
          });
          const { metrics } = file;
          const naive = naiveBounds(type, column);
          for (const id of [1, 2]) {
            assert.equal(metrics.valueCounts.get(id), BigInt(column.length));
            assert.equal(
              metrics.nullValueCounts.get(id),
              BigInt(column.filter((value) => value === null).length),
            );
            assert.equal(metrics.nanValueCounts.get(id), naive.nans);
          }
          assert.equal(hex(metrics.lowerBounds.get(2)), hex(naive.lower));
          assert.equal(hex(metrics.upperBounds.get(2)), hex(naive.upper));
          assert.equal(hex(metrics.lowerBounds.get(1)), naive.lower && hex(truncateLower(type, naive.lower)));
          assertEncloses(type, metrics.upperBounds.get(1), naive.upper);
          const stored = [...metrics.columnSizes.values()].reduce((sum, size) => sum + size, 0n);
          assert.ok(stored <= BigInt(file.fileSizeBytes));
        },
      ),
      { numRuns: 40 },
    );
  });
}

test('zero bounds are -0.0 below and +0.0 above', async () => {
  for (const type of ['float', 'double'] as const) {
    const { metrics } = await writeRows([field(1, 'v', type)], [[0], [-0], [Number.NaN]]);
    assert.ok(Object.is(decodeValue(type, metrics.lowerBounds.get(1)!), -0));
    assert.ok(Object.is(decodeValue(type, metrics.upperBounds.get(1)!), 0));
    assert.equal(metrics.nanValueCounts.get(1), 1n);
  }
});

test('the footer marks cut statistics, and DuckDB filters by them rightly', async () => {
  const long = 'x'.repeat(300);
  const rows = Array.from({ length: 1000 }, (_, i) => [BigInt(i), `${long}${i}`]);
  const file = await writeRows([field(1, 'id', 'long'), field(2, 's', 'string')], rows, {
    rowGroupBytes: 20_000,
    block: 50,
  });
  const metadata = parquetMetadata(file.bytes);
  assert.ok(metadata.row_groups.length > 1);
  const [id, s] = metadata.row_groups[0].columns.map((column) => column.meta_data!.statistics!);
  assert.equal(id.min_value, 0n);
  assert.equal(id.null_count, 0n);
  assert.equal(s.is_min_value_exact, false);
  assert.equal(s.is_max_value_exact, false);
  assert.equal(String(s.min_value).length, 64);
  assert.deepEqual(await readDuckDb(file.bytes, `select id from $file where s = '${long}777'`), [[777n]]);
  assert.deepEqual(await readDuckDb(file.bytes, 'select s from $file where id = 3'), [[`${long}3`]]);
});

function naiveBounds(type: PrimitiveType, column: readonly Value[]) {
  const isReal = type === 'float' || type === 'double';
  const present = column.filter((value) => value !== null && !Number.isNaN(value));
  const sorted = present.toSorted((a, b) => compareValues(type, a, b));
  // Not every reader orders uuids of several quarters alike: there are no bounds then.
  const quarters = new Set(type === 'uuid' ? present.map((value) => uuidQuarter(value as Uint8Array)) : []);
  const encode = (value: Value, zero: number) =>
    value === undefined || quarters.size > 1
      ? undefined
      : encodeValue(type, isReal && value === 0 ? zero : value);
  return {
    lower: encode(sorted[0], -0),
    upper: encode(sorted.at(-1), 0),
    nans: isReal ? BigInt(column.filter((value) => Number.isNaN(value)).length) : undefined,
  };
}

/** Row groups may have raised a bound already, so a cut upper bound is one of several right ones. */
function assertEncloses(
  type: PrimitiveType,
  bound: Uint8Array | undefined,
  largest: Uint8Array | undefined,
): void {
  const expected = largest === undefined ? undefined : truncateUpper(type, largest);
  assert.equal(hex(bound), hex(expected));
}
