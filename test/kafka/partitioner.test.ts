import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOfKey } from '../../src/kafka/partitioner.ts';

// The values that Kafka's own UtilsTest.testMurmur2 asserts.
const JAVA: Readonly<Record<string, number>> = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
};

for (const [text, expected] of Object.entries(JAVA)) {
  test(`murmur2 of ${text} is Java's`, () => assert.equal(murmur2(Buffer.from(text)), expected));
}

test('a negative hash loses its sign bit before the remainder is taken, as Java does it', () => {
  assert.equal(partitionOfKey(Buffer.from('21'), 7), (-973932308 & 0x7fffffff) % 7);
  assert.equal(partitionOfKey(Buffer.from('21'), 1), 0);
});
