import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { CONNECTOR, connect, Rig, type RigOptions } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { type PostgresServer, startPostgres } from '../services/postgres.ts';

let server: PostgresServer;
before(async () => {
  // Roles named locked_* have to give their password.
  server = await startPostgres({
    hba: [
      'host all "/^locked_.*" 127.0.0.1/32 scram-sha-256',
      'host replication "/^locked_.*" 127.0.0.1/32 scram-sha-256',
    ],
  });
});
after(() => server.stop());

let count = 0;

/** A database with a role of its own, which may do what `grants` say. */
async function rigWithRole(
  t: TestContext,
  attributes: string,
  grants: (role: string) => string,
  options: RigOptions = {},
) {
  const name = `f${++count}`;
  const role = `locked_${name}`;
  const admin = await connect(server.url);
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'right' ${attributes}`);
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const rig = await Rig.create(t, {
    ...options,
    url: url.href,
    config: {
      'database.user': role,
      'database.password': 'right',
      'publication.autocreate.mode': 'filtered',
      ...options.config,
    },
  });
  await rig.sql(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one'); ${grants(role)}`,
  );
  return { rig, role };
}

const ALL = (role: string) =>
  `GRANT ALL ON DATABASE f${count} TO ${role}; GRANT ALL ON SCHEMA public TO ${role}; ALTER TABLE t OWNER TO ${role}`;

/** What POST says of a configuration, by the messages in its body. */
async function refusal(rig: Rig, config: Record<string, string>): Promise<string> {
  const { status, body } = await rig.service.request('POST', '/connectors', { name: CONNECTOR, config });
  assert.equal(status, 400, JSON.stringify(body));
  return (body as { message: string }).message;
}

test('a wrong password is refused with the reason, and later fails the task until it is right again', {
  timeout: 120_000,
}, async (t) => {
  const { rig, role } = await rigWithRole(t, 'REPLICATION', ALL);
  await rig.startEmpty();
  assert.match(
    await refusal(rig, { ...rig.config, 'database.password': 'wrong' }),
    /password authentication failed for user "locked_f1"/,
  );
  await rig.service.connector(CONNECTOR, rig.config);
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.sql(`ALTER ROLE ${role} PASSWORD 'changed'`);
  await rig.service.request('POST', `/connectors/${CONNECTOR}/tasks/0/restart`);
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /postgres\.auth: .*password authentication failed/);
  assert.match(trace, /database\.password and pg_hba\.conf/);
  assert.doesNotMatch(trace + rig.service.log(), /right/);
  await rig.sql(`ALTER ROLE ${role} PASSWORD 'right'; INSERT INTO t VALUES (3, 'three')`);
  await rig.service.request('POST', `/connectors/${CONNECTOR}/tasks/0/restart`);
  await rig.caughtUp(`INSERT INTO t VALUES (4, 'four')`);
  await rig.requireEqual('t');
});

test('a role without REPLICATION, and one that may not publish, are named with what to grant', {
  timeout: 120_000,
}, async (t) => {
  const { rig, role } = await rigWithRole(t, 'NOREPLICATION', (name) => `GRANT SELECT ON t TO ${name}`);
  await rig.startEmpty();
  assert.match(
    await refusal(rig, rig.config),
    new RegExp(`roles LOGIN and REPLICATION are not assigned to user: ${role}`),
  );
  await rig.sql(`ALTER ROLE ${role} REPLICATION`);
  await rig.service.connector(CONNECTOR, rig.config);
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /postgres\.rights: .*publication/);
  assert.match(
    trace,
    /Grant CREATE on the database and ownership of the tables, or create the publication yourself/,
  );
  // Somebody with the right creates the publication: then reading is enough.
  await rig.sql('CREATE PUBLICATION dbz_publication FOR TABLE t');
  await rig.service.request('POST', `/connectors/${CONNECTOR}/tasks/0/restart`);
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.requireEqual('t');
});

test('a missing publication that must not be created fails the task with its name', {
  timeout: 120_000,
}, async (t) => {
  const { rig } = await rigWithRole(t, 'REPLICATION', ALL, {
    config: { 'publication.autocreate.mode': 'disabled', 'publication.name': 'absent' },
  });
  await rig.start();
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /postgres\.publication: .*absent/);
  assert.match(trace, /publication\.autocreate\.mode/);
  await rig.sql('CREATE PUBLICATION absent FOR TABLE t');
  await rig.service.request('POST', `/connectors/${CONNECTOR}/tasks/0/restart`);
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.requireEqual('t');
});

