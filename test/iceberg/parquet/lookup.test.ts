import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type KeyMatcher, type LookupQuery, lookupRows } from '../../../src/iceberg/parquet/lookup.ts';
import { RejectingColumn } from '../../../src/iceberg/parquet/rejecting-column.ts';
import { type StoredValue, writeStored } from '../../../src/iceberg/parquet/stored-value.ts';
import { ParquetFileWriter } from '../../../src/iceberg/parquet/writer.ts';
import type { IcebergType, NestedField } from '../../../src/iceberg/schema.ts';
import type { Storage } from '../../../src/iceberg/storage.ts';
import { decodeValue } from '../../../src/iceberg/values.ts';
import {
  field,
  MemoryFile,
  readDuckDb,
  type Value,
  ValueRecorder,
  writeRows,
  writeValue,
  writtenByDuckDb,
} from './rows.ts';

/** Matches keys by the text of their values. */
class TextMatcher extends RejectingColumn implements KeyMatcher {
  readonly fieldId = 0;
  readonly wanted: Map<string, number>;
  readonly found = new Set<number>();
  private parts: string[] = [];
  constructor(keys: readonly string[]) {
    super('key');
    this.wanted = new Map(keys.map((key, i) => [key, i]));
  }
  get taker(): this {
    return this;
  }
  get done(): boolean {
    return this.found.size === this.wanted.size;
  }
  reset(): void {
    this.parts = [];
  }
  match(): number {
    const key = this.wanted.get(this.parts.join('|')) ?? -1;
    if (key >= 0) this.found.add(key);
    return key;
  }
  override int32(value: number): void {
    this.parts.push(String(value));
  }
  override int64(hi: number, lo: number): void {
    this.parts.push(String((BigInt(hi) << 32n) | BigInt(lo)));
  }
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.parts.push(Buffer.from(bytes.subarray(start, end)).toString());
  }
  override uuid(bytes: Uint8Array, start: number): void {
    this.parts.push(Buffer.from(bytes.subarray(start, start + 16)).toString('hex'));
  }
}

const uuid = (i: number) => createHash('md5').update(`key ${i}`).digest();

function memoryStorage(bytes: Buffer): Storage {
  const readRange = async (_: string, start: number, end: number) => bytes.subarray(start, end);
  return { readRange } as unknown as Storage;
}

async function lookUp(
  bytes: Buffer,
  keys: readonly string[],
  keyColumns: readonly NestedField[],
  columns: readonly NestedField[],
  mayHold?: LookupQuery['mayHold'],
  signal?: AbortSignal,
) {
  const rows = new Map<number, readonly StoredValue[]>();
  const positions = new Map<number, number>();
  const stats = await lookupRows(
    { storage: memoryStorage(bytes), location: 'memory', fileSizeBytes: bytes.length },
    {
      keyColumns,
      columns,
      keys: new TextMatcher(keys),
      mayHold,
      onRow: (key, position, values) => {
        rows.set(key, values);
        positions.set(key, position);
      },
    },
    signal,
  );
  return { rows, positions, stats };
}

const list: IcebergType = {
  type: 'list',
  'element-id': 20,
  element: 'decimal(20, 2)',
  'element-required': false,
};
const struct: IcebergType = { type: 'struct', fields: [field(30, 'a', 'int'), field(31, 'b', 'string')] };
const map: IcebergType = {
  type: 'map',
  'key-id': 40,
  key: 'string',
  'value-id': 41,
  value: 'string',
  'value-required': false,
};

const every: NestedField[] = [
  field(2, 'text', 'string'),
  field(3, 'price', 'decimal(12, 2)'),
  field(4, 'big', 'decimal(38, 3)'),
  field(5, 'at', 'timestamptz'),
  field(6, 'day', 'date'),
  field(7, 'ok', 'boolean'),
  field(8, 'ratio', 'double'),
  field(9, 'raw', 'binary'),
  field(10, 'ref', 'uuid'),
  field(11, 'l', list),
  field(12, 's', struct),
  field(13, 'm', map),
  field(14, 'small', 'float'),
  field(15, 'n', 'int'),
  field(16, 't', 'time'),
];

