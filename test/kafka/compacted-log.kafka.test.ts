import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCompacted } from '../../src/kafka/compacted-log.ts';
import { COMPRESSIONS } from '../../src/kafka/producer-options.ts';
import { testKafka } from '../services/kafka.ts';
import { NO_HEADERS, openProducer, settings, TIME } from './producers.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(50_000);

test('the last value of each key is read from every partition, whatever the compression', async (t) => {
  const topic = `${prefix}offsets`;
  for (const [round, compression] of COMPRESSIONS.entries()) {
    const producer = await openProducer(t, bootstrap, { compression }, { partitions: 5 });
    await producer.prepare(topic, signal);
    for (let i = 0; i < 300; i++) {
      producer.send(topic, Buffer.from(`["c",{"n":${i}}]`), Buffer.from(`${round}-${i}`), NO_HEADERS, TIME);
    }
    producer.send(topic, Buffer.from(`["c",{"n":${round}}]`), null, NO_HEADERS, TIME);
    producer.send(topic, null, Buffer.from('no key'), NO_HEADERS, TIME);
    await producer.flush(signal);
    await producer.close();
  }
  const latest = await readCompacted(settings(bootstrap), topic, signal);
  assert.equal(latest.size, 300);
  assert.equal(latest.get('["c",{"n":299}]')?.toString(), '4-299');
  assert.equal(latest.get('["c",{"n":0}]')?.toString(), '4-0');
  assert.equal(latest.get('["c",{"n":4}]'), null);
});

test('what was aborted is not read, and what is still open does not hold up reading', async (t) => {
  const topic = `${prefix}offsets-of-transactions`;
  const producer = await openProducer(t, bootstrap, { transactionalId: `${prefix}reader` });
  await producer.prepare(topic, signal);
  const put = (key: string, value: string) =>
    producer.send(topic, Buffer.from(key), Buffer.from(value), NO_HEADERS, TIME);
  for (const [value, end] of [
    ['committed', 'commit'],
    ['aborted', 'abort'],
    ['committed later', 'commit'],
  ] as const) {
    producer.begin();
    put(end, value);
    put(value, value);
    await producer.flush(signal);
    await producer[end](signal);
  }
  producer.begin();
  put('commit', 'open');
  await producer.flush(signal);
  const latest = await readCompacted(settings(bootstrap), topic, signal);
  assert.deepEqual(Object.fromEntries([...latest].map(([key, value]) => [key, value?.toString()])), {
    commit: 'committed later',
    committed: 'committed',
    'committed later': 'committed later',
  });
  await producer.close();
});

test('a topic that is not there is an error with its name', async () => {
  const missing = readCompacted(settings(bootstrap), `${prefix}nothing`, signal);
  await assert.rejects(missing, {
    code: 'kafka.topic-missing',
    message: `topic ${prefix}nothing does not exist`,
  });
});
