import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PartitionValue } from '../../src/iceberg/file.ts';
import type { PrimitiveType } from '../../src/iceberg/schema.ts';
import {
  compareBytes,
  compareValues,
  decodeValue,
  encodeValue,
  truncateLower,
  truncateUpper,
} from '../../src/iceberg/values.ts';

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
const utf8 = (text: string) => new TextEncoder().encode(text);

const cases: [PrimitiveType, Exclude<PartitionValue, null>, string][] = [
  ['boolean', true, '01'],
  ['boolean', false, '00'],
  ['int', -2, 'feffffff'],
  ['date', 17486, '4e440000'],
  ['long', 1n << 40n, '0000000000010000'],
  ['time', 86_400_000_000n, '0060d71d14000000'],
  ['timestamp', -1n, 'ffffffffffffffff'],
  ['timestamptz', 9223372036854775807n, 'ffffffffffffff7f'],
  ['float', -4.5, '000090c0'],
  ['double', 6, '0000000000001840'],
  ['string', 'ABC', '414243'],
  ['string', '', ''],
  ['uuid', Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'), 'f79c3e09677c4bbda4793f349cb785e7'],
  ['fixed[4]', Uint8Array.of(0, 1, 2, 3), '00010203'],
  ['binary', Uint8Array.of(255), 'ff'],
  ['decimal(9, 2)', 1420n, '058c'],
  ['decimal(9, 2)', 0n, '00'],
  ['decimal(9, 2)', 128n, '0080'],
  ['decimal(9, 2)', -128n, '80'],
  ['decimal(38, 0)', -(10n ** 38n - 1n), 'b4c4b357a5793b85f675ddc000000001'],
];

for (const [type, value, expected] of cases) {
  test(`the binary form of a ${type} is ${expected || 'empty'}, both ways`, () => {
    const bytes = encodeValue(type, value);
    assert.equal(hex(bytes), expected);
    const back = decodeValue(type, bytes);
    if (value instanceof Uint8Array) assert.deepEqual(Buffer.from(back as Uint8Array), Buffer.from(value));
    else assert.equal(back, value);
  });
}

test('bounds from before a promotion are read by their length', () => {
  assert.equal(decodeValue('long', encodeValue('int', -7)), -7n);
  assert.equal(decodeValue('double', encodeValue('float', 1.5)), 1.5);
  assert.throws(() => decodeValue('int', new Uint8Array(8)), { code: 'iceberg.format' });
});

test('a value of the wrong form is our own fault', () => {
  assert.throws(() => encodeValue('long', 1), { code: 'internal' });
  assert.throws(() => encodeValue('uuid', 'x'), { code: 'internal' });
});

test('an upper bound is cut and raised, skipping what cannot be raised', () => {
  const upper = (text: string, width: number) => {
    const bound = truncateUpper('string', utf8(text), width);
    return bound === null ? null : Buffer.from(bound).toString();
  };
  assert.equal(upper('abcdefghijklmnopq', 16), 'abcdefghijklmnoq');
  assert.equal(upper('abc', 16), 'abc');
  assert.equal(upper('éé\u{10ffff}z', 3), 'éê');
  assert.equal(upper('\u{10ffff}\u{10ffff}', 1), null);
  assert.equal(upper('a\ud7ffz', 2), 'a\ue000');
  assert.equal(upper('\uffffz', 1), '\u{10000}');
  assert.equal(truncateUpper('string', Uint8Array.of(0xe9, 0x41, 0x42), 1), null);
  assert.equal(hex(truncateUpper('binary', Uint8Array.of(1, 255, 255, 9), 3)), '02');
  assert.equal(truncateUpper('binary', Uint8Array.of(255, 255, 1), 2), null);
  assert.equal(hex(truncateUpper('binary', Uint8Array.of(255, 255), 2)), 'ffff');
  assert.equal(truncateUpper('long', encodeValue('long', 5n), 2)?.length, 8);
});

test('a cut lower bound is a prefix of whole code points', () => {
  assert.equal(Buffer.from(truncateLower('string', utf8('ééé'), 2)).toString(), 'éé');
  assert.equal(truncateLower('uuid', new Uint8Array(16), 4).length, 16);
});

test('cut bounds enclose every text and every byte string', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.integer({ min: 1, max: 20 }),
      (text, width) => {
        const bytes = utf8(text);
        assert.ok(compareBytes(truncateLower('string', bytes, width), bytes) <= 0);
        const upper = truncateUpper('string', bytes, width);
        if (upper !== null) assert.ok(compareBytes(upper, bytes) >= 0);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (bytes, width) => {
      assert.ok(compareBytes(truncateLower('binary', bytes, width), bytes) <= 0);
      const upper = truncateUpper('binary', bytes, width);
      if (upper !== null) assert.ok(compareBytes(upper, bytes) >= 0);
    }),
  );
});

test('strings are ordered by code point, as their bytes are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      assert.equal(Math.sign(compareValues('string', a, b)), Math.sign(compareBytes(utf8(a), utf8(b))));
    }),
  );
});

test('floats are ordered with -0 before +0 and NaN last', () => {
  assert.ok(compareValues('double', -0, 0) < 0);
  assert.ok(compareValues('float', Number.NaN, Number.POSITIVE_INFINITY) > 0);
  assert.equal(compareValues('double', Number.NaN, Number.NaN), 0);
  assert.ok(compareValues('long', -1n, 1n) < 0);
});

test('decimals of any size survive', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), (value) => {
      assert.equal(decodeValue('decimal(38, 2)', encodeValue('decimal(38, 2)', value)), value);
    }),
  );
});