function rowOf(i: number): Value[] {
  if (i % 11 === 0) return every.map(() => null);
  return [
    `text ${i} `.repeat(i % 50),
    BigInt(i) * 7n,
    -(10n ** 30n) - BigInt(i),
    BigInt(i) * 1_000_003n - 5n,
    i - 100,
    i % 2 === 0,
    i / 3,
    new Uint8Array([i, i >> 8]),
    uuid(-i),
    i % 3 === 0 ? [] : [BigInt(i), null],
    { a: i, b: i % 5 === 0 ? null : 'b' },
    [
      ['k', `v${i}`],
      ['z', null],
    ],
    Math.fround(i / 7),
    i % 4,
    BigInt(i),
  ];
}

test('P-6 rows are found by key and can be written again as they were', async () => {
  const key = field(1, 'id', 'uuid', true);
  const rows = Array.from({ length: 5000 }, (_, i) => [uuid(i), ...rowOf(i)]);
  const file = await writeRows([key, ...every], rows, {
    pageBytes: 16_384,
    rowGroupBytes: 150_000,
    block: 100,
  });
  assert.ok(file.splitOffsets.length > 1);
  const wanted = [0, 11, 17, 18, 2500, 4999];
  const keys = [...wanted.map((i) => uuid(i).toString('hex')), 'f'.repeat(32)];
  const { rows: found, positions, stats } = await lookUp(file.bytes, keys, [key], every);
  assert.equal(stats.rowsFound, wanted.length);
  assert.deepEqual(
    [...positions.values()].toSorted((a, b) => a - b),
    wanted,
  );

  const output = new MemoryFile();
  const writer = new ParquetFileWriter({ type: 'struct', fields: every }, output);
  every.forEach((column, c) => {
    for (const [k] of wanted.entries()) writeStored(writer.columns[c], column.type, found.get(k)![c]);
  });
  await writer.endRows(wanted.length);
  await writer.close();
  const expected = await writeRows(every, wanted.map(rowOf));
  assert.deepEqual(await readDuckDb(output.bytes), await readDuckDb(expected.bytes));
});

test('P-6 only the pages with a hit are read of the wanted columns', async () => {
  const fields = [field(1, 'id', 'long', true), field(2, 'wide', 'string')];
  const wide = (i: number) => createHash('sha512').update(String(i)).digest('base64').repeat(20);
  const rows = Array.from({ length: 4000 }, (_, i) => [BigInt(i), wide(i)]);
  const file = await writeRows(fields, rows, { compression: 'none', dictionary: false, pageBytes: 32_768 });
  const { rows: found, stats } = await lookUp(file.bytes, ['1234', '3999'], [fields[0]], [fields[1]]);
  assert.deepEqual(
    [...found.values()].map(([value]) => Buffer.from(value as Uint8Array).toString()),
    [wide(1234), wide(3999)],
  );
  // Of 7 MB: the tail, 32 KB of keys, and two pages.
  assert.ok(stats.bytesRead < 300_000, `${stats.bytesRead} bytes were read`);
});

test('P-6 row groups are pruned by the bounds of their keys, and reading ends when all keys are found', async () => {
  const fields = [field(1, 'id', 'long', true), field(2, 'v', 'string')];
  const rows = Array.from({ length: 10_000 }, (_, i) => [BigInt(i), `value ${i * 7919}`]);
  const file = await writeRows(fields, rows, {
    rowGroupBytes: 60_000,
    pageBytes: 8192,
    block: 200,
    compression: 'none',
  });
  const groups = file.splitOffsets.length;
  assert.ok(groups > 3);
  const mayHold: LookupQuery['mayHold'] = ({ metrics }) => {
    const [lower, upper] = [metrics.lowerBounds.get(1)!, metrics.upperBounds.get(1)!];
    return (decodeValue('long', lower) as bigint) <= 9999n && (decodeValue('long', upper) as bigint) >= 9999n;
  };
  const pruned = await lookUp(file.bytes, ['9999'], [fields[0]], [fields[1]], mayHold);
  assert.equal(pruned.stats.groupsRead, 1);
  assert.equal(pruned.stats.groupsPruned, groups - 1);
  assert.equal(pruned.rows.size, 1);
  const first = await lookUp(file.bytes, ['5'], [fields[0]], [fields[1]]);
  assert.equal(first.stats.groupsRead, 1);
});