test('a slot dropped while stopped fails with snapshot.mode=initial', { timeout: 120_000 }, async (t) => {
  const { rig } = await rigWithRole(t, 'REPLICATION', ALL);
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.service.stop();
  await rig.sql(
    `SELECT pg_drop_replication_slot('${rig.slot}'); DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3, 'three')`,
  );
  await rig.start();
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, new RegExp(`postgres\\.slot-lost: replication slot ${rig.slot} does not exist`));
  assert.match(trace, /snapshot\.mode=when_needed/);
  assert.equal(
    (
      await rig.sql('SELECT count(*)::int AS n FROM pg_replication_slots WHERE database = current_database()')
    )[0]['n'],
    0,
    'no slot is made behind the back of the user',
  );
  // The hint is good.
  await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, {
    ...rig.config,
    'snapshot.mode': 'when_needed',
  });
  await rig.caughtUp(`INSERT INTO t VALUES (4, 'four')`);
  await rig.requireEqual('t');
});

test('L-6 a slot dropped while stopped is read anew with when_needed, also after a crash; rows deleted meanwhile are gone', {
  timeout: 150_000,
}, async (t) => {
  const { rig } = await rigWithRole(t, 'REPLICATION', ALL, { config: { 'snapshot.mode': 'when_needed' } });
  await rig.sql(`CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u SELECT generate_series(1, 100);
    CREATE TABLE w (id int); INSERT INTO w SELECT generate_series(1, 100); ALTER TABLE u OWNER TO locked_f${count}; ALTER TABLE w OWNER TO locked_f${count}`);
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.service.stop();
  await rig.sql(
    `SELECT pg_drop_replication_slot('${rig.slot}'); DELETE FROM t WHERE id = 1; DELETE FROM u WHERE id < 50; TRUNCATE w; INSERT INTO w VALUES (1000)`,
  );
  // Killed when the first table is replaced and durable, the others not.
  const first = await rig.start({ failpoint: 'commit.settled' });
  await first.crashed();
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (4, 'four')`);
  await rig.service.stop();
  await rig.requireEqual('t', 'u', 'w');
});

test('a NULL in an id-column stops that table with a remedy; the others go on', {
  timeout: 120_000,
}, async (t) => {
  const { rig, role } = await rigWithRole(t, 'REPLICATION', ALL, {
    config: { 'iceberg.table.public.n.id-columns': 'code' },
  });
  await rig.sql(
    `CREATE TABLE n (id int PRIMARY KEY, code text); ALTER TABLE n REPLICA IDENTITY FULL; ALTER TABLE n OWNER TO ${role}; INSERT INTO n VALUES (1, 'a')`,
  );
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.requireEqual('t', 'n');
  await rig.sql('INSERT INTO n VALUES (2, NULL)');
  const reason = await rig.service.untilTable(CONNECTOR, 'public.n', 'needs-resnapshot');
  assert.match(reason, /table\.null-key: .*NULL/);
  assert.match(reason, /id-columns that are NOT NULL/);
  await rig.caughtUp(`INSERT INTO t VALUES (3, 'three')`);
  await rig.requireEqual('t');
  assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
});

test('L-9 a key column dropped while streaming stops that table with a remedy; the others go on', {
  timeout: 120_000,
}, async (t) => {
  const { rig, role } = await rigWithRole(t, 'REPLICATION', ALL, {
    config: { 'iceberg.table.public.n.id-columns': 'code' },
  });
  await rig.sql(
    `CREATE TABLE n (id int PRIMARY KEY, code text NOT NULL); ALTER TABLE n REPLICA IDENTITY FULL; ALTER TABLE n OWNER TO ${role}; INSERT INTO n VALUES (1, 'a')`,
  );
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.sql('ALTER TABLE n DROP COLUMN code; INSERT INTO n VALUES (2)');
  const reason = await rig.service.untilTable(CONNECTOR, 'public.n', 'needs-resnapshot');
  assert.match(reason, /a key column of public\.n cannot be read/);
  assert.match(reason, /Name other key columns/);
  await rig.caughtUp(`INSERT INTO t VALUES (3, 'three')`);
  await rig.requireEqual('t');
  assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
});

test('P-3 a column dropped while streaming stays in the lake, nullable; one added and one renamed follow', {
  timeout: 120_000,
}, async (t) => {
  const { rig } = await rigWithRole(t, 'REPLICATION', ALL);
  await rig.sql('ALTER TABLE t ADD COLUMN gone int NOT NULL DEFAULT 7');
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two', 2)`);
  await rig.sql(
    `ALTER TABLE t DROP COLUMN gone; INSERT INTO t VALUES (3, 'three'); UPDATE t SET v = 'changed' WHERE id = 1`,
  );
  await rig.sql(
    `ALTER TABLE t ADD COLUMN extra text; INSERT INTO t VALUES (4, 'four', 'x'); ALTER TABLE t RENAME COLUMN v TO value; DELETE FROM t WHERE id = 2`,
  );
  await rig.caughtUp(`INSERT INTO t VALUES (5, 'five', 'y')`);
  await rig.requireEqual('t');
  const rows = await rig.lake((lake) => lake.query(`${rig.namespace}.t`, 'id, gone', 'ORDER BY id'));
  assert.deepEqual(
    rows.map(({ gone }) => gone),
    [null, null, null, null],
  );
});

