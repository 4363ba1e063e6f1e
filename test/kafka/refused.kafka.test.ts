import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IcestreamError } from '../../src/base/errors.ts';
import { testKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, TIME } from './producers.ts';
import { readTopics } from './read-topics.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(110_000);
const COUNT = 1000;

/** A compacted topic refuses records without a key: every tenth. */
const COMPACTED = { partitions: 1, configs: { 'cleanup.policy': 'compact' } };
const isRefused = (n: number) => n % 10 === 3;

for (const idempotent of [true, false]) {
  test(`records that are refused are left out, the others stay in order${idempotent ? '' : ', without idempotence'}`, async (t) => {
    const topic = `${prefix}refused-${idempotent}`;
    const told: { count: number; error: IcestreamError }[] = [];
    const onRefused = (of: string, count: number, error: IcestreamError) => {
      assert.equal(of, topic);
      told.push({ count, error });
      return true;
    };
    const options = { batchBytes: 2000, idempotent, maxInFlight: idempotent ? 5 : 1, onRefused };
    const producer = await openProducer(t, bootstrap, options, COMPACTED);
    await producer.prepare(topic, signal);
    for (let n = 0; n < COUNT; n++) {
      producer.send(topic, isRefused(n) ? null : Buffer.from('k'), Buffer.from(String(n)), NO_HEADERS, TIME);
      if (n % 300 === 0) await producer.flush(signal);
    }
    await producer.flush(signal);
    assert.equal(producer.pendingBytes, 0);
    const wanted = Array.from({ length: COUNT }, (_, n) => n).filter((n) => !isRefused(n));
    const found = (await readTopics(bootstrap, [topic])).map(({ value }) => Number(value));
    assert.deepEqual(found, wanted);
    assert.equal(
      told.reduce((sum, { count }) => sum + count, 0),
      COUNT - wanted.length,
    );
    assert.ok(told.every(({ error }) => error.code === 'kafka.record-refused'));
  });
}

test('a record that is refused ends the producer where nobody tolerates it', async (t) => {
  const topic = `${prefix}refused-none`;
  const producer = await openProducer(t, bootstrap, { onRefused: () => false }, COMPACTED);
  await producer.prepare(topic, signal);
  producer.send(topic, null, Buffer.from('0'), NO_HEADERS, TIME);
  await assert.rejects(producer.flush(signal), { code: 'kafka.record-refused' });
});

test('within a transaction nothing is left out: it cannot be committed', async (t) => {
  const topic = `${prefix}refused-tx`;
  const options = { transactionalId: `${prefix}refused`, onRefused: () => true };
  const producer = await openProducer(t, bootstrap, options, COMPACTED);
  await producer.prepare(topic, signal);
  producer.begin();
  producer.send(topic, null, Buffer.from('0'), NO_HEADERS, TIME);
  await assert.rejects(producer.commit(signal), { code: 'kafka.record-refused' });
});
