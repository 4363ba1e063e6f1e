import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

interface Event {
  readonly op: string;
  readonly before: { id: number } | null;
  readonly after: { id: number } | null;
  readonly source: { table: string };
}

test('a partitioned table is one table in the lake, and as Debezium has it in Kafka', {
  timeout: 120_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}parts`.replaceAll('-', '_');
  const worker = jsonWorker(bootstrap);
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka,iceberg',
      'topic.prefix': topicPrefix,
      'iceberg.tables.namespace': 'parts',
      'iceberg.tables.name': '{table}',
    },
  });
  await rig.sql(`
    CREATE TABLE m (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE m_north PARTITION OF m FOR VALUES IN ('north');
    -- Made on its own, its columns are numbered in another way.
    CREATE TABLE m_south (gone int, id int NOT NULL, region text NOT NULL, v text, PRIMARY KEY (id, region));
    ALTER TABLE m_south DROP COLUMN gone;
    ALTER TABLE m ATTACH PARTITION m_south FOR VALUES IN ('south');
    INSERT INTO m VALUES (1, 'north', 'read'), (2, 'south', 'read'), (3, 'south', 'read')`);
  const service = await rig.start({ worker });
  await rig.streaming();
  await rig.sql(`INSERT INTO m VALUES (4, 'north', 'new'), (5, 'south', 'new');
    UPDATE m SET v = 'changed' WHERE id IN (1, 2);
    DELETE FROM m WHERE id = 3;
    UPDATE m SET region = 'south' WHERE id = 4`);
  await rig.caughtUp(`INSERT INTO m VALUES (6, 'north', 'last')`);
  await rig.requireEqual('m');

  const events = async (table: string): Promise<[string, number][]> => {
    const records = await readTopics(bootstrap, [`${topicPrefix}.public.${table}`]);
    return records.flatMap(({ value }) => {
      if (value === null) return [];
      const { op, before, after, source } = JSON.parse(String(value)) as Event;
      assert.equal(source.table, table);
      return [[op, (after ?? before)!.id]] as [string, number][];
    });
  };
  assert.deepEqual(await events('m'), [
    ['r', 1],
    ['r', 2],
    ['r', 3],
  ]);
  assert.deepEqual(await events('m_north'), [
    ['r', 1],
    ['c', 4],
    ['u', 1],
    ['d', 4],
    ['c', 6],
  ]);
  assert.deepEqual(await events('m_south'), [
    ['r', 2],
    ['r', 3],
    ['c', 5],
    ['u', 2],
    ['d', 3],
    ['c', 4],
  ]);

  await rig.sql('TRUNCATE m_south');
  await rig.caughtUp(`INSERT INTO m VALUES (7, 'south', 'after a part was truncated')`);
  await service.untilTable(CONNECTOR, 'public.m', 'ok');
  await rig.requireEqual('m');
  await rig.sql('TRUNCATE m');
  await rig.caughtUp(`INSERT INTO m VALUES (8, 'north', 'after all was truncated')`);
  await rig.requireEqual('m');
  await service.stop();
  assert.deepEqual((await events('m')).length, 3, 'what a lake asks for is no event');
});
