import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { Producer } from '../../src/kafka/producer.ts';
import { type KafkaServer, startKafka } from '../services/kafka.ts';
import { freePorts } from '../services/process.ts';
import { startTcpProxy } from '../services/proxy.ts';
import { NO_HEADERS, openProducer, TIME } from './producers.ts';
import { readTopics } from './read-topics.ts';

const signal = AbortSignal.timeout(170_000);

// The broker tells its clients the proxy's address; a test that wants to reach it directly stops and starts it itself.
const [port] = await freePorts(1);
const proxy = await startTcpProxy(`127.0.0.1:${port}`);
const broker: KafkaServer = await startKafka({ port, advertised: `127.0.0.1:${proxy.port}` });
const bootstrap = `127.0.0.1:${proxy.port}`;
after(async () => {
  await proxy.close();
  await broker.stop();
});

const KEYS = 40;

/** Sends numbered records under few keys, from `from` on, while `isGoingOn`; gives the number after the last. */
async function sendNumbers(
  producer: Producer,
  topic: string,
  from: number,
  isGoingOn: (n: number) => boolean,
) {
  let n = from;
  for (; isGoingOn(n); n++) {
    producer.send(
      topic,
      Buffer.from(`k${n % KEYS}`),
      Buffer.from(`${n} ${'-'.repeat(n % 200)}`),
      NO_HEADERS,
      TIME,
    );
    if (n % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    await producer.room();
  }
  return n;
}

/** Every number is there once, and each key's in order. */
async function checkNumbers(topic: string, count: number): Promise<void> {
  const records = await readTopics(bootstrap, [topic]);
  const numbers = records.map((it) => Number(it.value!.toString().split(' ')[0]));
  assert.equal(numbers.length, count, `${count - new Set(numbers).size} of ${count} are lost`);
  const next = Array.from({ length: KEYS }, (_, key) => key);
  for (const number of numbers) {
    assert.equal(number, next[number % KEYS]);
    next[number % KEYS] = number + KEYS;
  }
}

test('nothing is lost, repeated or out of order while the connection is cut again and again', async (t) => {
  const topic = 'cut';
  const producer = await openProducer(
    t,
    bootstrap,
    { batchBytes: 4000, compression: 'zstd' },
    { partitions: 3 },
  );
  await producer.prepare(topic, signal);
  let count = 0;
  for (let cut = 0; cut < 20; cut++) {
    const from = count;
    count = await sendNumbers(producer, topic, from, (n) => n < from + 3000);
    proxy.cut();
  }
  await producer.flush(signal);
  await checkNumbers(topic, count);
});

test('nothing is lost, repeated or out of order while the broker is killed and comes back', async (t) => {
  const topic = 'killed';
  const options = { batchBytes: 4000, bufferBytes: 1_000_000 };
  const producer = await openProducer(t, bootstrap, options, { partitions: 3 });
  await producer.prepare(topic, signal);
  let isBack = false;
  const sending = sendNumbers(producer, topic, 0, (n) => !isBack || n < 30_000);
  await broker.kill();
  await broker.restart();
  isBack = true;
  const count = await sending;
  await producer.flush(signal);
  await checkNumbers(topic, count);
});

test('a broker that takes everything and answers nothing is left after request.timeout.ms', async (t) => {
  const topic = 'silent';
  const producer = await openProducer(t, bootstrap, { requestTimeoutMs: 500 });
  await producer.prepare(topic, signal);
  const first = await sendNumbers(producer, topic, 0, (n) => n < 100);
  await producer.flush(signal);
  proxy.stall();
  const count = await sendNumbers(producer, topic, first, (n) => n < 1000);
  const flushed = producer.flush(signal);
  // Until a second connection is tried, which the proxy accepts and stalls too.
  await assert.rejects(producer.flush(AbortSignal.timeout(1500)), { name: 'TimeoutError' });
  await proxy.heal();
  await flushed;
  await checkNumbers(topic, count);
});

test('a producer that is opened while no broker answers waits for one', async (t) => {
  await proxy.refuse();
  const opening = openProducer(t, bootstrap);
  const early = await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, 700, 'waits'))]);
  assert.equal(early, 'waits');
  await proxy.heal();
  const producer = await opening;
  await producer.prepare('opened', signal);
  await sendNumbers(producer, 'opened', 0, (n) => n < 10);
  await producer.flush(signal);
  await checkNumbers('opened', 10);
});

test('records that nobody takes within delivery.timeout.ms end the producer with the topic', async (t) => {
  const producer = await openProducer(t, bootstrap, { deliveryTimeoutMs: 300 });
  await producer.prepare('undelivered', signal);
  await proxy.refuse();
  producer.send('undelivered', null, Buffer.from('x'), NO_HEADERS, TIME);
  await assert.rejects(producer.flush(signal), {
    code: 'kafka.not-delivered',
    context: { topic: 'undelivered', partition: 0 },
  });
  await proxy.heal();
});

test('whoever waits for room or a flush hears of the end', async (t: TestContext) => {
  const producer = await openProducer(t, bootstrap, { bufferBytes: 1000 });
  await producer.prepare('waiting', signal);
  await proxy.refuse();
  producer.send('waiting', null, Buffer.alloc(2000), NO_HEADERS, TIME);
  const room = producer.room();
  assert.ok(room);
  const flushed = producer.flush(signal);
  await Promise.all([
    assert.rejects(room, { message: 'the producer was closed' }),
    assert.rejects(flushed, { message: 'the producer was closed' }),
    producer.close(),
  ]);
  await proxy.heal();
});
