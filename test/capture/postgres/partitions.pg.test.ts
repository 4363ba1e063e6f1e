import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTOR, Rig } from '../../harness/rig.ts';
import { until } from '../../harness/until.ts';

async function partitioned(rig: Rig): Promise<void> {
  await rig.sql(`CREATE TABLE t (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE t_north PARTITION OF t FOR VALUES IN ('north');
    CREATE TABLE t_south PARTITION OF t FOR VALUES IN ('south');
    INSERT INTO t SELECT i, CASE i % 2 WHEN 0 THEN 'north' ELSE 'south' END, 'x' FROM generate_series(1, 100) i;
    CREATE TABLE beacon (id int PRIMARY KEY)`);
  await rig.start();
  await rig.streaming();
  await rig.caughtUp('INSERT INTO beacon VALUES (1)');
}

test('L-7 a truncated partition empties no more than itself, the whole table is emptied as a whole', {
  timeout: 120_000,
}, async (t) => {
  const rig = await Rig.create(t);
  await partitioned(rig);
  await rig.requireEqual('t');
  await rig.sql(
    `INSERT INTO t VALUES (200, 'south', 'y'); TRUNCATE t_north; INSERT INTO t VALUES (201, 'north', 'z')`,
  );
  await rig.caughtUp('INSERT INTO beacon VALUES (2)');
  await until(
    'the rows of the partition are gone from the lake',
    async () => {
      const [{ count }] = await rig.lake((lake) =>
        lake.query(`${rig.namespace}.t`, 'count(*)::int AS count'),
      );
      return count === 52;
    },
    { alive: () => rig.service.requireAlive(), detail: () => rig.service.log() },
  );
  await rig.service.untilTable(CONNECTOR, 'public.t', 'ok');
  await rig.requireEqual('t');
  await rig.sql(`TRUNCATE t; INSERT INTO t VALUES (1, 'north', 'again')`);
  await rig.caughtUp('INSERT INTO beacon VALUES (3)');
  await rig.requireEqual('t', 'beacon');
  assert.equal(
    rig.service.log().match(/existing rows are missing/g)?.length,
    1,
    'only the partition alone has made it read again',
  );
  await rig.service.stop();
});

test('L-7 with skipped.operations a truncated partition changes nothing in the lake', {
  timeout: 120_000,
}, async (t) => {
  const rig = await Rig.create(t, { config: { 'skipped.operations': 't' } });
  await partitioned(rig);
  await rig.sql('TRUNCATE t_north');
  await rig.caughtUp('INSERT INTO beacon VALUES (2)');
  const [{ count }] = await rig.lake((lake) => lake.query(`${rig.namespace}.t`, 'count(*)::int AS count'));
  assert.equal(count, 100);
  await rig.service.stop();
});
