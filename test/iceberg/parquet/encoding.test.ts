import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { snappyUncompress } from 'hyparquet';
import {
  bitWidthOf,
  hybridBound,
  readHybrid as readFast,
  writeHybrid,
  writeRun,
} from '../../../src/iceberg/parquet/hybrid.ts';
import { snappyBound, snappyCompress } from '../../../src/iceberg/parquet/snappy.ts';
import { ThriftWriter } from '../../../src/iceberg/parquet/thrift.ts';

/** Reads the hybrid of parquet-format's Encodings.md, one bit at a time. */
function readHybrid(bytes: Uint8Array, count: number, bitWidth: number): number[] {
  const values: number[] = [];
  let at = 0;
  while (values.length < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      header |= (bytes[at] & 0x7f) << shift;
      if (bytes[at++] < 0x80) break;
    }
    if (header & 1) {
      const length = (header >> 1) * 8;
      for (let i = 0; i < length; i++) {
        let value = 0;
        for (let bit = 0; bit < bitWidth; bit++) {
          const position = i * bitWidth + bit;
          value |= ((bytes[at + (position >> 3)] >> (position & 7)) & 1) << bit;
        }
        if (values.length < count) values.push(value);
      }
      at += (header >> 1) * bitWidth;
    } else {
      let value = 0;
      for (let byte = 0; byte * 8 < bitWidth; byte++) value |= bytes[at++] << (8 * byte);
      for (let i = 0; i < header >> 1; i++) values.push(value);
    }
  }
  assert.equal(at, bytes.length);
  return values;
}

test('the hybrid encoding is read back, runs and packed values mixed', () => {
  const runs = fc.array(fc.tuple(fc.nat({ max: 70_000 }), fc.integer({ min: 1, max: 30 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 17 }), (parts, bitWidth) => {
      const values = parts.flatMap(([value, count]) =>
        Array<number>(count).fill(value & ((1 << bitWidth) - 1)),
      );
      const out = new Uint8Array(hybridBound(values.length, bitWidth));
      const end = writeHybrid(Int32Array.from(values), values.length, bitWidth, out, 0);
      assert.deepEqual(readHybrid(out.subarray(0, end), values.length, bitWidth), values);
      const read = new Int32Array(values.length);
      readFast(out.subarray(0, end), 0, bitWidth, values.length, read);
      assert.deepEqual([...read], values);
    }),
  );
});

test('a hybrid that is cut off is an error, not a guess', () => {
  assert.throws(() => readFast(new Uint8Array(0), 0, 1, 5, new Uint8Array(5)), { code: 'iceberg.format' });
  assert.throws(() => readFast(Uint8Array.of(0x00), 0, 1, 5, new Uint8Array(5)), { code: 'iceberg.format' });
  assert.throws(() => readFast(Uint8Array.of(0x03), 0, 8, 8, new Uint8Array(8)), { code: 'iceberg.format' });
});

test('a single run and the widths are as the format says', () => {
  const out = new Uint8Array(8);
  assert.equal(writeRun(1, 100_000, 1, out, 0), 4);
  assert.deepEqual(readHybrid(out.subarray(0, 4), 100_000, 1).length, 100_000);
  assert.deepEqual([0, 1, 2, 3, 4, 255, 256].map(bitWidthOf), [0, 1, 2, 2, 3, 8, 9]);
});

test('snappy blocks are read back by another implementation', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat({ max: 9000 }))
      .map(([bytes, times]) => Buffer.concat(Array<Uint8Array>(times).fill(bytes))),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const input = Buffer.concat(pieces);
      const compressed = snappyCompress(input);
      assert.ok(compressed.length <= snappyBound(input.length));
      const output = new Uint8Array(input.length);
      if (input.length > 0) snappyUncompress(compressed, output);
      assert.ok(input.equals(output));
    }),
    { numRuns: 200 },
  );
});

test('the compact protocol writes small and large ids, numbers and nested structs', () => {
  const thrift = new ThriftWriter(4);
  thrift.i32(1, -1);
  thrift.i64(20, 2 ** 40);
  thrift.struct(21, () => thrift.bool(2, true));
  thrift.i32s(22, Array<number>(20).fill(3));
  thrift.string(23, 'é');
  const fields = [
    '15' + '01', // field 1, one after 0, i32: zigzag(-1)
    '06' + '28' + '808080808040', // field 20 in the long form, i64: zigzag(2^40)
    '1c' + '21' + '00', // field 21, struct: field 2, true; stop
    `19f514${'06'.repeat(20)}`, // field 22, list of 20 i32: zigzag(3)
    '18' + '02' + 'c3a9', // field 23, two bytes
    '00',
  ];
  assert.equal(thrift.finish().toString('hex'), fields.join(''));
});
