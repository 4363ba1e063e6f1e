import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPRESSIONS } from '../../src/kafka/producer-options.ts';
import { testKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, TIME } from './producers.ts';
import { type ReadRecord, readTopics } from './read-topics.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(110_000);

test('records of every compression are read by the Java client as they were sent', async (t) => {
  const topics = COMPRESSIONS.map((compression) => `${prefix}${compression}`);
  const values = Array.from({ length: 2000 }, (_, i) => Buffer.from(`${'value '.repeat(i % 300)}${i}`));
  for (const [i, compression] of COMPRESSIONS.entries()) {
    const producer = await openProducer(t, bootstrap, { compression });
    await producer.prepare(topics[i]!, signal);
    for (const [n, value] of values.entries()) {
      producer.send(topics[i]!, Buffer.from(`k${n}`), value, NO_HEADERS, TIME + n);
    }
    const odd = { send: producer.send.bind(producer, topics[i]!) };
    odd.send(Buffer.from('h'), Buffer.alloc(0), TWO_HEADERS, TIME - 5);
    odd.send(Buffer.from('gone'), null, NO_HEADERS, TIME);
    odd.send(null, Buffer.alloc(40_000, 7), NO_HEADERS, TIME);
    odd.send(null, null, NO_HEADERS, 0);
    await producer.flush(signal);
    assert.equal(producer.pendingBytes, 0);
    await producer.close();
  }
  const read = Map.groupBy(await readTopics(bootstrap, topics), (record) => record.topic);
  for (const [i, topic] of topics.entries()) {
    await t.test(COMPRESSIONS[i]!, () => checkRecords(read.get(topic) ?? [], values));
  }
});

/** `a` with two bytes, `bc` without a value. */
const TWO_HEADERS = Buffer.from([4, 2, 0x61, 4, 1, 2, 4, 0x62, 0x63, 1]);

function checkRecords(records: readonly ReadRecord[], values: readonly Buffer[]): void {
  assert.equal(records.length, values.length + 4);
  for (const [i, value] of values.entries()) {
    const record = records[i]!;
    assert.equal(record.key?.toString(), `k${i}`);
    assert.ok(value.equals(record.value!));
    assert.equal(record.timestampMs, TIME + i);
    assert.deepEqual(record.headers, []);
  }
  const [withHeaders, tombstone, keyless, empty] = records.slice(values.length);
  assert.deepEqual(withHeaders!.headers, [
    ['a', Buffer.from([1, 2])],
    ['bc', null],
  ]);
  assert.deepEqual(withHeaders!.value, Buffer.alloc(0));
  assert.equal(withHeaders!.timestampMs, TIME - 5);
  assert.equal(tombstone!.value, null);
  assert.equal(keyless!.key, null);
  assert.ok(keyless!.value!.equals(Buffer.alloc(40_000, 7)));
  assert.deepEqual([empty!.key, empty!.value, empty!.timestampMs], [null, null, 0]);
}

test('a larger record than max.request.size is refused with the topic, and the others are sent', async (t) => {
  const topic = `${prefix}limit`;
  const producer = await openProducer(t, bootstrap, { maxRequestBytes: 10_000, batchBytes: 10_000 });
  await producer.prepare(topic, signal);
  const send = (bytes: number) => producer.send(topic, null, Buffer.alloc(bytes), NO_HEADERS, TIME);
  // Java counts 61 for the batch, 21 for the record, one for no key, three for the value's length, one for the headers.
  const largest = 10_000 - 61 - 21 - 1 - 3 - 1;
  send(largest);
  assert.throws(() => send(largest + 1), {
    code: 'kafka.record-too-large',
    message:
      'The message is 10001 bytes when serialized which is larger than 10000, ' +
      'which is the value of the max.request.size configuration.',
    context: { topic, size: 10_001, limit: 10_000 },
  });
  send(1);
  await producer.flush(signal);
  await producer.close();
  const records = await readTopics(bootstrap, [topic]);
  assert.deepEqual(
    records.map((it) => it.value!.length),
    [largest, 1],
  );
});

test('a batch that is too large for its topic is divided, whatever the compression', async (t) => {
  const topics = COMPRESSIONS.map((compression) => `${prefix}divide-${compression}`);
  const sent = Array.from({ length: 5000 }, (_, i) => `${i}:${'x'.repeat(i % 100)}${Math.random()}`);
  const configs = { 'max.message.bytes': '20000' };
  for (const [i, compression] of COMPRESSIONS.entries()) {
    const producer = await openProducer(t, bootstrap, { compression, batchBytes: 500_000 }, { configs });
    await producer.prepare(topics[i]!, signal);
    for (const [n, value] of sent.entries()) {
      producer.send(topics[i]!, Buffer.from(String(n)), Buffer.from(value), NO_HEADERS, TIME + n);
    }
    await producer.flush(signal);
    assert.equal(producer.pendingBytes, 0);
  }
  const read = Map.groupBy(await readTopics(bootstrap, topics), (record) => record.topic);
  for (const [i, topic] of topics.entries()) {
    await t.test(COMPRESSIONS[i]!, () => {
      const records = read.get(topic)!;
      assert.deepEqual(
        records.map((it) => it.value!.toString()),
        sent,
      );
      assert.ok(records.every((it, n) => it.timestampMs === TIME + n && it.key!.toString() === String(n)));
    });
  }
});

test('a record that is too large for its topic ends the producer with the topic and partition', async (t) => {
  const topic = `${prefix}too-large`;
  const producer = await openProducer(t, bootstrap, {}, { configs: { 'max.message.bytes': '20000' } });
  await producer.prepare(topic, signal);
  producer.send(topic, null, Buffer.alloc(30_000), NO_HEADERS, TIME);
  const expected = { code: 'kafka.record-too-large', context: { topic, partition: 0 } };
  await assert.rejects(producer.flush(signal), expected);
  assert.throws(() => producer.send(topic, null, null, NO_HEADERS, TIME), expected);
  await assert.rejects(producer.flush(signal), expected);
});

test('a name that no topic may have is refused', async (t) => {
  const producer = await openProducer(t, bootstrap, { topicCreation: null });
  await assert.rejects(producer.prepare('not/a topic', signal), { code: 'kafka.topic-refused' });
  await producer.close();
});

test('the brokers refusal to create a topic is told', async (t) => {
  const producer = await openProducer(t, bootstrap, {}, { replicationFactor: 3 });
  const topic = `${prefix}three`;
  await assert.rejects(producer.prepare(topic, signal), (error: Error & { code: string }) => {
    assert.equal(error.code, 'kafka.topic-refused');
    assert.match(
      error.message,
      new RegExp(`^topic ${topic} cannot be created: INVALID_REPLICATION_FACTOR, .*3`),
    );
    return true;
  });
  await producer.close();
});

test('keys go to the partitions that the Java producer chooses', async (t) => {
  const topic = `${prefix}partitions`;
  const producer = await openProducer(t, bootstrap, {}, { partitions: 7 });
  await producer.prepare(topic, signal);
  for (let i = 0; i < 1000; i++) producer.send(topic, Buffer.from(`key-${i}`), null, NO_HEADERS, TIME);
  await producer.flush(signal);
  await producer.close();
  const records = await readTopics(bootstrap, [topic]);
  assert.equal(records.length, 1000);
  assert.deepEqual(
    records.filter((it) => it.partition !== it.javaPartition),
    [],
  );
});
