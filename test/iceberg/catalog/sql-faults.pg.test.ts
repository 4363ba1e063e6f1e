import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Catalog, LoadedTable } from '../../../src/iceberg/catalog/catalog.ts';
import { openCatalog } from '../../../src/iceberg/catalog/open.ts';
import { snapshotById } from '../../../src/iceberg/metadata.ts';
import { prepareSnapshot } from '../../../src/iceberg/snapshot.ts';
import { hasCode } from '../../contract/catalog.ts';
import { testDatabase } from '../../services/postgres.ts';
import { type Proxy as NetworkProxy, startTcpProxy } from '../../services/proxy.ts';
import { createTable, fileEntry } from '../lake.ts';

// The connection to a catalog in PostgreSQL breaks at every moment of a commit.

const folder = mkdtempSync(join(tmpdir(), 'icestream-sql-'));
const database = await testDatabase();
let proxy: NetworkProxy;
let admin: pg.Client;
let catalog: Catalog;
/** The lock that holds the catalog's statements up, see `holdUp`. */
const LOCK = 4711;

before(async () => {
  proxy = await startTcpProxy(`${database.host}:${database.port}`);
  const uri = new URL(database.url);
  uri.port = String(proxy.port);
  catalog = await openCatalog('lake', { type: 'sql', uri: uri.href, warehouse: join(folder, 'warehouse') });
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(${LOCK}); RETURN NEW; END'`);
});
after(async () => {
  await catalog.close();
  await admin.end();
  await proxy.close();
  rmSync(folder, { recursive: true, force: true });
});

test('O-5 a connection lost while committing leaves the outcome unknown, and the snapshot id tells', async () => {
  const table = await createTable(catalog, 'unknown');
  const { prepared, commit } = await startCommit(table);
  const release = await holdUp(
    'CONSTRAINT TRIGGER hold AFTER UPDATE ON iceberg_tables DEFERRABLE INITIALLY DEFERRED',
  );
  const outcome = commit();
  await someoneWaits();
  proxy.cut();
  await assert.rejects(outcome, hasCode('iceberg.commit-unknown'));
  await release();
  // The server had everything it needed. It commits although nobody listens.
  const found = await until(async () => {
    const now = await catalog.load(table.ident);
    return snapshotById(now.metadata, prepared.snapshotId) === null ? null : now;
  });
  assert.equal(found.metadata['current-snapshot-id'], prepared.snapshotId);
  await prepared.settle(found);
});

test('a connection lost before the commit is catalog-unreachable: nothing happened, nothing is left', async () => {
  const table = await createTable(catalog, 'before');
  const { commit } = await startCommit(table);
  const release = await holdUp('TRIGGER hold BEFORE UPDATE ON iceberg_tables');
  const outcome = commit();
  await someoneWaits();
  proxy.cut();
  await assert.rejects(outcome, hasCode('iceberg.catalog-unreachable'));
  await release();
  assert.equal((await catalog.load(table.ident)).metadataLocation, table.metadataLocation);
  const files = readdirSync(join(table.metadata.location, 'metadata'));
  assert.equal(files.filter((name) => name.endsWith('.metadata.json')).length, 1);
});

test('an abort while committing is an unknown outcome, too; one before it an abort', async () => {
  const table = await createTable(catalog, 'aborted');
  const late = await startCommit(table);
  const release = await holdUp(
    'CONSTRAINT TRIGGER hold AFTER UPDATE ON iceberg_tables DEFERRABLE INITIALLY DEFERRED',
  );
  const stop = new AbortController();
  const outcome = late.commit(stop.signal);
  await someoneWaits();
  stop.abort();
  await assert.rejects(outcome, hasCode('iceberg.commit-unknown'));
  await release();
  const now = await until(async () => {
    const loaded = await catalog.load(table.ident);
    return loaded.metadataLocation === table.metadataLocation ? null : loaded;
  });
  const early = await startCommit(now);
  const releaseEarly = await holdUp('TRIGGER hold BEFORE UPDATE ON iceberg_tables');
  const stopEarly = new AbortController();
  const aborted = early.commit(stopEarly.signal);
  await someoneWaits();
  stopEarly.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  await releaseEarly();
  assert.equal((await catalog.load(table.ident)).metadataLocation, now.metadataLocation);
});

test('a server that is gone is catalog-unreachable, and the catalog works again when it is back', async () => {
  const table = await createTable(catalog, 'gone');
  await proxy.refuse();
  await assert.rejects(catalog.load(table.ident), hasCode('iceberg.catalog-unreachable'));
  await assert.rejects((await startCommit(table)).commit(), hasCode('iceberg.catalog-unreachable'));
  await proxy.heal();
  await (await startCommit(table)).commit();
});

test('a wrong database or user is refused, and no password is shown', async () => {
  const uri = new URL(database.url);
  uri.pathname = '/missing';
  uri.password = 'hunter2';
  await assert.rejects(openCatalog('lake', { type: 'sql', uri: uri.href, warehouse: folder }), (error) => {
    hasCode('iceberg.catalog-refused')(error);
    assert.doesNotMatch(
      JSON.stringify([(error as Error).message, (error as { context: unknown }).context]),
      /hunter2/,
    );
    return true;
  });
});

test('O-4 groups that share tables in another order do not wait for each other for ever', async () => {
  const tables = [await createTable(catalog, 'one'), await createTable(catalog, 'two')];
  const other = await openCatalog('lake', { type: 'jdbc', uri: `jdbc:${database.url}`, warehouse: folder });
  const set = (table: LoadedTable, value: string) => ({
    ident: table.ident,
    requirements: [],
    updates: [{ action: 'set-properties' as const, updates: { value } }],
  });
  for (let i = 0; i < 10; i++) {
    const forth = catalog.commit(tables.map((table) => set(table, `forth ${i}`)));
    const back = other.commit(tables.toReversed().map((table) => set(table, `back ${i}`)));
    await Promise.all([forth, back]);
    const values = await Promise.all(
      tables.map(async (table) => (await other.load(table.ident)).metadata.properties?.['value']),
    );
    assert.equal(values[0], values[1], 'both tables are from the same group');
  }
  await other.close();
});

async function startCommit(table: LoadedTable) {
  const prepared = await prepareSnapshot(table, {
    dataFiles: [fileEntry('data')],
    deleteFiles: [],
    summary: {},
  });
  const attempt = await prepared.attempt(table);
  return { prepared, commit: (signal?: AbortSignal) => catalog.commit([attempt], signal) };
}

/** From now on the named trigger makes updates wait; the answer lets them go and removes the trigger. */
async function holdUp(trigger: string): Promise<() => Promise<void>> {
  await admin.query(`CREATE ${trigger} FOR EACH ROW EXECUTE FUNCTION hold()`);
  await admin.query(`SELECT pg_advisory_lock(${LOCK})`);
  return async () => {
    await admin.query(`SELECT pg_advisory_unlock(${LOCK})`);
    await admin.query('DROP TRIGGER hold ON iceberg_tables');
  };
}

/** Until a statement of the catalog waits for the lock. */
async function someoneWaits(): Promise<void> {
  await until(async () => {
    const { rows } = await admin.query(
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    return rows.length > 0 ? true : null;
  });
}

/** PostgreSQL tells nobody about the state of its locks: it has to be asked. */
async function until<T>(ask: () => Promise<T | null>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const answer = await ask();
    if (answer !== null) return answer;
    await delay(20);
  }
  throw new Error('what was waited for did not come');
}
