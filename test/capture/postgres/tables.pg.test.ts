import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import pino from 'pino';
import { parsePostgresConfig } from '../../../src/capture/postgres/config.ts';
import { createFilters } from '../../../src/capture/postgres/filters.ts';
import type { PostgresTable } from '../../../src/capture/postgres/schema.ts';
import { identityWarning, Tables, type TablesOptions } from '../../../src/capture/postgres/tables.ts';
import type { RelationMessage } from '../../../src/capture/postgres/wire/relation.ts';
import { until } from '../../harness/until.ts';
import { type TestDatabase, testDatabase } from '../../services/postgres.ts';

let database: TestDatabase;
let client: Client;
const open: Tables[] = [];

before(async () => {
  database = await testDatabase();
  client = await newClient();
});

after(async () => {
  for (const tables of open) await tables.close();
  await client?.end();
});

async function newClient(): Promise<Client> {
  const connected = new Client({ connectionString: database.url });
  await connected.connect();
  return connected;
}

function tablesOf(config: Record<string, string> = {}, options: Partial<TablesOptions> = {}): Tables {
  const parsed = parsePostgresConfig({
    'topic.prefix': 'p',
    'database.hostname': database.host,
    'database.user': database.user,
    'database.dbname': database.name,
    ...config,
  });
  assert.equal(parsed.errors.size, 0);
  const tables = new Tables({
    config: parsed.config,
    filters: createFilters(parsed.config),
    connect: newClient,
    keyOverride: () => null,
    lake: true,
    events: false,
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    ...options,
  });
  open.push(tables);
  return tables;
}