test('P-6 older files: promoted keys, renamed and missing columns, composite keys', async () => {
  const old = [field(1, 'id', 'int', true), field(2, 'code', 'string', true), field(3, 'old_name', 'int')];
  const file = await writeRows(old, [
    [1, 'a', 10],
    [1, 'b', 20],
    [2, 'a', null],
  ]);
  const now = [field(1, 'id', 'long', true), field(2, 'code', 'string', true)];
  const columns = [field(3, 'new_name', 'long'), field(9, 'added', 'string')];
  const { rows } = await lookUp(file.bytes, ['1|b', '2|a', '2|b'], now, columns);
  assert.deepEqual(
    [...rows],
    [
      [0, [20, null]],
      [1, [null, null]],
    ],
  );
  const none = await lookUp(file.bytes, ['1'], [field(99, 'later', 'long', true)], columns);
  assert.equal(none.stats.rowsScanned, 0);
});

const keyTypes: [IcebergType, (i: number) => Value][] = [
  ['int', (i) => i - 500],
  ['long', (i) => BigInt(i - 500) * 10_000_000_000n],
  ['date', (i) => i - 500],
  ['time', (i) => BigInt(i)],
  ['timestamptz', (i) => BigInt(i - 500) * 86_400_000_000n],
  ['string', (i) => `key ${i}`],
  ['uuid', uuid],
  ['fixed[5]', (i) => uuid(i).subarray(0, 5)],
  ['binary', (i) => uuid(i).subarray(0, i % 17)],
  ['decimal(9, 2)', (i) => BigInt(i - 500)],
  ['decimal(18, 2)', (i) => BigInt(i - 500) * 1_000_003n],
  ['decimal(38, 2)', (i) => BigInt(i - 500) * 10n ** 25n],
];

/** Keeps the values that it is given, in order. */
class RecordingMatcher extends ValueRecorder implements KeyMatcher {
  readonly done = false;
  get taker(): this {
    return this;
  }
  reset(): void {}
  match(): number {
    return -1;
  }
}

for (const [type, keyOf] of keyTypes) {
  for (const options of [
    {},
    { compression: 'snappy', pageBytes: 512 },
    { compression: 'none', dictionary: false },
  ] as const) {
    test(`${type} keys are read in order, nulls left out, written with ${JSON.stringify(options)}`, async () => {
      const key = field(1, 'k', type);
      // Some repeat, so that there are dictionaries; some are null.
      const values = Array.from({ length: 3000 }, (_, i) => (i % 13 === 0 ? null : keyOf(i % 900)));
      const file = await writeRows(
        [key],
        values.map((value) => [value]),
        options,
      );
      const matcher = new RecordingMatcher();
      const query = { keyColumns: [key], columns: [], keys: matcher, onRow: () => {} };
      const input = {
        storage: memoryStorage(file.bytes),
        location: 'memory',
        fileSizeBytes: file.bytes.length,
      };
      const stats = await lookupRows(input, query);
      assert.equal(stats.rowsScanned, values.length);
      const expected = new ValueRecorder();
      for (const value of values) if (value !== null) writeValue(expected, type, value);
      assert.deepEqual(matcher.values, expected.values);
    });
  }
}

test('P-6 files of another writer are read, whatever their encodings', async () => {
  for (const version of ['V1', 'V2']) {
    const bytes = await writtenByDuckDb(
      'select i::bigint as id, (i % 7)::varchar as s, repeat(i::varchar, 5) as v from range(20000) t(i)',
      `format parquet, parquet_version ${version}, field_ids {id: 1, s: 2, v: 3}, row_group_size 8192`,
    );
    const keyColumns = [field(1, 'id', 'long', true), field(2, 's', 'string', true)];
    const { rows, stats } = await lookUp(bytes, ['700|0', '19999|0'], keyColumns, [field(3, 'v', 'string')]);
    assert.equal(stats.rowsScanned, 20_000);
    assert.deepEqual(
      [...rows].map(([k, [value]]) => [k, Buffer.from(value as Uint8Array).toString()]),
      [
        [0, '700'.repeat(5)],
        [1, '19999'.repeat(5)],
      ],
    );
  }
});

test('a broken file and a cancelled lookup say what they are', async () => {
  const key = field(1, 'id', 'long', true);
  await assert.rejects(lookUp(Buffer.alloc(500), ['1'], [key], []), { code: 'iceberg.format' });
  const file = await writeRows([key], [[1n]]);
  await assert.rejects(lookUp(file.bytes, ['1'], [key], [], undefined, AbortSignal.abort()), {
    name: 'AbortError',
  });
});
