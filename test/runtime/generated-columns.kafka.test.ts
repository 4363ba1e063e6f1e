import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { Rig } from '../harness/rig.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

test('generated columns are in the events of a snapshot, as Debezium has them, and not in the lake', {
  timeout: 90_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}generated`.replaceAll('-', '_');
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka,iceberg',
      'topic.prefix': topicPrefix,
      'iceberg.tables.namespace': 'generated',
      'iceberg.tables.name': '{table}',
    },
  });
  await rig.sql(`
    CREATE TABLE t (id int PRIMARY KEY, double int GENERATED ALWAYS AS (id * 2) STORED, v text);
    CREATE TABLE m (id int, half int GENERATED ALWAYS AS (id / 2) STORED, region text, PRIMARY KEY (id, region))
      PARTITION BY LIST (region);
    CREATE TABLE m_north PARTITION OF m FOR VALUES IN ('north');
    INSERT INTO t VALUES (1, DEFAULT, 'read');
    INSERT INTO m VALUES (8, DEFAULT, 'north')`);
  await rig.start({ worker: jsonWorker(bootstrap) });
  await rig.streaming();
  await rig.caughtUp(
    `INSERT INTO t VALUES (2, DEFAULT, 'new'); INSERT INTO m VALUES (9, DEFAULT, 'north'); UPDATE t SET v = 'set'`,
  );
  const rows = await rig.lake(async (lake) => [
    await lake.query('generated.t', '*'),
    await lake.query('generated.m', '*'),
  ]);
  const sorted = (table: readonly Record<string, unknown>[]) =>
    table.toSorted((a, b) => Number(a['id']) - Number(b['id']));
  assert.deepEqual(rows.map(sorted), [
    [
      { id: 1, v: 'set' },
      { id: 2, v: 'set' },
    ],
    [
      { id: 8, region: 'north' },
      { id: 9, region: 'north' },
    ],
  ]);
  await rig.service.stop();

  const events = async (table: string) => {
    const records = await readTopics(bootstrap, [`${topicPrefix}.public.${table}`]);
    return records.map(({ value }) => {
      const { op, after } = JSON.parse(String(value)) as { op: string; after: unknown };
      return `${op} ${JSON.stringify(after)}`;
    });
  };
  assert.deepEqual(await events('t'), [
    'r {"id":1,"double":2,"v":"read"}',
    'c {"id":2,"v":"new"}',
    'u {"id":1,"v":"set"}',
    'u {"id":2,"v":"set"}',
  ]);
  assert.deepEqual(await events('m'), ['r {"id":8,"half":4,"region":"north"}']);
  assert.deepEqual(await events('m_north'), [
    'r {"id":8,"half":4,"region":"north"}',
    'c {"id":9,"region":"north"}',
  ]);
});
