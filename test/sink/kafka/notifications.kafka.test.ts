import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../../harness/rig.ts';
import { until } from '../../harness/until.ts';
import { NO_HEADERS, openProducer } from '../../kafka/producers.ts';
import { readTopics } from '../../kafka/read-topics.ts';
import { testKafka } from '../../services/kafka.ts';

interface Told {
  readonly id: string;
  readonly type: string;
  readonly aggregate_type: string;
  readonly additional_data: Record<string, string>;
}

for (const exactlyOnce of ['enabled', 'disabled']) {
  test(`that a snapshot has failed is in the topic before the task has, exactly once ${exactlyOnce}`, {
    timeout: 60_000,
  }, async (t) => {
    const { bootstrap, prefix } = await testKafka();
    const topicPrefix = `${prefix}failing`.replaceAll('-', '_');
    const topic = `${topicPrefix}.notifications`;
    const worker = {
      ...jsonWorker(bootstrap, topicPrefix),
      'exactly.once.source.support': exactlyOnce,
    };
    const rig = await Rig.create(t, {
      config: {
        sinks: 'kafka,iceberg',
        'topic.prefix': topicPrefix,
        'notification.enabled.channels': 'sink',
        'notification.sink.topic.name': topic,
        'errors.max.retries': '0',
        'snapshot.select.statement.overrides': 'public.t',
        'snapshot.select.statement.overrides.public.t': 'SELECT 1 / (id - id) AS id FROM t',
      },
    });
    await rig.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await rig.start({ worker });
    await rig.service.untilTask(CONNECTOR, 'FAILED', /division by zero/);
    const records = await readTopics(bootstrap, [topic], 'read_uncommitted');
    const { type } = JSON.parse(String(records.at(-1)!.value)) as Told;
    assert.equal(type, 'ABORTED');
    await rig.service.kill();
  });
}

test('a signal by topic is obeyed and told of, in the transactions of the rows, with a lake beside', {
  timeout: 90_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}told`.replaceAll('-', '_');
  const topic = `${topicPrefix}.notifications`;
  const worker = {
    'bootstrap.servers': bootstrap,
    'group.id': topicPrefix,
    'offset.storage.topic': `${topicPrefix}_offsets`,
    'exactly.once.source.support': 'enabled',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
  };
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka,iceberg',
      'topic.prefix': topicPrefix,
      'iceberg.tables.namespace': 'told',
      'notification.enabled.channels': 'sink,log',
      'notification.sink.topic.name': topic,
      'signal.enabled.channels': 'kafka',
      'signal.poll.interval.ms': '50',
      'heartbeat.interval.ms': '100',
      'heartbeat.action.query': 'INSERT INTO public.beat SELECT count(*) FROM public.beat',
    },
  });
  await rig.sql(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'old' FROM generate_series(1, 50) g;
     CREATE TABLE beat (id int PRIMARY KEY)`,
  );
  await rig.start({ worker });
  await rig.caughtUp(`UPDATE t SET v = 'new' WHERE id = 1`);
  const producer = await openProducer(t, bootstrap);
  const signals = `${topicPrefix}-signal`;
  const signal = AbortSignal.timeout(60_000);
  await producer.prepare(signals, signal);
  const value = { id: 'again', type: 'execute-snapshot', data: { 'data-collections': ['public.t'] } };
  producer.send(
    signals,
    Buffer.from(topicPrefix),
    Buffer.from(JSON.stringify(value)),
    NO_HEADERS,
    Date.now(),
  );
  await producer.flush(signal);
  const isOver = () => /"type":"COMPLETED","aggregateType":"Incremental/.test(rig.service.log());
  await until('the snapshot is over', isOver, { detail: () => rig.service.log() });
  await rig.caughtUp(`UPDATE t SET v = 'newer' WHERE id = 2`);
  await until('the heartbeat has beaten', async () => {
    const [{ beats }] = await rig.sql('SELECT count(*)::int AS beats FROM beat');
    return (beats as number) > 1;
  });
  await rig.service.stop();
  await rig.requireEqual('t');

  const records = await readTopics(bootstrap, [topic, `${topicPrefix}.public.t`]);
  const told = records.filter((it) => it.topic === topic).map((it) => JSON.parse(String(it.value)) as Told);
  assert.deepEqual(
    told.map(({ aggregate_type: aggregate, type, additional_data: data }) => {
      const table = data['scanned_collection'] ?? data['current_collection_in_progress'] ?? '';
      return `${aggregate} ${type} ${table} ${data['total_rows_scanned'] ?? ''}`.trim();
    }),
    [
      'Initial Snapshot STARTED',
      'Initial Snapshot IN_PROGRESS public.beat',
      'Initial Snapshot TABLE_SCAN_COMPLETED public.beat 0',
      'Initial Snapshot IN_PROGRESS public.t',
      'Initial Snapshot TABLE_SCAN_COMPLETED public.t 50',
      'Initial Snapshot COMPLETED',
      'Incremental Snapshot STARTED',
      'Incremental Snapshot IN_PROGRESS public.t',
      'Incremental Snapshot TABLE_SCAN_COMPLETED public.t 50',
      'Incremental Snapshot COMPLETED',
    ],
  );
  const ids = told.map(({ id }) => id);
  assert.deepEqual(ids.slice(6), ['again', 'again', 'again', 'again']);
  const read = records.filter(({ value }) => /"snapshot":"incremental"/.test(String(value)));
  assert.equal(read.length, 50);
  assert.ok(!/maximum_key|last_processed_key/.test(rig.service.log()), 'values of rows in the log');
});
