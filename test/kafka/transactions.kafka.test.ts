import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, TIME } from './producers.ts';
import { readTopics } from './read-topics.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(50_000);

test('of transactions over several topics only the committed are read, whole and in order', async (t) => {
  const topics = [`${prefix}a`, `${prefix}b`];
  const producer = await openProducer(t, bootstrap, { transactionalId: prefix }, { partitions: 3 });
  for (const topic of topics) await producer.prepare(topic, signal);
  let n = 0;
  for (const end of ['commit', 'abort', 'commit', 'abort', 'abort', 'commit'] as const) {
    producer.begin();
    for (let i = 0; i < 300; i++, n++) {
      const value = Buffer.from(`${end} ${n}`);
      producer.send(topics[n % 2]!, Buffer.from(`k${n % 50}`), value, NO_HEADERS, TIME);
    }
    // Some of the aborted were flushed before, of others the end comes while they are on their way.
    if (n % 600 === 0) await producer.flush(signal);
    await producer[end](signal);
  }
  producer.begin();
  await producer.commit(signal);
  const read = await readTopics(bootstrap, topics);
  const values = read.map((it) => it.value!.toString());
  assert.deepEqual(
    values.filter((it) => !it.startsWith('commit')),
    [],
  );
  assert.equal(values.length, 900);
  for (const [key, records] of Map.groupBy(read, (it) => `${it.topic} ${it.key}`)) {
    const order = records.map((it) => Number(it.value!.toString().split(' ')[1]));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      key,
    );
  }
});

test('the producer that comes later fences the earlier one, whose open transaction is aborted', async (t) => {
  const topic = `${prefix}fenced`;
  const transactionalId = `${prefix}fencing`;
  const zombie = await openProducer(t, bootstrap, { transactionalId });
  await zombie.prepare(topic, signal);
  zombie.begin();
  zombie.send(topic, null, Buffer.from('zombie'), NO_HEADERS, TIME);
  await zombie.flush(signal);
  const heir = await openProducer(t, bootstrap, { transactionalId });
  await heir.prepare(topic, signal);
  heir.begin();
  heir.send(topic, null, Buffer.from('heir'), NO_HEADERS, TIME);
  await assert.rejects(zombie.commit(signal), { code: 'kafka.fenced' });
  assert.throws(() => zombie.send(topic, null, null, NO_HEADERS, TIME), { code: 'kafka.fenced' });
  await assert.rejects(zombie.abort(signal), { code: 'kafka.fenced' });
  await heir.commit(signal);
  const records = await readTopics(bootstrap, [topic]);
  assert.deepEqual(
    records.map((it) => it.value!.toString()),
    ['heir'],
  );
});

test('a fenced producer that goes on sending is refused at its first flush', async (t) => {
  const topic = `${prefix}fenced-sending`;
  const transactionalId = `${prefix}fencing-sending`;
  const zombie = await openProducer(t, bootstrap, { transactionalId });
  await zombie.prepare(topic, signal);
  zombie.begin();
  await openProducer(t, bootstrap, { transactionalId });
  zombie.send(topic, null, Buffer.from('zombie'), NO_HEADERS, TIME);
  await assert.rejects(zombie.flush(signal), { code: 'kafka.fenced' });
});

test('a transaction that outlives its time is given up, and the next one passes', async (t) => {
  const topic = `${prefix}late`;
  const options = { transactionalId: `${prefix}late`, transactionTimeoutMs: 500 };
  const producer = await openProducer(t, bootstrap, options);
  await producer.prepare(topic, signal);
  producer.begin();
  producer.send(topic, null, Buffer.from('late'), NO_HEADERS, TIME);
  await producer.flush(signal);
  const outlive = async () => {
    for (let i = 0; ; i++) {
      producer.send(topic, null, Buffer.from(`late ${i}`), NO_HEADERS, TIME);
      await producer.flush(signal);
      // The broker gives no sign when it ends the transaction: the next record is refused.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await assert.rejects(outlive(), { code: 'kafka.transaction' });
  await producer.abort(signal);
  producer.begin();
  producer.send(topic, null, Buffer.from('next'), NO_HEADERS, TIME);
  await producer.commit(signal);
  const records = await readTopics(bootstrap, [topic]);
  assert.deepEqual(
    records.map((it) => it.value!.toString()),
    ['next'],
  );
});
