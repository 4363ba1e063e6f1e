import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { POSTGRES_VERSIONS, startPostgres, testDatabase } from './postgres.ts';
import { startTcpProxy } from './proxy.ts';

for (const version of POSTGRES_VERSIONS) {
  test(`PostgreSQL ${version} keeps committed rows and slots through kill -9`, async () => {
    const server = await startPostgres({ version, settings: { wal_keep_size: '64MB' } });
    try {
      await query(server.url, 'CREATE TABLE t AS SELECT 7 AS n');
      await query(server.url, "SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
      await server.kill();
      await assert.rejects(query(server.url, 'SELECT 1'), { code: 'ECONNREFUSED' });
      await server.restart();
      assert.deepEqual(await query(server.url, 'SELECT n FROM t'), [{ n: 7 }]);
      assert.deepEqual(await query(server.url, 'SELECT slot_name FROM pg_replication_slots'), [
        { slot_name: 's' },
      ]);
      assert.deepEqual(await query(server.url, 'SHOW wal_keep_size'), [{ wal_keep_size: '64MB' }]);
      const [{ server_version: text }] = await query(server.url, 'SHOW server_version');
      assert.equal(Number.parseInt(text, 10), version);
    } finally {
      await server.stop();
    }
  });
}

test('a database of the shared server works through a TCP proxy until it is cut', async () => {
  const database = await testDatabase();
  const proxy = await startTcpProxy(`${database.host}:${database.port}`);
  try {
    const url = database.url.replace(String(database.port), String(proxy.port));
    assert.deepEqual(await query(url, 'SELECT current_database() AS name'), [{ name: database.name }]);
    await proxy.refuse();
    await assert.rejects(query(url, 'SELECT 1'), { code: 'ECONNREFUSED' });
  } finally {
    await proxy.close();
  }
});

async function query(url: string, sql: string): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