test('a table dropped and recreated while streaming goes on as what it is now', {
  timeout: 120_000,
}, async (t) => {
  const { rig, role } = await rigWithRole(t, 'REPLICATION', ALL);
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await rig.sql(
    `CREATE TABLE other (id int PRIMARY KEY); ALTER TABLE other OWNER TO ${role}; ALTER PUBLICATION dbz_publication ADD TABLE other`,
  );
  await rig.sql(
    `DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t OWNER TO ${role}; ALTER PUBLICATION dbz_publication ADD TABLE t; INSERT INTO t VALUES (10, 'ten')`,
  );
  await rig.caughtUp('INSERT INTO other VALUES (1)');
  await rig.requireEqual('other');
  // The rows of the old table go when the new one has been read.
  await until('the lake has the new table alone', () => rig.requireEqual('t').then(() => true, notYet));
  await rig.service.untilTable(CONNECTOR, 'public.t', 'ok');
});

/** Other failures than a difference are failures of the test. */
function notYet(error: unknown): false {
  if (error instanceof assert.AssertionError) return false;
  throw error;
}

test('invalid values and an unknown class are refused with property, value and what would be right', {
  timeout: 120_000,
}, async (t) => {
  const { rig } = await rigWithRole(t, 'REPLICATION', ALL);
  await rig.startEmpty();
  const broken = {
    ...rig.config,
    'snapshot.mode': 'sometimes',
    'iceberg.catalog.type': 'hive',
    'iceberg.control.commit.interval-ms': 'soon',
  };
  const message = await refusal(rig, broken);
  assert.match(message, /snapshot\.mode/);
  assert.match(message, /iceberg\.catalog\.type: must be one of rest, sql, jdbc/);
  assert.match(message, /soon for configuration iceberg\.control\.commit\.interval-ms/);
  const { status, body } = await rig.service.request('POST', '/connectors', {
    name: 'x',
    config: { 'connector.class': 'io.example.Nothing' },
  });
  assert.equal(status, 400);
  assert.match((body as { message: string }).message, /io\.example\.Nothing/);
  assert.match((body as { message: string }).message, /PostgresConnector/);
});

test('P-2 a server that goes away is waited for; the task says what it waits for', {
  timeout: 120_000,
}, async (t) => {
  const own = await startPostgres();
  t.after(() => own.stop());
  const rig = await Rig.create(t, { url: own.url });
  await rig.sql(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')`);
  await rig.start();
  await rig.caughtUp(`INSERT INTO t VALUES (2, 'two')`);
  await own.kill();
  const trace = await rig.service.untilTask(CONNECTOR, 'RESTARTING');
  assert.match(trace, /postgres\.connect: /);
  assert.match(trace, /database\.hostname, database\.port/);
  await own.restart();
  await rig.client.end().catch(() => undefined);
  rig.client = await connect(rig.url);
  await rig.caughtUp(`INSERT INTO t VALUES (3, 'three')`);
  await rig.requireEqual('t');
  await until('the task runs', async () => (await rig.service.task(CONNECTOR)).state === 'RUNNING');
});
