import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { IcestreamError } from '../../../src/base/errors.ts';
import { openCatalog } from '../../../src/iceberg/catalog/open.ts';
import { parseSqlUri } from '../../../src/iceberg/catalog/sql-uri.ts';
import { hasCode } from '../../contract/catalog.ts';
import { createTable, openLake } from '../lake.ts';

test('uris of both worlds name the same places', () => {
  const file = (path: string) => ({ kind: 'sqlite', path });
  assert.deepEqual(parseSqlUri('jdbc:sqlite:/a/b.db', {}), file('/a/b.db'));
  assert.deepEqual(parseSqlUri('jdbc:sqlite:file:/a/b.db?cache=shared', {}), file('/a/b.db'));
  assert.deepEqual(parseSqlUri('sqlite:////a/b.db', {}), file('/a/b.db'));
  assert.deepEqual(parseSqlUri('sqlite:///rel.db', {}), file(join(process.cwd(), 'rel.db')));
  assert.deepEqual(parseSqlUri('sqlite+pysqlite:////a/b.db', {}), file('/a/b.db'));
  const server = {
    kind: 'postgres',
    host: 'h',
    port: 5433,
    database: 'd',
    user: 'u@x',
    password: 'p/w',
    sslmode: 'prefer',
  };
  for (const uri of [
    'jdbc:postgresql://h:5433/d?user=u%40x&password=p%2Fw',
    'postgresql://u%40x:p%2Fw@h:5433/d',
    'postgresql+psycopg2://u%40x:p%2Fw@h:5433/d',
    'postgres://u%40x:p%2Fw@h:5433/d',
  ]) {
    assert.deepEqual(parseSqlUri(uri, {}), server, uri);
  }
  const apart = { 'jdbc.user': 'u@x', 'jdbc.password': 'p/w', sslmode: 'require' };
  assert.deepEqual(parseSqlUri('jdbc:postgresql://h:5433/d', apart), { ...server, sslmode: 'require' });
  assert.equal(parseSqlUri('postgresql://h/d', {}).kind, 'postgres');
});

test('a uri that is not understood is refused without showing what may be a password', () => {
  for (const uri of [
    '',
    'mysql://root:hunter2@h/d',
    'postgresql://u:hunter2@h:port/d',
    'sqlite://',
    'jdbc:sqlite::memory:',
  ]) {
    assert.throws(
      () => parseSqlUri(uri, {}),
      (error) => {
        assert.ok(error instanceof IcestreamError);
        assert.equal(error.code, 'config.invalid');
        assert.doesNotMatch(JSON.stringify([error.message, error.context, String(error.cause)]), /hunter2/);
        return true;
      },
    );
  }
});

test('an unknown type of catalog is refused', async () => {
  await assert.rejects(openCatalog('x', { type: 'hive' }), hasCode('config.invalid'));
});

test('a catalog file of the older schema version, without types, is used as it is', async () => {
  await using lake = await openLake();
  const file = join(lake.folder, 'old.db');
  const old = new DatabaseSync(file);
  old.exec(`CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
    PRIMARY KEY (catalog_name, table_namespace, table_name))`);
  const catalog = await openCatalog('lake', {
    type: 'sql',
    uri: `sqlite:///${file}`,
    warehouse: lake.folder,
  });
  const table = await createTable(catalog, 't');
  const set = { action: 'set-properties', updates: { a: 'b' } } as const;
  await catalog.commit([{ ident: table.ident, requirements: [], updates: [set] }]);
  const row = old.prepare('SELECT * FROM iceberg_tables').get();
  assert.equal(row?.['previous_metadata_location'], table.metadataLocation);
  await catalog.close();
  old.close();
});

test('views and other catalogs in the same file are left alone', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  const file = new DatabaseSync(join(lake.folder, 'catalog.db'));
  const insert = file.prepare('INSERT INTO iceberg_tables VALUES (?, ?, ?, ?, NULL, ?)');
  insert.run('lake', 'shop', 'a_view', table.metadataLocation, 'VIEW');
  insert.run('lake', 'shop', 'untyped', table.metadataLocation, null);
  insert.run('other', 'shop', 'foreign', table.metadataLocation, 'TABLE');
  file.close();
  const names = (await lake.catalog.list(['shop'])).map((ident) => ident.name);
  assert.deepEqual(names, ['t', 'untyped']);
  const ident = { namespace: ['shop'], name: 'a_view' };
  await assert.rejects(lake.catalog.load(ident), hasCode('iceberg.table-not-found'));
  await assert.rejects(lake.catalog.drop(ident), hasCode('iceberg.table-not-found'));
});

test('a change that others made in between without touching what is required is no conflict', async () => {
  await using lake = await openLake();
  const other = await lake.reopen();
  const table = await createTable(lake.catalog, 't');
  await other.load(table.ident);
  const set = (key: string) => ({
    ident: table.ident,
    requirements: [{ type: 'assert-table-uuid' as const, uuid: table.metadata['table-uuid'] }],
    updates: [{ action: 'set-properties' as const, updates: { [key]: 'x' } }],
  });
  await Promise.all(['a', 'b', 'c', 'd'].map((key, i) => (i % 2 ? other : lake.catalog).commit([set(key)])));
  const after = await lake.catalog.load(table.ident);
  assert.deepEqual(Object.keys(after.metadata.properties ?? {}).sort(), ['a', 'b', 'c', 'd']);
  // Every metadata file on disk is in the history: the losers' have been removed.
  const files = readdirSync(join(table.metadata.location, 'metadata'));
  assert.equal(files.length, 5);
});

test('old metadata files go where the table asks for it', async () => {
  await using lake = await openLake();
  const properties = {
    'write.metadata.previous-versions-max': '2',
    'write.metadata.delete-after-commit.enabled': 'true',
  };
  const table = await createTable(lake.catalog, 't', { properties });
  for (let i = 0; i < 6; i++) {
    const updates = [{ action: 'set-properties' as const, updates: { i: String(i) } }];
    await lake.catalog.commit([{ ident: table.ident, requirements: [], updates }]);
  }
  assert.equal(readdirSync(join(table.metadata.location, 'metadata')).length, 3);
});

test('a commit waits while another process holds the lock, and an abort ends the wait with nothing done', async () => {
  await using lake = await openLake();
  const table = await createTable(lake.catalog, 't');
  const blocker = new DatabaseSync(join(lake.folder, 'catalog.db'));
  blocker.exec('BEGIN IMMEDIATE');
  const set = (value: string) => ({
    ident: table.ident,
    requirements: [],
    updates: [{ action: 'set-properties' as const, updates: { value } }],
  });
  const stop = new AbortController();
  const aborted = lake.catalog.commit([set('aborted')], stop.signal);
  stop.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  const waiting = lake.catalog.commit([set('waited')]);
  await nextTurn();
  blocker.exec('ROLLBACK');
  blocker.close();
  const [after] = await waiting;
  assert.equal(after.metadata.properties?.['value'], 'waited');
});

test('a file that is no catalog is refused with its path', async () => {
  await using lake = await openLake();
  const { writeFileSync } = await import('node:fs');
  const file = join(lake.folder, 'not.db');
  writeFileSync(file, 'this is no database, but it is long enough to be looked at as one'.repeat(30));
  await assert.rejects(
    openCatalog('x', { type: 'sql', uri: `sqlite:///${file}`, warehouse: lake.folder }),
    (error) => {
      hasCode('iceberg.catalog-error')(error);
      assert.equal((error as IcestreamError).context['path'], file);
      return true;
    },
  );
});
