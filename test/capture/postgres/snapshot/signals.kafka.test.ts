import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { TopicFollower } from '../../../../src/kafka/topic-follower.ts';
import { until } from '../../../harness/until.ts';
import { NO_HEADERS, openProducer, settings } from '../../../kafka/producers.ts';
import { testKafka } from '../../../services/kafka.ts';
import { testDatabase } from '../../../services/postgres.ts';
import { Capture, clientOf, configFor } from '../capture.ts';

const { bootstrap, prefix } = await testKafka();
const signal = AbortSignal.timeout(100_000);
const topicPrefix = `${prefix}signals`;
const group = `${prefix}signal-group`;

let client: Client;
let config: Record<string, string>;

before(async () => {
  const database = await testDatabase();
  client = await clientOf(database.url);
  await client.query(
    `create table public.a (id int primary key); insert into public.a select generate_series(1, 5);
     create table public.b (id int primary key); insert into public.b select generate_series(1, 7)`,
  );
  config = configFor(database, {
    'slot.name': database.name,
    'publication.name': database.name,
    'topic.prefix': topicPrefix,
    'signal.enabled.channels': 'source,kafka',
    'signal.poll.interval.ms': '50',
    'signal.kafka.groupId': group,
    // The worker's, since the channel has none of its own.
    'bootstrap.servers': bootstrap,
  });
});

after(() => client.end());

const execute = (table: string) =>
  JSON.stringify({ id: table, type: 'execute-snapshot', data: { 'data-collections': [table] } });

test('signals come by the topic, what is no signal is passed over, and a restart goes on behind them', async (t) => {
  const producer = await openProducer(t, bootstrap);
  const topic = `${topicPrefix}-signal`;
  await producer.prepare(topic, signal);
  const send = async (key: string | null, value: string | null) => {
    const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
    producer.send(topic, bytes(key), bytes(value), NO_HEADERS, Date.now());
    await producer.flush(signal);
  };
  await send('another', execute('public.b'));
  await send(null, execute('public.b'));
  await send(topicPrefix, 'nonsense');
  await send(topicPrefix, 'null');
  await send(topicPrefix, null);
  await send(topicPrefix, '{"id": "1", "type": "unheard-of", "data": {}}');
  await send(topicPrefix, '{"id": "2", "type": "execute-snapshot"}');
  await send(topicPrefix, execute('public.a'));
  let capture = await Capture.open(config);
  await capture.until(5);
  assert.deepEqual(new Set(capture.rows.map(({ table }) => table)), new Set(['public.a']));
  while (capture.offset?.progress !== null) await capture.next();
  await until('the group is behind all of them', async () => (await committed()) === 8n);
  const from = capture.offset;
  await capture.close();

  await send(topicPrefix, execute('public.b'));
  capture = await Capture.open(config, from);
  await capture.until(7);
  assert.deepEqual(new Set(capture.rows.map(({ table }) => table)), new Set(['public.b']));
  // Written as the source ends, too.
  await capture.close();
  assert.equal(await committed(), 9n);
});

async function committed(): Promise<bigint | null> {
  const topic = `${topicPrefix}-signal`;
  const options = { settings: settings(bootstrap), topic, group, maxWaitMs: 0 };
  // What an empty poll begins at is what was committed, and there is nothing behind it here.
  const follower = new TopicFollower({ ...options, reset: 'latest' });
  try {
    const [first] = await follower.poll(signal);
    return first?.offset ?? follower.position;
  } finally {
    await follower.close();
  }
}

test('brokers of its own go before those of the worker, with the consumer their properties', async () => {
  const { 'bootstrap.servers': _, ...alone } = config;
  await assert.rejects(Capture.open(alone), {
    code: 'config.invalid',
    message: "The 'signal.kafka.bootstrap.servers' value is invalid: A value is required",
  });
  await assert.rejects(
    Capture.open({
      ...alone,
      'signal.kafka.bootstrap.servers': bootstrap,
      'signal.consumer.security.protocol': 'SASL_PLAINTEXT',
    }),
    { code: 'config.invalid', message: /sasl\.mechanism is GSSAPI/ },
  );
});

test('brokers that cannot be reached stop nothing', async () => {
  const capture = await Capture.open({ ...config, 'signal.kafka.bootstrap.servers': '127.0.0.1:1' });
  capture.source.signal!('1', 'execute-snapshot', '{"data-collections": ["public.a"]}');
  await capture.until(5);
  await capture.close();
});
