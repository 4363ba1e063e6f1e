import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import pino from 'pino';
import { TaskMetrics } from '../../../../src/base/metrics.ts';
import { parsePostgresConfig } from '../../../../src/capture/postgres/config.ts';
import { createFilters } from '../../../../src/capture/postgres/filters.ts';
import { LSN_NONE } from '../../../../src/capture/postgres/lsn.ts';
import { PostgresOffset } from '../../../../src/capture/postgres/offset.ts';
import { type SnapshotOptions, snapshotReader } from '../../../../src/capture/postgres/snapshot/index.ts';
import { ReadProgress } from '../../../../src/capture/postgres/snapshot/progress.ts';
import { Tables } from '../../../../src/capture/postgres/tables.ts';
import { batchMemory, type ChangeBatch, MAY_EXIST, Op } from '../../../../src/record/batch.ts';
import { type TestDatabase, testDatabase } from '../../../services/postgres.ts';

let database: TestDatabase;
let client: Client;
const signal = new AbortController().signal;

before(async () => {
  database = await testDatabase();
  client = await newClient();
});

after(() => client?.end());

async function newClient(): Promise<Client> {
  const connected = new Client({ connectionString: database.url });
  connected.on('error', () => {});
  await connected.connect();
  return connected;
}

interface Run {
  readonly batches: ChangeBatch[];
  /** First cell as text, per table. */
  readonly rows: Map<string, string[]>;
  readonly marks: string[];
  readonly offsets: PostgresOffset[];
  readonly metrics: TaskMetrics;
}

/** Reads a snapshot; `stopAfter` says when to break off, as a crash would. */
async function run(
  config: Record<string, string>,
  options: {
    progress?: ReadProgress | null;
    exported?: string;
    replace?: boolean;
    memoryBytes?: number;
    stopAfter?: (run: Run) => boolean;
  } = {},
): Promise<Run> {
  const parsed = parsePostgresConfig({
    'topic.prefix': 'p',
    'database.hostname': database.host,
    'database.user': database.user,
    'database.dbname': database.name,
    ...config,
  });
  assert.deepEqual(Object.fromEntries(parsed.errors), {});
  const filters = createFilters(parsed.config);
  const log = pino({ level: 'silent' });
  const common = { config: parsed.config, filters, connect: newClient, log };
  const tables = new Tables({ ...common, keyOverride: () => null, lake: true, events: false, signal });
  const metrics = new TaskMetrics();
  const reader = snapshotReader({
    ...common,
    tables: () => tables.discover(),
    replace: options.replace ?? false,
    notifications: null,
    metrics,
    memoryBytes: options.memoryBytes ?? 64 << 20,
  } satisfies SnapshotOptions);
  const result: Run = { batches: [], rows: new Map(), marks: [], offsets: [], metrics };
  const offset = (progress: unknown, mayExistUntil: bigint, timestampMicros: number) =>
    new PostgresOffset({
      epoch: 0,
      lsn: 100n,
      txId: null,
      timestampMicros,
      initialSnapshot: progress !== null,
      progress: progress as ReadProgress | null,
      mayExistUntil,
    });
  const snapshot = {
    exportedSnapshot: options.exported ?? null,
    consistentPoint: 100n,
    progress: options.progress ?? null,
    offset,
    signal,
  };
  try {
    for await (const batch of reader(snapshot)) {
      collect(result, batch);
      if (options.stopAfter?.(result)) break;
    }
  } finally {
    await tables.close();
  }
  return result;
}

function collect(run: Run, batch: ChangeBatch): void {
  run.batches.push(batch);
  for (const { table, kind, replace } of batch.tableMarks) {
    run.marks.push(`${kind} ${table.name}${replace ? ' replace' : ''}`);
  }
  for (let row = 0; row < batch.rowCount; row++) {
    const table = batch.tables[batch.tableOf[row]];
    assert.equal(batch.op[row], Op.read);
    const cell = batch.after[row];
    const start = batch.cellStart[cell];
    const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset + start, batch.cellLength[cell]);
    const { kind } = table.columns[0].type;
    const text =
      kind === 'int32'
        ? String(bytes.readInt32BE())
        : kind === 'int64'
          ? String(bytes.readBigInt64BE())
          : bytes.toString();
    let rows = run.rows.get(table.name);
    if (rows === undefined) run.rows.set(table.name, (rows = []));
    rows.push(text);
  }
  if (batch.offset !== null) run.offsets.push(batch.offset as PostgresOffset);
}

