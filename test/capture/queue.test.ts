import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskMetrics } from '../../src/base/metrics.ts';
import { BatchQueue } from '../../src/capture/queue.ts';
import { batchMemory } from '../../src/record/batch.ts';
import { BatchBuilder } from '../../src/record/builder.ts';

const batch = () => new BatchBuilder(1000, 0, 0).finish(null);
const signal = new AbortController().signal;

test('batches come in order; the producer waits while the queue is full', async () => {
  const metrics = new TaskMetrics();
  const size = batchMemory(batch());
  const queue = new BatchQueue(2 * size, metrics, () => {});
  const [a, b] = [batch(), batch()];
  queue.push(a);
  assert.equal(queue.full, false);
  queue.push(b);
  assert.equal(queue.full, true);
  assert.equal(metrics.queueBytes, 2 * size);
  let room = false;
  const waiting = queue.room().then(() => {
    room = true;
  });
  await Promise.resolve();
  assert.equal(room, false);
  assert.equal(await queue.next(signal), a);
  await waiting;
  assert.equal(await queue.next(signal), b);
  assert.equal(metrics.queueBytes, 0);
});

test('a consumer that waits gets the next batch, and tells that it waits', async () => {
  let pulls = 0;
  const queue = new BatchQueue(1000, new TaskMetrics(), () => {
    pulls++;
  });
  const next = queue.next(signal);
  assert.equal(pulls, 1);
  const pushed = batch();
  queue.push(pushed);
  assert.equal(await next, pushed);
});

test('a failure comes after what was queued before it, the first one counts', async () => {
  const queue = new BatchQueue(1, new TaskMetrics(), () => {});
  queue.push(batch());
  queue.fail(new Error('first'));
  queue.fail(new Error('second'));
  await queue.room();
  assert.notEqual(await queue.next(signal), null);
  await assert.rejects(queue.next(signal), /first/);
});

test('an abort ends the waiting and leaves no listener behind', async () => {
  const queue = new BatchQueue(1000, new TaskMetrics(), () => {});
  const abort = new AbortController();
  const next = queue.next(abort.signal);
  abort.abort();
  assert.equal(await next, null);
  assert.equal(await queue.next(abort.signal), null);
});