/** The Relation message that the server would send for the table as it is now. */
async function relationMessage(name: string): Promise<RelationMessage> {
  const relation = await client.query(
    `select c.oid::int8 as oid, n.nspname as schema, c.relname as table, c.relreplident as identity
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::regclass`,
    [name],
  );
  const columns = await client.query(
    `select attname as name, atttypid::int8 as type, atttypmod as typmod,
       exists (select from pg_index i where i.indrelid = attrelid and i.indisprimary and attnum = any(i.indkey)) as key
     from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [name],
  );
  const { oid, schema, table, identity } = relation.rows[0];
  return {
    oid: Number(oid),
    schema,
    table,
    replicaIdentity: identity,
    columns: columns.rows.map((row) => ({
      name: row.name,
      key: row.key || identity === 'f',
      typeOid: Number(row.type),
      typeModifier: row.typmod,
    })),
  };
}

test('discovery describes columns, key and what the stream will send', async () => {
  await client.query(`create schema d; create table d.orders (
    id int8 primary key, name varchar(20) not null default 'it''s', amount numeric(10,2), secret text,
    made timestamptz default now(), twice int8 generated always as (id * 2) stored)`);
  const tables = tablesOf({ 'schema.include.list': 'd', 'column.exclude.list': 'd.orders.secret' });
  const [table] = await tables.discover();
  assert.equal(table.name, 'd.orders');
  assert.deepEqual(
    table.columns.map(({ name, nullable }) => [name, nullable]),
    [
      ['id', false],
      ['name', false],
      ['amount', true],
      ['made', true],
    ],
  );
  assert.deepEqual(table.keyColumns, [0]);
  assert.deepEqual(table.beforeColumns, [0]);
  assert.deepEqual(
    table.columns.map(({ sourceId }) => sourceId),
    [1, 2, 3, 5],
  );
  assert.equal(Buffer.from(table.columns[1].defaultCell!).toString(), "it's");
  assert.equal(table.columns[3].defaultCell, null);
  assert.equal(table.columns[1].sourceType, 'character varying(20)');
});

test('P-3 an equal Relation message keeps the version, a changed table makes a new one', async () => {
  await client.query('create schema v; create table v.t (id int primary key, a text)');
  const versions: [PostgresTable, PostgresTable][] = [];
  const tables = tablesOf(
    { 'schema.include.list': 'v' },
    { onVersion: (previous, table) => versions.push([previous, table]) },
  );
  const [discovered] = await tables.discover();
  const first = await tables.relation(await relationMessage('v.t'));
  assert.equal(first!.table, discovered);
  assert.deepEqual([...first!.cellOf], [0, 1]);

  await client.query("insert into v.t values (1, 'x'); alter table v.t add column b int not null default 7");
  const second = (await tables.relation(await relationMessage('v.t')))!.table as PostgresTable;
  assert.equal(second.version, 2);
  assert.equal(second.columns[2].added, 'constant');
  assert.deepEqual([...second.columns[2].missingCell!], [0, 0, 0, 7]);
  assert.equal(second.columns[2].nullable, false);
  assert.deepEqual(versions, [[discovered, second]]);

  await client.query('alter table v.t add column c uuid default gen_random_uuid()');
  const third = (await tables.relation(await relationMessage('v.t')))!.table as PostgresTable;
  assert.equal(third.columns[3].added, 'rewritten');
  assert.equal(third.columns[1].added, 'none');
});

test('P-3 a table is asked for when the transaction that changed it is seen by all', async () => {
  await client.query('create schema late; create table late.t (id int primary key)');
  const tables = tablesOf({ 'schema.include.list': 'late' });
  const other = await newClient();
  await other.query('begin; alter table late.t add column b int default 7');
  const { rows } = await other.query('select pg_current_xact_id()::xid::text as xid');
  // What the log may say while others do not see the commit yet.
  const old = await relationMessage('late.t');
  const added = { name: 'b', key: false, typeOid: 23, typeModifier: -1 };
  const plan = tables.relation({ ...old, columns: [...old.columns, added] }, Number(rows[0].xid));
  const looks =
    "select 1 from pg_stat_activity where datname = current_database() and query like '%pg_current_snapshot()%'";
  await until('it looks', async () => (await client.query(`${looks} and pid <> pg_backend_pid()`)).rows[0]);
  await other.query('commit');
  await other.end();
  const [, column] = ((await plan)!.table as PostgresTable).columns;
  assert.deepEqual([...column!.defaultCell!], [0, 0, 0, 7]);
});

test('P-3 a missing value of any type is read as the server stores it', async () => {
  await client.query(`create schema m; create table m.t (id int primary key); insert into m.t values (1);
    alter table m.t add column n numeric(10,2) default 1.5, add column ts timestamptz default '2020-01-01 00:00+00',
      add column a text[] default '{x,"y z",NULL}', add column j jsonb default '{"k": "v,{}"}', add column s text default 'a"b\\c'`);
  const [table] = await tablesOf({ 'schema.include.list': 'm' }).discover();
  const { rows } = await client.query('select s, a, j from m.t');
  assert.deepEqual(rows[0], { s: 'a"b\\c', a: ['x', 'y z', null], j: { k: 'v,{}' } });
  assert.equal(Buffer.from(table.columns[5].missingCell!).toString(), 'a"b\\c');
  assert.equal(Buffer.from(table.columns[4].missingCell!).subarray(1).toString(), '{"k": "v,{}"}');
  assert.equal(table.columns.filter(({ missingCell }) => missingCell !== null).length, 5);
});

test('P-3 a Relation message older than the catalog keeps its attribute numbers', async () => {
  await client.query('create schema o; create table o.t (id int primary key, a text, b text, c text)');
  const tables = tablesOf({ 'schema.include.list': 'o' });
  const old = await relationMessage('o.t');
  await client.query(
    'alter table o.t rename column a to aa; alter table o.t drop column b; alter table o.t add column d int',
  );
  const table = (await tables.relation(old))!.table;
  assert.deepEqual(
    table.columns.map(({ name, sourceId }) => [name, sourceId]),
    [
      ['id', 1],
      ['a', 2],
      ['b', 3],
      ['c', 4],
    ],
  );
});

test('P-3 rows of a table that is dropped by now are still read', async () => {
  await client.query('create schema x; create table x.t (id int primary key, a text)');
  const tables = tablesOf({ 'schema.include.list': 'x' });
  const message = await relationMessage('x.t');
  await client.query('drop table x.t');
  const table = (await tables.relation(message))!.table;
  assert.deepEqual(
    table.columns.map(({ name }) => name),
    ['id', 'a'],
  );
});

test('L-9 the key is what the configuration names, else the primary key, else the replica index', async () => {
  await client.query(`create schema k; create table k.a (x int primary key, y int not null);
    create table k.b (x int not null, y int); create unique index b_x on k.b (x);
    alter table k.b replica identity using index b_x; create table k.c (x int, y int);
    create table k.d (x int primary key, y int); alter table k.d replica identity full`);
  const keys = async (
    config: Record<string, string>,
    keyOverride: TablesOptions['keyOverride'] = () => null,
  ) => {
    const tables = await tablesOf({ 'schema.include.list': 'k', ...config }, { keyOverride }).discover();
    return tables.map((table) => [table.name, table.keyColumns.map((i) => table.columns[i].name)]);
  };
  assert.deepEqual(await keys({}), [
    ['k.a', ['x']],
    ['k.b', ['x']],
    ['k.c', []],
    ['k.d', ['x']],
  ]);
  assert.deepEqual((await keys({ 'message.key.columns': 'k.d:y' }))[3], ['k.d', ['y']]);
  assert.deepEqual((await keys({}, (name) => (name === 'k.d' ? ['y', 'x'] : null)))[3], ['k.d', ['y', 'x']]);
});

test('L-9 a key that deletes do not carry, or that cannot be read, is a fault of its table alone', async () => {
  await client.query(`create schema r; create table r.a (x int primary key, y int not null);
    create table r.b (x int primary key); create table r.c (x int primary key)`);
  const tables = tablesOf({ 'schema.include.list': 'r', 'message.key.columns': 'r.a:y;r.b:z' });
  const found = await tables.discover();
  assert.deepEqual(
    found.map(({ name, fault }) => [name, fault?.code ?? null]),
    [
      ['r.a', 'table.key-not-in-image'],
      ['r.b', 'table.unsupported-type'],
      ['r.c', null],
    ],
  );
});

test('P-5 tables whose updates would fail at the source are named', async () => {
  await client.query(`create schema w; create table w.a (x int primary key); create table w.b (x int);
    create table w.c (x int primary key); alter table w.c replica identity nothing;
    create table w.d (x int); alter table w.d replica identity full`);
  const tables = await tablesOf({ 'schema.include.list': 'w' }).discover();
  const warnings = tables.map((table) => identityWarning(table)?.split(';')[0] ?? null);
  assert.deepEqual(warnings, [null, 'w.b has no primary key', 'w.c has replica identity NOTHING', null]);
});

test('P-5 a partitioned table is one table in the lake, its parts are the tables otherwise', async () => {
  await client.query(`create schema p; create table p.t (id int, d date, primary key (id, d)) partition by range (d);
    create table p.t1 partition of p.t for values from ('2020-01-01') to ('2021-01-01');
    create table p.t2 (d date not null, id int not null); alter table p.t attach partition p.t2 for values from ('2021-01-01') to ('2022-01-01')`);
  const lake = tablesOf({ 'schema.include.list': 'p' });
  assert.deepEqual(
    (await lake.discover()).map(({ name, withChildren }) => [name, withChildren]),
    [['p.t', true]],
  );
  const plan = (await lake.relation(await relationMessage('p.t2')))!;
  assert.equal(plan.table.name, 'p.t');
  assert.deepEqual([...plan.cellOf], [1, 0]);
  const kafka = tablesOf({ 'schema.include.list': 'p' }, { lake: false });
  assert.deepEqual(
    (await kafka.captured()).map(({ fullName }) => fullName),
    ['p.t1', 'p.t2'],
  );
});

test('a column of an unknown type is left out and said to be', async () => {
  await client.query(
    'create schema u; create type u.pair as (a int, b int); create table u.t (id int primary key, p u.pair)',
  );
  const [table] = await tablesOf({ 'schema.include.list': 'u' }).discover();
  assert.deepEqual(
    table.columns.map(({ name }) => name),
    ['id'],
  );
  assert.match(table.omitted.get('p')!, /composite/);
});

test('columns outside the publication are not part of the table', async () => {
  await client.query(`create schema q; create table q.t (id int primary key, a int, b int);
    create publication only_a for table q.t (id, a)`);
  const [table] = await tablesOf({ 'schema.include.list': 'q', 'publication.name': 'only_a' }).discover();
  assert.deepEqual(
    table.columns.map(({ name }) => name),
    ['id', 'a'],
  );
});
