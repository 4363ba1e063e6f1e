import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FollowOptions, TopicFollower } from '../../src/kafka/topic-follower.ts';
import { until } from '../harness/until.ts';
import { testKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, settings, TIME } from './producers.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(50_000);

function follow(t: TestContext, topic: string, more: Partial<FollowOptions> = {}): TopicFollower {
  const options = { settings: settings(bootstrap), topic, group: `${prefix}${topic}`, maxWaitMs: 100 };
  const follower = new TopicFollower({ ...options, reset: 'earliest', ...more });
  t.after(() => follower.close());
  return follower;
}

async function fill(t: TestContext, topic: string, values: readonly string[]): Promise<void> {
  const producer = await openProducer(t, bootstrap);
  await producer.prepare(topic, signal);
  for (const value of values) producer.send(topic, null, Buffer.from(value), NO_HEADERS, TIME);
  await producer.flush(signal);
  await producer.close();
}

async function valuesOf(follower: TopicFollower): Promise<string[]> {
  return (await follower.poll(signal)).map(({ value }) => String(value));
}

test('a group goes on where it committed, another one at the begin or the end', async (t) => {
  const topic = `${prefix}followed`;
  await fill(t, topic, ['a', 'b', 'c']);
  const first = follow(t, topic);
  assert.deepEqual(await valuesOf(first), ['a', 'b', 'c']);
  assert.deepEqual(await valuesOf(first), []);
  await first.commit(1n, signal);
  const second = follow(t, topic);
  assert.deepEqual(await valuesOf(second), ['b', 'c']);
  const latest = follow(t, topic, { group: `${prefix}latest`, reset: 'latest' });
  assert.deepEqual(await valuesOf(latest), []);
  await fill(t, topic, ['d']);
  assert.deepEqual(await valuesOf(latest), ['d']);
  assert.deepEqual(await valuesOf(second), ['d']);
  assert.equal(second.position, 4n);
});

test('an offset that the topic does not have is reset, and what was aborted is no matter', async (t) => {
  const topic = `${prefix}reset`;
  await fill(t, topic, ['a', 'b']);
  const producer = await openProducer(t, bootstrap, { transactionalId: `${prefix}follower` });
  await producer.prepare(topic, signal);
  producer.begin();
  producer.send(topic, null, Buffer.from('c'), NO_HEADERS, TIME);
  await producer.commit(signal);
  await producer.close();
  const first = follow(t, topic);
  await first.commit(1000n, signal);
  await first.close();
  const second = follow(t, topic);
  assert.deepEqual(await valuesOf(second), []);
  assert.deepEqual(await valuesOf(second), ['a', 'b', 'c']);
  await until("behind the transaction's marker", async () => {
    assert.deepEqual(await valuesOf(second), []);
    return second.position === 4n;
  });
});

test('no broker is an error, after which a poll may be repeated', async (t) => {
  const topic = `${prefix}nobody`;
  const lost = follow(t, topic, { settings: settings('127.0.0.1:1') });
  await assert.rejects(lost.poll(signal), { code: 'kafka.unreachable' });
  await assert.rejects(lost.poll(signal), { code: 'kafka.unreachable' });
  assert.equal(lost.position, null);
});
