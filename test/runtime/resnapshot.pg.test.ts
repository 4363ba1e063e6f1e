import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

const put = (rig: Rig, action: string) => rig.service.request('PUT', `/connectors/${CONNECTOR}/${action}`);

const restart = (rig: Rig) =>
  rig.service.request('POST', `/connectors/${CONNECTOR}/restart?includeTasks=true`);

async function untilOk(rig: Rig, table: string): Promise<void> {
  await rig.service.untilTable(CONNECTOR, table, 'ok');
}

for (const [how, resume] of [
  ['a restart', restart],
  ['pause and resume', async (rig: Rig) => [await put(rig, 'pause'), await put(rig, 'resume')]],
  ['stop and resume', async (rig: Rig) => [await put(rig, 'stop'), await put(rig, 'resume')]],
] as const) {
  test(`L-5 a table that an incompatible change stopped goes on after ${how}, with the new type`, {
    timeout: 120_000,
  }, async (t) => {
    const rig = await Rig.create(t);
    await rig.sql(`CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10), (2, 20);
      CREATE TABLE log (v int); INSERT INTO log VALUES (1);
      CREATE TABLE other (id int PRIMARY KEY)`);
    await rig.start();
    await rig.streaming();
    await rig.caughtUp('INSERT INTO other VALUES (1)');
    await rig.sql(`ALTER TABLE t ALTER v TYPE text USING 'n' || v; INSERT INTO t VALUES (3, 'x');
      ALTER TABLE log ALTER v TYPE text; INSERT INTO log VALUES ('two')`);
    const reason = await rig.service.untilTable(CONNECTOR, 'public.t', 'needs-resnapshot');
    assert.match(reason, /table\.incompatible-schema: column v of public\.t became text.*[Rr]esume/);
    await rig.sql(`DELETE FROM t WHERE id = 1; UPDATE t SET v = 'y' WHERE id = 3; TRUNCATE log`);
    await rig.caughtUp('INSERT INTO other VALUES (2)');
    await rig.requireEqual('other');
    assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
    await resume(rig);
    await rig.sql(`INSERT INTO t VALUES (4, 'while it is read'); INSERT INTO log VALUES ('three')`);
    await untilOk(rig, 'public.t');
    await untilOk(rig, 'public.log');
    // A table without a key can only be filled by a replacement, and that is all that it needs.
    await rig.sql(
      `INSERT INTO t VALUES (5, 'after'); UPDATE t SET v = 'z' WHERE id = 2; INSERT INTO log VALUES ('four')`,
    );
    await rig.caughtUp('INSERT INTO other VALUES (3)');
    await rig.requireEqual('t', 'other');
    const rows = await rig.lake((lake) => lake.query(`${rig.namespace}.log`, 'v', 'ORDER BY v'));
    assert.deepEqual(
      rows.map(({ v }) => v),
      ['four', 'three'],
    );
    await rig.service.stop();
  });
}

test('L-6 a blocking snapshot replaces the table and the stream goes on', { timeout: 120_000 }, async (t) => {
  const rig = await Rig.create(t);
  await rig.sql(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i;
    CREATE TABLE other (id int PRIMARY KEY)`);
  await rig.start();
  await rig.streaming();
  await rig.caughtUp('INSERT INTO other VALUES (1)');
  const table = `${rig.namespace}.t`;
  const operation = () =>
    rig.lake(async (lake) => {
      const { metadata } = await lake.table(table);
      const current = metadata.snapshots?.find(
        (snapshot) => snapshot['snapshot-id'] === metadata['current-snapshot-id'],
      );
      return current?.summary['operation'];
    });
  assert.notEqual(await operation(), 'overwrite');
  const { status } = await rig.service.request('POST', `/connectors/${CONNECTOR}/signals`, {
    id: 'again',
    type: 'execute-snapshot',
    data: { 'data-collections': ['public.t'], type: 'blocking' },
  });
  assert.ok(status < 300, String(status));
  await until('the table is replaced', async () => (await operation()) === 'overwrite', {
    alive: () => rig.service.requireAlive(),
    detail: () => rig.service.log(),
  });
  await put(rig, 'pause');
  await rig.service.untilTask(CONNECTOR, 'PAUSED');
  await rig.sql(`UPDATE t SET v = 'y' WHERE id % 2 = 0; DELETE FROM t WHERE id % 5 = 0`);
  await put(rig, 'resume');
  await rig.caughtUp('INSERT INTO other VALUES (2)');
  await rig.requireEqual('t', 'other');
  await rig.service.stop();
});
