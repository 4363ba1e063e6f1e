import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Client } from 'pg';
import type { PostgresOffset } from '../../../src/capture/postgres/offset.ts';
import { type TestDatabase, testDatabase } from '../../services/postgres.ts';
import { Capture, clientOf, configFor } from './capture.ts';
import { UNCHANGED } from './plain.ts';

let database: TestDatabase;
let client: Client;
let slots = 0;
const open: Capture[] = [];

before(async () => {
  database = await testDatabase();
  client = await clientOf(database.url);
  // Every larger transaction is streamed before its end.
  await client.query(`ALTER DATABASE ${database.name} SET logical_decoding_work_mem = '64kB'`);
});

after(() => client.end());

afterEach(async () => {
  for (const capture of open.splice(0)) await capture.close();
});

/** A stream of the named tables from now on: its slot is there when this resolves. */
async function streaming(
  tables: readonly string[],
  overrides: Readonly<Record<string, string>> = {},
  from: PostgresOffset | null = null,
  memoryBytes?: number,
): Promise<Capture> {
  const slot = overrides['slot.name'] ?? `s${process.pid}_${slots++}`;
  const config = configFor(database, {
    'slot.name': slot,
    'publication.name': slot,
    'table.include.list': tables.map((table) => `public\\.${table}`).join(','),
    ...overrides,
  });
  if (from === null) {
    await client.query(`CREATE PUBLICATION ${slot} FOR TABLE ${tables.join(', ')}`);
    await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  }
  const capture = await Capture.open(config, from, memoryBytes);
  open.push(capture);
  return capture;
}

test('inserts, updates and deletes come with the images that the replica identity gives', async () => {
  await client.query(`
    CREATE TABLE plain (id int PRIMARY KEY, a text, b int);
    CREATE TABLE whole (id int PRIMARY KEY, a text); ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE other (id int, code text NOT NULL UNIQUE, a text);
    ALTER TABLE other REPLICA IDENTITY USING INDEX other_code_key;
    CREATE TABLE bare (a text); ALTER TABLE bare REPLICA IDENTITY NOTHING`);
  const capture = await streaming(['plain', 'whole', 'other', 'bare']);
  const first = capture.next();
  await client.query(`
    INSERT INTO plain VALUES (1, 'x', NULL); UPDATE plain SET a = 'y'; UPDATE plain SET id = 2; DELETE FROM plain;
    INSERT INTO whole VALUES (1, 'x'); UPDATE whole SET a = 'y'; DELETE FROM whole;
    INSERT INTO other VALUES (1, 'k', 'x'); UPDATE other SET code = 'l'; DELETE FROM other;
    INSERT INTO bare VALUES ('x')`);
  await first;
  const rows = await capture.until(11);
  const seen = rows.map(({ op, table, before, after }) => [table.slice(7), op, before, after]);
  assert.deepEqual(seen, [
    ['plain', 'c', null, { id: 1, a: 'x', b: null }],
    ['plain', 'u', null, { id: 1, a: 'y', b: null }],
    ['plain', 'u', { id: 1, a: null, b: null }, { id: 2, a: 'y', b: null }],
    ['plain', 'd', { id: 2, a: null, b: null }, null],
    ['whole', 'c', null, { id: 1, a: 'x' }],
    ['whole', 'u', { id: 1, a: 'x' }, { id: 1, a: 'y' }],
    ['whole', 'd', { id: 1, a: 'y' }, null],
    ['other', 'c', null, { id: 1, code: 'k', a: 'x' }],
    ['other', 'u', { id: null, code: 'k', a: null }, { id: 1, code: 'l', a: 'x' }],
    ['other', 'd', { id: null, code: 'l', a: null }, null],
    ['bare', 'c', null, { a: 'x' }],
  ]);
  assert.equal(new Set(rows.map(({ transaction }) => transaction)).size, 1);
  assert.equal(capture.batches[0].transactions[0].offset.compare(capture.offset!), 0);
});

test('P-6 an unchanged TOAST value is marked as such, not NULL', async () => {
  await client.query(`CREATE TABLE toasted (id int PRIMARY KEY, a text, b int);
    ALTER TABLE toasted ALTER a SET STORAGE EXTERNAL`);
  const capture = await streaming(['toasted']);
  const first = capture.next();
  await client.query("INSERT INTO toasted VALUES (1, repeat('x', 10000), 1)");
  await client.query('UPDATE toasted SET b = 2');
  await first;
  const rows = await capture.until(2);
  assert.equal((rows[0].after!['a'] as string).length, 10000);
  assert.equal(rows[1].after!['a'], UNCHANGED);
  assert.equal(rows[1].after!['b'], 2);
});

test('truncate is a row of each table, in order', async () => {
  await client.query('CREATE TABLE t1 (id int PRIMARY KEY); CREATE TABLE t2 (id int PRIMARY KEY)');
  const capture = await streaming(['t1', 't2']);
  const first = capture.next();
  await client.query('INSERT INTO t1 VALUES (1); TRUNCATE t1, t2; INSERT INTO t2 VALUES (2)');
  await first;
  const rows = await capture.until(4);
  assert.deepEqual(rows.map(({ op, table }) => `${op} ${table}`).sort(), [
    'c public.t1',
    'c public.t2',
    't public.t1',
    't public.t2',
  ]);
  assert.deepEqual([rows[0].op, rows[3].op], ['c', 'c']);
});

test('P-1 a transaction larger than the server wants to hold is released at its commit, without rolled-back parts', async () => {
  await client.query(
    'CREATE TABLE large (id int PRIMARY KEY, a text); CREATE TABLE small (id int PRIMARY KEY)',
  );
  const capture = await streaming(['large', 'small']);
  const first = capture.next();
  const writer = await clientOf(database.url);
  const loader = await clientOf(database.url);
  await loader.query('BEGIN');
  const insert = (from: number, to: number) =>
    loader.query(`INSERT INTO large SELECT i, repeat('x', 1000) FROM generate_series(${from}, ${to}) i`);
  await insert(1, 6000);
  await loader.query('SAVEPOINT s1');
  await insert(10_001, 16_000);
  await writer.query('INSERT INTO small VALUES (1)');
  await first;
  assert.deepEqual(
    (await capture.until(1)).map(({ table }) => table),
    ['public.small'],
  );
  assert.ok(capture.metrics.spooledBytes > 12_000_000);
  await loader.query('ROLLBACK TO SAVEPOINT s1');
  await insert(6001, 7000);
  await loader.query('COMMIT');
  await writer.end();
  await loader.end();
  const rows = await capture.until(7001);
  assert.deepEqual(
    rows.slice(1).map(({ after }) => after!['id']),
    Array.from({ length: 7000 }, (_, i) => i + 1),
  );
  assert.ok(
    capture.batches.some(({ offset }) => offset === null),
    'a large transaction spans batches',
  );
  assert.equal(capture.metrics.spooledBytes, 0);
});

test('a restart goes on behind the last durable transaction', async () => {
  await client.query('CREATE TABLE resumed (id int PRIMARY KEY)');
  const overrides = { 'slot.name': `resume${process.pid}` };
  const before = await streaming(['resumed'], overrides);
  const first = before.next();
  await client.query('INSERT INTO resumed VALUES (1)');
  await first;
  await before.until(1);
  const durable = before.offset!;
  await client.query('INSERT INTO resumed VALUES (2)');
  await before.until(2);
  await before.close();
  const again = await streaming(['resumed'], overrides, durable);
  const rows = await again.until(1);
  assert.deepEqual(
    rows.map(({ after }) => after!['id']),
    [2],
  );
});
