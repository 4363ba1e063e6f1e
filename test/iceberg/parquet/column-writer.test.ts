import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnWriter } from '../../../src/iceberg/parquet/column-writer.ts';
import { ParquetFileWriter } from '../../../src/iceberg/parquet/writer.ts';
import type { IcebergType } from '../../../src/iceberg/schema.ts';
import type { ValueWriter } from '../../../src/record/value.ts';
import { field, MemoryFile, readDuckDb } from './rows.ts';

/** Fails to compile where the two contracts drift apart. */
const asValueWriter = (column: ColumnWriter): ValueWriter => column;

async function written(type: IcebergType, write: (out: ValueWriter) => void): Promise<unknown> {
  const output = new MemoryFile();
  const writer = new ParquetFileWriter({ type: 'struct', fields: [field(1, 'v', type)] }, output);
  write(asValueWriter(writer.columns[0]));
  await writer.endRows(1);
  await writer.close();
  const [[value]] = await readDuckDb(output.bytes, 'select v::varchar from $file');
  return value;
}

const text = Buffer.from('-text-');

const conversions: [string, IcebergType, (out: ValueWriter) => void, string][] = [
  ['int32 into long', 'long', (out) => out.int32(-5), '-5'],
  ['int32 into decimal', 'decimal(9, 2)', (out) => out.int32(-5), '-5.00'],
  ['int64 into decimal of 9 digits', 'decimal(9, 2)', (out) => out.int64(-1, 0xfffffffb), '-5.00'],
  ['int64 into decimal of 18 digits', 'decimal(18, 1)', (out) => out.int64(1, 0), '4294967296.0'],
  [
    'int64 into decimal of 38 digits',
    'decimal(38, 1)',
    (out) => out.int64(0x7fffffff, 0xffffffff),
    '9223372036854775807.0',
  ],
  ['decimals of a smaller scale', 'decimal(9, 2)', (out) => out.decimalSmall(15, 1), '1.50'],
  ['decimals of a larger scale', 'decimal(9, 2)', (out) => out.decimalSmall(-1500, 3), '-1.50'],
  [
    'decimals that grow beyond 2^53',
    'decimal(18, 9)',
    (out) => out.decimalSmall(123456789, 0),
    '123456789.000000000',
  ],
  [
    'large decimals',
    'decimal(38, 4)',
    (out) => out.decimal(-(10n ** 30n), 2),
    '-10000000000000000000000000000.0000',
  ],
  ['large decimals into few digits', 'decimal(9, 2)', (out) => out.decimal(10n ** 20n, 20), '1.00'],
  ['zero of a far scale', 'decimal(38, 37)', (out) => out.decimalSmall(0, 0), `0.${'0'.repeat(37)}`],
  ['float32 into double', 'double', (out) => out.float32(1.5), '1.5'],
  ['text into binary', 'binary', (out) => out.utf8(text, 1, 5), 'text'],
];

for (const [name, type, write, expected] of conversions) {
  test(`${name} is taken by ${type}`, async () => {
    assert.equal(await written(type, write), expected);
  });
}

const tooLarge: [string, IcebergType, (out: ValueWriter) => void][] = [
  ['too many digits', 'decimal(5, 2)', (out) => out.decimalSmall(100_000, 2)],
  ['too many digits after scaling', 'decimal(5, 2)', (out) => out.int32(1000)],
  ['fraction digits that would be lost', 'decimal(5, 2)', (out) => out.decimalSmall(1, 3)],
  ['fraction digits of a large value', 'decimal(38, 2)', (out) => out.decimal(10n ** 30n + 1n, 3)],
  ['more than 38 digits', 'decimal(38, 2)', (out) => out.decimal(10n ** 38n, 2)],
  ['more than 18 digits', 'decimal(18, 0)', (out) => out.int64(0x7fffffff, 0)],
  ['another length', 'fixed[3]', (out) => out.bytes(text, 0, 4)],
];

for (const [name, type, write] of tooLarge) {
  test(`${name} is out of range of ${type}`, async () => {
    await assert.rejects(written(type, write), (error: { code: string; context: { column: string } }) => {
      assert.equal(error.code, 'table.value-out-of-range');
      assert.equal(error.context.column, 'v');
      return true;
    });
  });
}

test('each column refuses the methods that do not fit it, naming itself', () => {
  const calls: { [method in keyof ValueWriter]: (out: ValueWriter) => void } = {
    null: (out) => out.null(),
    bool: (out) => out.bool(true),
    int32: (out) => out.int32(1),
    int64: (out) => out.int64(0, 1),
    float32: (out) => out.float32(1),
    float64: (out) => out.float64(1),
    decimalSmall: (out) => out.decimalSmall(1, 0),
    decimal: (out) => out.decimal(1n, 0),
    utf8: (out) => out.utf8(text, 0, 3),
    bytes: (out) => out.bytes(text, 0, 3),
    uuid: (out) => out.uuid(Buffer.alloc(16), 0),
    date: (out) => out.date(1),
    time: (out) => out.time(0, 1),
    timetz: (out) => out.timetz(0, 1, 0),
    timestamp: (out) => out.timestamp(0, 1),
    interval: (out) => out.interval(1, 0, 0, 0),
    special: (out) => out.special('nan'),
    beginList: (out) => out.beginList(0),
    endList: (out) => out.endList(),
    beginStruct: (out) => out.beginStruct(),
    endStruct: (out) => out.endStruct(),
    beginMap: (out) => out.beginMap(0),
    endMap: (out) => out.endMap(),
  };
  const taken: [IcebergType, (keyof ValueWriter)[]][] = [
    ['boolean', ['bool']],
    ['int', ['int32']],
    ['long', ['int32', 'int64']],
    ['float', ['float32']],
    ['double', ['float32', 'float64']],
    ['date', ['date']],
    ['time', ['time']],
    ['timestamp', ['timestamp']],
    ['timestamptz', ['timestamp']],
    ['string', ['utf8']],
    ['binary', ['utf8', 'bytes']],
    ['uuid', ['uuid']],
    ['fixed[3]', ['bytes']],
    ['decimal(9, 0)', ['int32', 'int64', 'decimalSmall', 'decimal']],
    ['decimal(18, 0)', ['int32', 'int64', 'decimalSmall', 'decimal']],
    ['decimal(38, 0)', ['int32', 'int64', 'decimalSmall', 'decimal']],
    [{ type: 'list', 'element-id': 2, element: 'int', 'element-required': true }, ['beginList']],
    [
      { type: 'map', 'key-id': 2, key: 'int', 'value-id': 3, value: 'int', 'value-required': true },
      ['beginMap'],
    ],
    [{ type: 'struct', fields: [field(2, 'a', 'int')] }, ['beginStruct']],
  ];
  for (const [type, methods] of taken) {
    for (const [method, call] of Object.entries(calls)) {
      const fields = [field(1, 'shop', type)];
      const [column] = new ParquetFileWriter({ type: 'struct', fields }, new MemoryFile()).columns;
      if (method === 'null' || methods.includes(method as keyof ValueWriter)) {
        call(column);
      } else {
        assert.throws(
          () => call(column),
          { code: 'internal', message: /shop/ },
          `${JSON.stringify(type)} takes ${method}`,
        );
      }
    }
  }
});

test('a block whose columns differ in their number of values is refused', () => {
  const fields = [field(1, 'a', 'int'), field(2, 'b', 'int')];
  const writer = new ParquetFileWriter({ type: 'struct', fields }, new MemoryFile());
  writer.columns[0].int32(1);
  assert.throws(() => writer.endRows(1), { code: 'internal', message: /column b/ });
});
