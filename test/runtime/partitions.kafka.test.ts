import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

interface Row {
  readonly id: number;
  readonly v?: string;
}

interface Event {
  readonly op: string;
  readonly before: Row | null;
  readonly after: Row | null;
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
    CREATE TABLE m_south (gone int, v text, id int NOT NULL, region text NOT NULL, PRIMARY KEY (id, region));
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
  await until(
    'the rows of the partition are gone from the lake',
    async () => {
      const [{ count }] = await rig.lake((lake) => lake.query('parts.m', 'count(*)::int AS count'));
      return count === 3;
    },
    { alive: () => service.requireAlive(), detail: () => service.log() },
  );
  await service.untilTable(CONNECTOR, 'public.m', 'ok');
  await rig.requireEqual('m');
  await rig.sql('TRUNCATE m');
  await rig.caughtUp(`INSERT INTO m VALUES (8, 'north', 'after all was truncated')`);
  await rig.requireEqual('m');
  await service.stop();
  assert.deepEqual((await events('m')).length, 3, 'what a lake asks for is no event');
});

test('parts with columns in another order, or filtered by other lists, go out as Kafka alone would have them', {
  timeout: 120_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}differing`.replaceAll('-', '_');
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka,iceberg',
      'topic.prefix': topicPrefix,
      'iceberg.tables.namespace': 'differing',
      'iceberg.tables.name': '{table}',
      // Of the whole, and of one part.
      'column.exclude.list': 'public.m.secret,public.m_north.v',
    },
  });
  await rig.sql(`
    CREATE TABLE m (id int, region text, v text, secret text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE m_north PARTITION OF m FOR VALUES IN ('north');
    CREATE TABLE m_south (secret text, v text, id int NOT NULL, region text NOT NULL, PRIMARY KEY (id, region));
    ALTER TABLE m ATTACH PARTITION m_south FOR VALUES IN ('south');
    INSERT INTO m VALUES (1, 'north', 'read', 's1'), (2, 'south', 'read', 's2')`);
  await rig.start({ worker: jsonWorker(bootstrap) });
  await rig.streaming();
  await rig.caughtUp(`INSERT INTO m VALUES (3, 'north', 'new', 's3'), (4, 'south', 'new', 's4')`);
  const lake = await rig.lake((reader) => reader.query('differing.m', '*'));
  assert.deepEqual(
    lake.toSorted((a, b) => Number(a['id']) - Number(b['id'])),
    [
      { id: 1, region: 'north', v: 'read' },
      { id: 2, region: 'south', v: 'read' },
      { id: 3, region: 'north', v: 'new' },
      { id: 4, region: 'south', v: 'new' },
    ],
  );
  await rig.service.stop();

  const rows = async (table: string): Promise<string[]> => {
    const records = await readTopics(bootstrap, [`${topicPrefix}.public.${table}`]);
    return records.map(({ value }) => JSON.stringify((JSON.parse(String(value)) as Event).after));
  };
  assert.deepEqual(await rows('m_north'), [
    '{"id":1,"region":"north","secret":"s1"}',
    '{"id":3,"region":"north","secret":"s3"}',
  ]);
  assert.deepEqual(await rows('m_south'), [
    '{"secret":"s2","v":"read","id":2,"region":"south"}',
    '{"secret":"s4","v":"new","id":4,"region":"south"}',
  ]);
});

test('a signal that names a part has it read again for both sinks', { timeout: 120_000 }, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}signalled`.replaceAll('-', '_');
  const rig = await Rig.create(t, {
    config: { sinks: 'kafka,iceberg', 'topic.prefix': topicPrefix, 'iceberg.tables.namespace': 'signalled' },
  });
  await readsPartAgain(rig, jsonWorker(bootstrap));
  const records = await readTopics(bootstrap, [
    `${topicPrefix}.public.m_south`,
    `${topicPrefix}.public.m_north`,
  ]);
  const events = records.map(({ topic, value }) => {
    const { op, after, source } = JSON.parse(String(value)) as Event & { source: { snapshot: string } };
    return [
      topic.slice(topicPrefix.length + 8),
      op,
      after!.id,
      after!.v,
      source.snapshot === 'incremental' ? 'again' : '',
    ].join(' ');
  });
  assert.deepEqual(events.sort(), [
    'm_north c 4 last ',
    'm_north r 1 read ',
    'm_south r 2 changed again',
    'm_south r 2 read ',
    'm_south r 3 read ',
    'm_south r 3 read again',
  ]);
});

test('a signal that names a part has it read again for a lake alone', { timeout: 120_000 }, async (t) => {
  await readsPartAgain(await Rig.create(t));
});

/** A change that is not published shows in the lake when its part has been read again. */
async function readsPartAgain(rig: Rig, worker: Record<string, string> = {}): Promise<void> {
  await rig.sql(`
    CREATE TABLE m (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE m_north PARTITION OF m FOR VALUES IN ('north');
    CREATE TABLE m_south (v text, id int NOT NULL, region text NOT NULL, PRIMARY KEY (id, region));
    ALTER TABLE m ATTACH PARTITION m_south FOR VALUES IN ('south');
    INSERT INTO m VALUES (1, 'north', 'read'), (2, 'south', 'read'), (3, 'south', 'read')`);
  const service = await rig.start({ worker });
  await rig.streaming();
  await rig.sql(`ALTER PUBLICATION dbz_publication SET (publish = 'insert,delete,truncate')`);
  await rig.sql(`UPDATE m SET v = 'changed' WHERE id = 2`);
  await rig.sql(`ALTER PUBLICATION dbz_publication SET (publish = 'insert,update,delete,truncate')`);
  const data = { 'data-collections': ['public.m_south'] };
  await service.request('POST', `/connectors/${CONNECTOR}/signals`, {
    id: 'again',
    type: 'execute-snapshot',
    data,
  });
  await until('the part is read', () => service.log().includes('incremental snapshot of a table ends'), {
    alive: () => service.requireAlive(),
  });
  await rig.caughtUp(`INSERT INTO m VALUES (4, 'north', 'last')`);
  await rig.requireEqual('m');
  await service.stop();
}
