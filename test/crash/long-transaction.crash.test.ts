import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { Topics } from '../peer/topics.ts';
import { testKafka } from '../services/kafka.ts';

const ROWS = 300_000;

interface Event {
  readonly after: { id: number };
  readonly transaction: { total_order: number };
}

test('O-3 exactly once: a source transaction may last longer than one of Kafka, also through kill -9', {
  timeout: 240_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}long`.replaceAll('-', '_');
  const worker = {
    ...jsonWorker(bootstrap, topicPrefix),
    'exactly.once.source.support': 'enabled',
    'producer.transaction.timeout.ms': '2000',
  };
  const rig = await Rig.create(t, {
    config: { sinks: 'kafka', 'topic.prefix': topicPrefix, 'provide.transaction.metadata': 'true' },
  });
  await rig.sql('CREATE TABLE t (id int PRIMARY KEY)');
  const service = await rig.start({ worker });
  await rig.caughtUp('INSERT INTO t VALUES (0)');
  const topics = await Topics.connect(bootstrap);
  t.after(() => topics.close());
  const topic = `${topicPrefix}.public.t`;
  await rig.sql(`INSERT INTO t SELECT g FROM generate_series(1, ${ROWS}) g`);
  await until('a part is published', async () => (await topics.counts([topic])).get(topic)! > ROWS / 2, {
    alive: () => service.requireAlive(),
    detail: async () => `${JSON.stringify(await service.task(CONNECTOR))}\n${service.log()}`,
  });
  await service.kill();
  await rig.start({ worker });
  await rig.caughtUp(`INSERT INTO t VALUES (${ROWS + 1})`);
  await rig.service.stop();

  const events = (await readTopics(bootstrap, [topic])).map(
    ({ value }) => JSON.parse(String(value)) as Event,
  );
  const offsets = await readTopics(bootstrap, [`${topicPrefix}_offsets`]);
  const parts = offsets.filter(({ value }) => String(value).includes('"icestream_published"'));
  assert.ok(parts.length > 0, 'the source transaction was longer');
  assert.deepEqual(
    events.map(({ after }) => after.id),
    Array.from({ length: ROWS + 2 }, (_, i) => i),
  );
  const orders = events.slice(1, -1).map(({ transaction }) => transaction.total_order);
  assert.ok(
    orders.every((order, i) => order === i + 1),
    'events are counted through the restart',
  );
  const marks = (await readTopics(bootstrap, [`${topicPrefix}.transaction`])).map(
    ({ value }) => JSON.parse(String(value)) as { status: string; event_count: number | null },
  );
  assert.deepEqual(
    marks.map(({ status, event_count }) => [status, event_count]),
    [1, ROWS, 1].flatMap((count) => [
      ['BEGIN', null],
      ['END', count],
    ]),
  );
});
