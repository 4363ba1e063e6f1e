import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Tables that the last start has read again, from the log. */
function readAgain(rig: Rig): string[] {
  const log = readFileSync(join(rig.folder, 'service', 'log'), 'utf8');
  const since = log.slice(log.lastIndexOf('"state":"starting"'));
  const lines = since.split('\n').filter((line) => line.includes('existing rows are missing'));
  return lines.map((line) => (JSON.parse(line) as { table: string }).table).sort();
}

test('P-3 L-12 what changed while the connector was stopped is read again, and nothing else', {
  timeout: 180_000,
}, async (t) => {
  const rig = await Rig.create(t, {
    config: { 'table.include.list': 'public\\.(keyed|keyless|same|beacon)' },
  });
  await rig.sql(`CREATE TABLE keyed (id int PRIMARY KEY, v text); INSERT INTO keyed SELECT i, 'x' FROM generate_series(1, 1000) i;
    CREATE TABLE keyless (v int); INSERT INTO keyless VALUES (1), (2);
    CREATE TABLE same (id int PRIMARY KEY, v text); INSERT INTO same VALUES (1, 'x');
    CREATE TABLE beacon (id int PRIMARY KEY);
    CREATE TABLE added (id int PRIMARY KEY, v text); INSERT INTO added SELECT i, 'x' FROM generate_series(1, 1000) i;
    CREATE TABLE bare (v int); INSERT INTO bare VALUES (1), (1);
    CREATE TABLE nothing (id int PRIMARY KEY)`);
  await rig.start();
  await rig.streaming();
  await rig.caughtUp('INSERT INTO beacon VALUES (1)');
  await put(rig, 'stop');
  await until('the slot is free', async () => {
    const [{ active }] = await rig.sql(
      `SELECT active FROM pg_replication_slots WHERE slot_name = '${rig.slot}'`,
    );
    return active === false;
  });
  await rig.sql(`INSERT INTO keyed VALUES (2000, 'before'); ALTER TABLE keyed ADD COLUMN extra int NOT NULL DEFAULT 7;
    ALTER TABLE keyless ADD COLUMN extra text DEFAULT 'seven'; ALTER TABLE same ADD COLUMN extra int;
    UPDATE keyed SET extra = 8 WHERE id = 5`);
  const config = { ...rig.config, 'table.include.list': 'public\\..*' };
  await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, config);
  await put(rig, 'resume');
  await rig.service.untilTask(CONNECTOR, 'RUNNING');
  await rig.streaming();
  await rig.caughtUp('INSERT INTO beacon VALUES (2)');
  for (const table of ['keyed', 'keyless', 'added', 'bare', 'nothing']) {
    await untilOk(rig, `public.${table}`);
  }
  await rig.sql(`INSERT INTO added VALUES (0, 'new'); INSERT INTO keyless VALUES (3, 'new');
    INSERT INTO same VALUES (2, 'y', 5)`);
  await rig.caughtUp('INSERT INTO beacon VALUES (3)');
  await rig.requireEqual('keyed', 'keyless', 'same', 'beacon', 'added', 'bare', 'nothing');
  assert.deepEqual(readAgain(rig), [
    'public.added',
    'public.bare',
    'public.keyed',
    'public.keyless',
    'public.nothing',
  ]);
  await rig.service.stop();
  await rig.start();
  await rig.streaming();
  await rig.caughtUp('INSERT INTO beacon VALUES (4)');
  assert.deepEqual(readAgain(rig), []);
  await rig.requireEqual('keyed', 'keyless', 'same', 'beacon', 'added', 'bare', 'nothing');
  await rig.service.stop();
});

test('a table that another one takes the place of is replaced, while it runs and across a restart', {
  timeout: 120_000,
}, async (t) => {
  const rig = await Rig.create(t);
  await rig.sql(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old'), (2, 'old');
    CREATE TABLE beacon (id int PRIMARY KEY)`);
  await rig.start();
  await rig.streaming();
  await rig.caughtUp('INSERT INTO beacon VALUES (1)');
  await rig.sql(`INSERT INTO t VALUES (3, 'old'); CREATE TABLE next (id int PRIMARY KEY, v text);
    INSERT INTO next VALUES (1, 'new'), (9, 'new')`);
  await rig.caughtUp('INSERT INTO beacon VALUES (2)');
  await rig.sql(`ALTER TABLE t RENAME TO former; ALTER TABLE next RENAME TO t; INSERT INTO t VALUES (10, 'new');
    INSERT INTO former VALUES (4, 'old')`);
  const replaced = (...tables: string[]) =>
    until(
      `${tables} equal their source`,
      () =>
        rig.requireEqual(...tables).then(
          () => true,
          () => false,
        ),
      { alive: () => rig.service.requireAlive(), detail: () => rig.service.log() },
    );
  await replaced('t', 'former');
  await rig.service.stop();
  await rig.sql(
    `DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (7, 'newest')`,
  );
  await rig.start();
  await replaced('t');
  assert.deepEqual(readAgain(rig), ['public.t']);
  await rig.service.stop();
});

for (const failpoint of [
  'table.created',
  'table.evolved',
  'snapshot.table-read',
  'commit.done',
  'pipeline.acked',
] as const) {
  test(`P-3 L-12 a crash at ${failpoint} does not let rows that are missing be forgotten`, {
    timeout: 180_000,
  }, async (t) => {
    const rig = await Rig.create(t, {
      config: {
        'table.include.list': 'public\\.(keyed|keyless|beacon|added)',
        'iceberg.control.commit.interval-ms': '10',
      },
    });
    await rig.sql(`CREATE TABLE keyed (id int PRIMARY KEY, v text); INSERT INTO keyed SELECT i, 'x' FROM generate_series(1, 1000) i;
      CREATE TABLE keyless (v int); INSERT INTO keyless VALUES (1), (2);
      CREATE TABLE beacon (id int PRIMARY KEY)`);
    await rig.start();
    await rig.streaming();
    await rig.caughtUp('INSERT INTO beacon VALUES (1)');
    await rig.service.stop();
    await rig.sql(`ALTER TABLE keyed ADD COLUMN extra int NOT NULL DEFAULT 7; INSERT INTO keyed VALUES (2000, 'after');
      ALTER TABLE keyless ADD COLUMN extra text DEFAULT 'seven'; INSERT INTO keyless VALUES (3, 'after');
      CREATE TABLE added (id int PRIMARY KEY, v text); INSERT INTO added SELECT i, 'x' FROM generate_series(1, 1000) i`);
    await rig.start({ failpoint });
    assert.equal(await rig.service.ended(), 'SIGKILL');
    await rig.loseState();
    await rig.start();
    await rig.streaming();
    await rig.caughtUp('INSERT INTO beacon VALUES (2)');
    for (const table of ['keyed', 'keyless', 'added']) await untilOk(rig, `public.${table}`);
    await rig.caughtUp('INSERT INTO beacon VALUES (3)');
    await rig.requireEqual('keyed', 'keyless', 'beacon', 'added');
    await rig.service.stop();
  });
}
