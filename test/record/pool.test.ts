import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../src/record/builder.ts';
import { BatchPool } from '../../src/record/pool.ts';

const SIZE = 256 * 1024;

function batchOf(pool: BatchPool, bytes = SIZE) {
  return new BatchBuilder(bytes, 16, 16, pool).finish(null);
}

test('an arena comes back when the last who holds it lets it go', () => {
  const pool = new BatchPool(10 * SIZE);
  const batch = batchOf(pool);
  batch.lease.hold();
  batch.lease.release();
  assert.notEqual(batchOf(pool).bytes, batch.bytes);
  batch.lease.release();
  const next = batchOf(pool);
  assert.equal(next.bytes, batch.bytes);
  assert.equal(next.rowCount, 0);
  assert.equal(next.cellCount, 0);
});

test('a batch is let go as often as it is held, not more', () => {
  const { lease } = batchOf(new BatchPool(10 * SIZE));
  lease.release();
  assert.throws(() => lease.release(), { code: 'internal' });
  assert.throws(() => lease.hold(), { code: 'internal' });
});

test('an arena much larger than what is asked for stays, and small ones are not kept', () => {
  const pool = new BatchPool(100 * SIZE);
  const large = batchOf(pool, 8 * SIZE);
  large.lease.release();
  assert.notEqual(batchOf(pool).bytes, large.bytes);
  const small = batchOf(pool, 1024);
  small.lease.release();
  assert.notEqual(batchOf(pool, 1024).bytes, small.bytes);
  assert.equal(batchOf(pool, 6 * SIZE).bytes, large.bytes);
});

test('no more than its limit is kept', () => {
  const pool = new BatchPool(2 * SIZE);
  const batches = [batchOf(pool), batchOf(pool), batchOf(pool)];
  for (const { lease } of batches) lease.release();
  const again = new Set([batchOf(pool).bytes, batchOf(pool).bytes, batchOf(pool).bytes]);
  assert.deepEqual(
    batches.map(({ bytes }) => again.has(bytes)),
    [true, true, false],
  );
});
