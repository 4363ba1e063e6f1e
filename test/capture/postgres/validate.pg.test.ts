import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Client } from 'pg';
import { validatePostgres } from '../../../src/capture/postgres/validate.ts';
import { type PostgresServer, startPostgres } from '../../services/postgres.ts';
import { afterFile } from '../../services/shared.ts';

let server: PostgresServer;
let config: Record<string, string>;
const { signal } = new AbortController();

before(async () => {
  server = await startPostgres({ hba: ['host all locked 127.0.0.1/32 scram-sha-256'] });
  afterFile(() => server.stop());
  const url = new URL(server.url);
  config = {
    'topic.prefix': 'p',
    'database.hostname': url.hostname,
    'database.port': url.port,
    'database.user': 'postgres',
    'database.dbname': 'postgres',
    'plugin.name': 'pgoutput',
  };
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query(`create role locked login password 'right'; create role plain login;
    create table t (id int primary key, a int not null)`);
  await client.end();
});

async function problems(changes: Record<string, string>): Promise<Record<string, readonly string[]>> {
  return Object.fromEntries(await validatePostgres({ ...config, ...changes }, signal));
}

test('a config that works has no errors', async () => {
  assert.deepEqual(await problems({}), {});
  assert.deepEqual(await problems({ sinks: 'iceberg' }), {});
});

test('static errors come first and in whole sentences', async () => {
  assert.deepEqual(await problems({ 'snapshot.max.threads': '0', 'database.port': '1' }), {
    'snapshot.max.threads': [
      "The 'snapshot.max.threads' value is invalid: A positive, non-zero integer value is expected",
    ],
  });
});

test('a server that is not there', async () => {
  assert.deepEqual(await problems({ 'database.hostname': '127.0.0.1', 'database.port': '1' }), {
    'database.hostname': [
      'Error while validating connector config: Connection to 127.0.0.1:1 refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.',
    ],
  });
});

test('a wrong password', async () => {
  assert.deepEqual(await problems({ 'database.user': 'locked', 'database.password': 'wrong' }), {
    'database.hostname': [
      'Error while validating connector config: FATAL: password authentication failed for user "locked"',
    ],
  });
});

test('a database that does not exist', async () => {
  assert.deepEqual(await problems({ 'database.dbname': 'nowhere' }), {
    'database.hostname': [
      'Error while validating connector config: FATAL: database "nowhere" does not exist',
    ],
  });
});

test('a role that may not replicate', async () => {
  assert.deepEqual(await problems({ 'database.user': 'plain' }), {
    'database.hostname': [
      'Error while validating connector config: Postgres roles LOGIN and REPLICATION are not assigned to user: plain',
    ],
  });
});

test('L-9 id columns that deletes do not carry, or that do not exist', async () => {
  const lacking = await problems({ sinks: 'iceberg', 'iceberg.table.public.t.id-columns': 'a' });
  assert.match(
    lacking['iceberg.table.public.t.id-columns'][0],
    /deletes of public\.t do not carry its whole key/,
  );
  const unknown = await problems({ sinks: 'iceberg', 'iceberg.table.public.t.id-columns': 'zz' });
  assert.match(unknown['iceberg.table.public.t.id-columns'][0], /key column of public\.t cannot be read/);
});

test('a wal_level that is not logical', async () => {
  const other = await startPostgres({ settings: { wal_level: 'replica' } });
  try {
    assert.deepEqual(await problems({ 'database.port': new URL(other.url).port }), {
      'database.hostname': [
        "Error while validating connector config: Postgres server wal_level property must be 'logical' but is: 'replica'",
      ],
    });
  } finally {
    await other.stop();
  }
});
