import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchQueue } from '../../../../src/capture/postgres/snapshot/queue.ts';
import { Told } from '../../../../src/capture/postgres/snapshot/told.ts';
import { BatchBuilder } from '../../../../src/record/builder.ts';

/** A queue that ends with an error behind a batch, which two sinks hold when `release` is what lets go of it once. */
async function failing(signal: AbortSignal) {
  const queue = new BatchQueue(1000);
  const told = new Told(signal);
  void queue.push({ ...new BatchBuilder(0, 0, 0).finish(null), lease: told });
  queue.fail(new Error('the cause'), () => told.accepted());
  const batches = queue[Symbol.asyncIterator]();
  const { lease } = (await batches.next()).value!;
  lease.hold();
  let isOver = false;
  const end = batches.next().finally(() => {
    isOver = true;
  });
  end.catch(() => {});
  return { end, release: () => lease.release(), isOver: () => isOver };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('an error comes when everybody has taken in what is told before it', async () => {
  const { end, release, isOver } = await failing(new AbortController().signal);
  release();
  await turn();
  assert.equal(isOver(), false);
  release();
  await assert.rejects(end, /the cause/);
});

test('who is stopped does not wait for that', async () => {
  const stop = new AbortController();
  const { end, isOver } = await failing(stop.signal);
  await turn();
  assert.equal(isOver(), false);
  stop.abort();
  await assert.rejects(end, /the cause/);
});
