import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

test('L-12 a lake added to a connector that publishes is filled alone: the topic sees no extra record', {
  timeout: 120_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}late`.replaceAll('-', '_');
  const worker = {
    'bootstrap.servers': bootstrap,
    'offset.storage.topic': `${topicPrefix}_offsets`,
    'key.converter.schemas.enable': 'false',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  };
  const config = {
    sinks: 'kafka',
    'topic.prefix': topicPrefix,
    'iceberg.tables.namespace': 'late',
    'iceberg.tables.name': '{table}',
  };
  const rig = await Rig.create(t, { config });
  await rig.sql(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'old ' || g FROM generate_series(1, 500) g`,
  );
  await rig.start({ worker });
  await rig.caughtUp(`UPDATE t SET v = 'published' WHERE id = 1`);
  await rig.service.stop();
  await rig.start({ worker });
  const { status } = await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, {
    ...rig.config,
    sinks: 'kafka,iceberg',
  });
  assert.equal(status, 200);
  await rig.caughtUp(`UPDATE t SET v = 'both' WHERE id = 2`);
  await rig.service.untilTable(CONNECTOR, 'public.t', 'ok');
  await rig.caughtUp(`DELETE FROM t WHERE id = 3`);
  await rig.service.stop();
  await rig.requireEqual('t');
  const records = await readTopics(bootstrap, [`${topicPrefix}.public.t`]);
  const keys = records.map(({ key }) => (JSON.parse(String(key)) as { id: number }).id);
  // The snapshot's rows, two updates, a delete and its tombstone.
  assert.deepEqual(keys.slice(500), [1, 2, 3, 3]);
});