async function expectedKeys(sql: string): Promise<string[]> {
  const { rows } = await client.query({ text: sql, rowMode: 'array' });
  return rows.map(([key]) => String(key)).sort();
}

function assertSameRows(actual: readonly string[] | undefined, expected: readonly string[]): void {
  const sorted = [...(actual ?? [])].sort();
  assert.equal(sorted.length, expected.length);
  assert.deepEqual(sorted, expected);
}

test('P-4 every row of every table is read once, with marks around each table and an offset at the end', async () => {
  await client.query(`create schema a; create table a.keyed (id int8 primary key, v text);
    insert into a.keyed select i, repeat('x', i % 50) from generate_series(1, 5000) i;
    create table a.plain (v text); insert into a.plain select 'row ' || i from generate_series(1, 1000) i;
    create table a.empty (id int primary key)`);
  for (const threads of ['1', '3']) {
    const result = await run({ 'schema.include.list': 'a', 'snapshot.max.threads': threads });
    assertSameRows(result.rows.get('a.keyed'), await expectedKeys('select id from a.keyed'));
    assertSameRows(result.rows.get('a.plain'), await expectedKeys('select v from a.plain'));
    assert.deepEqual(result.marks.toSorted(), [
      'snapshot-end a.empty',
      'snapshot-end a.keyed',
      'snapshot-end a.plain replace',
      'snapshot-start a.empty',
      'snapshot-start a.keyed',
      'snapshot-start a.plain replace',
    ]);
    const last = result.offsets.at(-1)!;
    assert.equal(last.progress, null);
    assert.equal(result.metrics.table('a.keyed').rowsSnapshot, 5000);
    assert.ok(result.metrics.table('a.plain').snapshotDone);
  }
});

for (const [name, ddl, key] of [
  ['integers with holes', 'id int8 primary key, v text', 'i::int8 * i * 1000003 - 4000000000000'],
  ['texts', 'id text primary key, v text', `'k' || lpad(i::text, 9, '0') || '''\\'`],
  ['pairs', 'id text, n int, v text, primary key (n, id)', `(i % 7)::text`],
] as const) {
  test(`P-4 key ranges of ${name} cover the table, and a restart reads only what is left`, async () => {
    const schema = `k${name.slice(0, 3)}`;
    const values =
      name === 'pairs'
        ? `select ${key}, i / 7, repeat('v', 2000) || random()`
        : `select ${key}, repeat('v', 2000) || random()`;
    await client.query(`create schema ${schema}; create table ${schema}.t (${ddl});
      alter table ${schema}.t alter v set storage external;
      insert into ${schema}.t ${values} from generate_series(0, 99999) i; analyze ${schema}.t`);
    const config = { 'schema.include.list': schema, 'snapshot.max.threads': '2' };
    const expected = await expectedKeys(`select id from ${schema}.t`);
    const chunksDone = ({ offsets }: Run) => offsets.length >= 2;
    const first = await run(config, { stopAfter: chunksDone, memoryBytes: 4 << 20 });
    const resume = first.offsets.at(-1)!.progress as ReadProgress;
    assert.ok(resume.isBegun(`${schema}.t`, Number(first.batches[0].tableMarks[0].table.sourceId)));

    const second = await run(config, { progress: ReadProgress.parse(resume.toText()) });
    assert.ok(
      second.batches.every(({ flags, rowCount }) =>
        flags.subarray(0, rowCount).every((flag) => flag === MAY_EXIST),
      ),
    );
    const durable = first.batches
      .filter(({ transactions }) =>
        transactions.some(({ offset }) => resume.holds((offset as PostgresOffset).progress!, `${schema}.t`)),
      )
      .reduce((sum, { rowCount }) => sum + rowCount, 0);
    const reread = second.rows.get(`${schema}.t`)!.length;
    assert.equal(durable + reread, expected.length);
    assert.ok(durable > 0 && reread > 0);
    assert.ok(second.offsets.at(-1)!.mayExistUntil > LSN_NONE);
  });
}

test('P-4 a table without a usable key order is read by pages and starts over after a crash', async () => {
  await client.query(`create schema c; create table c.t (id uuid primary key, v text);
    insert into c.t select gen_random_uuid(), repeat('v', 900) || i from generate_series(1, 100000) i; analyze c.t`);
  const config = { 'schema.include.list': 'c', 'snapshot.max.threads': '2' };
  const first = await run(config);
  assert.deepEqual(first.marks, ['snapshot-start c.t replace', 'snapshot-end c.t replace']);
  assert.equal(first.rows.get('c.t')!.length, 100000);
  assert.equal(new Set(first.batches.flatMap(({ transactions }) => [...transactions])).size > 1, true);
});

