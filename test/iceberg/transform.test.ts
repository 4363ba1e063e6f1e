import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartitionValue } from '../../src/iceberg/file.ts';
import { partitionPath, partitionText } from '../../src/iceberg/partition-path.ts';
import type { PrimitiveType, Schema } from '../../src/iceberg/schema.ts';
import {
  applyTransform,
  hashLong,
  hashValue,
  parseTransform,
  transformResultType,
} from '../../src/iceberg/transform.ts';

const DAY = 86_400_000_000n;
const at = 17486n * DAY + (22n * 3600n + 31n * 60n + 8n) * 1_000_000n;

// Appendix B of the specification, "32-bit Hash Requirements".
const hashes: [PrimitiveType, Exclude<PartitionValue, null>, number][] = [
  ['int', 34, 2017239379],
  ['long', 34n, 2017239379],
  ['decimal(9, 2)', 1420n, -500754589],
  ['date', 17486, -653330422],
  ['time', at - 17486n * DAY, -662762989],
  ['timestamp', at, -2047944441],
  ['timestamp', at + 1n, -1207196810],
  ['timestamptz', at, -2047944441],
  ['string', 'iceberg', 1210000089],
  ['uuid', Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'), 1488055340],
  ['fixed[4]', Uint8Array.of(0, 1, 2, 3), -188683207],
  ['binary', Uint8Array.of(0, 1, 2, 3), -188683207],
];

for (const [type, value, hash] of hashes) {
  test(`the hash of the ${type} of Appendix B is ${hash}`, () => {
    assert.equal(hashValue(value, type), hash);
    assert.equal(applyTransform('bucket[16]', type, value), (hash & 0x7fffffff) % 16);
  });
}

test('a long hashes alike from its halves', () => {
  assert.equal(hashLong(0, 34), 2017239379);
  assert.equal(hashLong(-1, 0xffffffff), hashValue(-1n, 'long'));
  assert.equal(hashValue(-1, 'int'), hashValue(-1n, 'long'));
});

const applied: [string, PrimitiveType, PartitionValue, PartitionValue][] = [
  ['identity', 'string', 'x', 'x'],
  ['void', 'string', 'x', null],
  ['truncate[10]', 'int', 1, 0],
  ['truncate[10]', 'int', -1, -10],
  ['truncate[10]', 'long', -11n, -20n],
  ['truncate[50]', 'decimal(9, 2)', 1065n, 1050n],
  ['truncate[3]', 'string', 'iceberg', 'ice'],
  ['truncate[2]', 'string', '\u{1f600}\u{1f601}\u{1f602}', '\u{1f600}\u{1f601}'],
  ['year', 'date', 17486, 47],
  ['year', 'timestamp', -1n, -1],
  ['month', 'date', 17486, 574],
  ['month', 'date', -1, -1],
  ['day', 'timestamptz', at, 17486],
  ['day', 'timestamp', -1n, -1],
  ['hour', 'timestamp', at, 17486 * 24 + 22],
  ['hour', 'timestamp', -1n, -1],
  ['day', 'date', null, null],
  ['bucket[4]', 'int', null, null],
];

for (const [transform, type, value, expected] of applied) {
  test(`${transform} of ${type} ${value} is ${expected}`, () => {
    assert.equal(applyTransform(transform, type, value), expected);
  });
}

test('truncate cuts binary by bytes', () => {
  assert.deepEqual(applyTransform('truncate[2]', 'binary', Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2));
});

test('transforms tell their result types and refuse other sources', () => {
  assert.equal(transformResultType('bucket[8]', 'uuid'), 'int');
  assert.equal(transformResultType('day', 'timestamp'), 'date');
  assert.equal(transformResultType('hour', 'timestamptz'), 'int');
  assert.equal(transformResultType('truncate[2]', 'decimal(9, 2)'), 'decimal(9, 2)');
  assert.equal(transformResultType('void', 'boolean'), 'boolean');
  for (const [transform, type] of [
    ['bucket[8]', 'double'],
    ['truncate[2]', 'uuid'],
    ['hour', 'date'],
    ['year', 'string'],
  ] as const) {
    assert.throws(() => transformResultType(transform, type), { code: 'iceberg.unsupported-table' });
  }
  for (const unknown of ['zorder', 'bucket[0]', 'bucket', 'truncate[-1]']) {
    assert.throws(() => parseTransform(unknown), { code: 'iceberg.unsupported-table' });
  }
});

test('partition values print as the reference implementation prints them', () => {
  const rows: [string, PrimitiveType, PartitionValue, string][] = [
    ['year', 'date', 47, '2017'],
    ['year', 'date', -1, '1969'],
    ['month', 'date', 574, '2017-11'],
    ['month', 'date', -1, '1969-12'],
    ['day', 'timestamp', 17486, '2017-11-16'],
    ['hour', 'timestamp', 17486 * 24 + 22, '2017-11-16-22'],
    ['hour', 'timestamp', -1, '1969-12-31-23'],
    ['identity', 'date', 0, '1970-01-01'],
    ['identity', 'timestamp', at, '2017-11-16T22:31:08'],
    ['identity', 'timestamp', at + 38194n, '2017-11-16T22:31:08.038194'],
    ['identity', 'timestamptz', 0n, '1970-01-01T00:00Z'],
    ['identity', 'time', 36775038000n, '10:12:55.038'],
    ['identity', 'decimal(9, 2)', -5n, '-0.05'],
    ['identity', 'decimal(9, 0)', 7n, '7'],
    ['identity', 'binary', Uint8Array.of(1, 2, 3), 'AQID'],
    [
      'identity',
      'uuid',
      Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'),
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    ],
    ['identity', 'boolean', true, 'true'],
    ['bucket[4]', 'string', 3, '3'],
    ['identity', 'string', null, 'null'],
  ];
  for (const [transform, type, value, expected] of rows) {
    assert.equal(partitionText(transform, type, value), expected);
  }
});

test('a partition path names fields and encodes their values', () => {
  const schema: Schema = {
    type: 'struct',
    'schema-id': 0,
    fields: [
      { id: 1, name: 'shop', required: false, type: 'string' },
      { id: 2, name: 'at', required: false, type: 'timestamp' },
    ],
  };
  const spec = {
    'spec-id': 1,
    fields: [
      { 'source-id': 1, 'field-id': 1000, name: 'shop', transform: 'identity' },
      { 'source-id': 2, 'field-id': 1001, name: 'at day', transform: 'day' },
    ],
  };
  assert.equal(
    partitionPath(schema, spec, ['a b/ü=(1)~*', 17486]),
    'shop=a+b%2F%C3%BC%3D%281%29%7E*/at+day=2017-11-16',
  );
  assert.equal(partitionPath(schema, { 'spec-id': 0, fields: [] }, []), '');
});