test('L-6 a re-snapshot replaces every table', async () => {
  const { marks } = await run({ 'table.include.list': 'a.keyed' }, { replace: true });
  assert.deepEqual(marks, ['snapshot-start a.keyed replace', 'snapshot-end a.keyed replace']);
});

test('the rows are those of the exported snapshot', async () => {
  const holder = await newClient();
  await client.query(
    'create schema e; create table e.t (id int primary key); insert into e.t values (1), (2)',
  );
  await holder.query('begin isolation level repeatable read');
  const { rows } = await holder.query('select pg_export_snapshot() as name');
  await client.query('insert into e.t values (3); delete from e.t where id = 1');
  const result = await run({ 'schema.include.list': 'e' }, { exported: rows[0].name });
  await holder.end();
  assertSameRows(result.rows.get('e.t'), ['1', '2']);
  // Streaming begins where this snapshot stands: the log repeats nothing.
  assert.equal(result.offsets.at(-1)!.mayExistUntil, LSN_NONE);
});

test('S-2 memory stays within its budget, a wider row passes alone', async () => {
  await client.query(`create schema w; create table w.t (id int primary key, v text);
    insert into w.t select i, repeat('x', 100000) from generate_series(1, 300) i;
    insert into w.t values (1000, repeat('y', 40000000)); insert into w.t select i, 'small' from generate_series(2000, 2100) i`);
  const result = await run({ 'schema.include.list': 'w' }, { memoryBytes: 4 << 20 });
  assert.equal(result.rows.get('w.t')!.length, 402);
  const sizes = result.batches.map(batchMemory).toSorted((a, b) => b - a);
  assert.ok(sizes[0] < 41_000_000, `the wide row's batch has ${sizes[0]} bytes`);
  assert.ok(sizes[1] < 2_000_000, `the next has ${sizes[1]} bytes`);
});

test('a SELECT of the user takes the place of the table', async () => {
  const result = await run({
    'table.include.list': 'a.keyed',
    'snapshot.select.statement.overrides': 'a.keyed',
    'snapshot.select.statement.overrides.a.keyed': 'SELECT * FROM a.keyed WHERE id <= 10;',
  });
  assert.equal(result.rows.get('a.keyed')!.length, 10);
});

test('snapshot.include.collection.list leaves tables out', async () => {
  const result = await run({ 'schema.include.list': 'a', 'snapshot.include.collection.list': 'a.plain' });
  assert.deepEqual([...result.rows.keys()], ['a.plain']);
});

test('a partitioned table is read as one, whichever way its parts number their columns', async () => {
  await client.query(`create schema p; create table p.t (id int, d date, v text, primary key (id, d)) partition by range (d);
    create table p.t1 partition of p.t for values from ('2020-01-01') to ('2021-01-01');
    create table p.t2 (v text, d date not null, id int not null); alter table p.t attach partition p.t2 for values from ('2021-01-01') to ('2022-01-01');
    insert into p.t select i, '2020-01-01'::date + i, 'x' from generate_series(1, 700) i`);
  const expected = await expectedKeys('select id from p.t');
  assertSameRows((await run({ 'schema.include.list': 'p' })).rows.get('p.t'), expected);
  const pages = await run({ 'schema.include.list': 'p', 'snapshot.max.threads': '2' }, { replace: true });
  assertSameRows(pages.rows.get('p.t'), expected);
});

test('an error of the server ends the snapshot with its table named nowhere but its reason kept', async () => {
  await client.query(`create schema f; create table f.t (id int primary key, v text); insert into f.t values (1, 'x');
    create function f.fail(text) returns text language plpgsql as $$ begin raise exception 'no luck'; end $$`);
  const failing = run({
    'schema.include.list': 'f',
    'snapshot.select.statement.overrides': 'f.t',
    'snapshot.select.statement.overrides.f.t': 'SELECT id, f.fail(v) AS v FROM f.t',
  });
  await assert.rejects(failing, (error: Error & { code: string }) => {
    assert.equal(error.code, 'postgres.query');
    assert.match(error.message, /no luck/);
    return true;
  });
});
