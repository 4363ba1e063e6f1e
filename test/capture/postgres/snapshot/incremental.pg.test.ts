import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Client } from 'pg';
import type { PostgresOffset } from '../../../../src/capture/postgres/offset.ts';
import { MAY_EXIST } from '../../../../src/record/batch.ts';
import { until } from '../../../harness/until.ts';
import { testDatabase } from '../../../services/postgres.ts';
import { Capture, clientOf, configFor, untilStreaming } from '../capture.ts';

let client: Client;
let config: Record<string, string>;
let capture: Capture | null = null;

beforeEach(async () => {
  const database = await testDatabase();
  client = await clientOf(database.url);
  // What is not there when the connector starts is not in its publication.
  await client.query('create table public.sentinel (id serial primary key)');
  config = configFor(database, { 'slot.name': database.name, 'publication.name': database.name });
});

const afterTest: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const clean of afterTest.splice(0)) await clean();
  await capture?.close();
  capture = null;
  await client.end();
});

const execute = (...tables: string[]) => JSON.stringify({ 'data-collections': tables });

/** The table as a lake would have it: every row replaces the one of its key. */
function merged(table: string): Map<string, Record<string, unknown>> {
  const rows = new Map<string, Record<string, unknown>>();
  for (const row of capture!.rows) {
    if (row.table !== table) continue;
    if (row.op === 'd' || (row.op === 'u' && row.before !== null)) rows.delete(String(row.before!['id']));
    if (row.after !== null) rows.set(String(row.after['id']), row.after);
  }
  return rows;
}

async function untilIdle(): Promise<void> {
  // Changes may come before the signal is met.
  while (!capture!.batches.some(({ offset }) => (offset as PostgresOffset | null)?.progress))
    await capture!.next();
  while (capture!.offset === null || capture!.offset.progress !== null) await capture!.next();
}

async function reachedSource(): Promise<void> {
  await client.query('insert into public.sentinel default values');
  const { rows } = await client.query('select count(*)::int as count from public.sentinel');
  const arrived = () => capture!.rows.filter(({ table }) => table === 'public.sentinel').length;
  while (arrived() < rows[0].count) await capture!.next();
}

test('L-12 a signal over REST reads a table beside the stream, every row marked as perhaps there', async () => {
  await client.query(
    'create table public.t (id int primary key, v text); insert into public.t select i, i::text from generate_series(1, 1000) i',
  );
  capture = await Capture.open(config);
  capture.source.signal!('1', 'execute-snapshot', execute('public.t'));
  await capture.until(1000);
  await untilIdle();
  assert.deepEqual(new Set(capture.rows.map(({ op }) => op)), new Set(['r']));
  assert.equal(merged('public.t').size, 1000);
  for (const batch of capture.batches)
    assert.ok(batch.flags.subarray(0, batch.rowCount).every((flag) => flag === MAY_EXIST));
});

test('what changes while a chunk is read is not undone by it', async () => {
  await client.query(
    'create table public.t (id numeric primary key, v int); insert into public.t select i, 0 from generate_series(1, 3000) i',
  );
  const writer = await clientOf(
    `postgresql://${config['database.user']}@${config['database.hostname']}:${config['database.port']}/${config['database.dbname']}`,
  );
  capture = await Capture.open(config);
  capture.source.signal!('1', 'execute-snapshot', execute('public.t'));
  afterTest.push(() => writer.end());
  let isWriting = true;
  const writing = (async () => {
    for (let i = 0; isWriting; i++) {
      await writer.query('update public.t set v = v + 1 where id % 17 = $1', [i % 17]);
      await writer.query('delete from public.t where id = $1', [(i * 7) % 3000]);
      await writer.query('insert into public.t values ($1, -1)', [10000 + i]);
      await writer.query('update public.t set id = id + 20000 where id = $1', [(i * 13) % 3000]);
    }
  })();
  await capture.until(1);
  await untilIdle();
  isWriting = false;
  await writing;
  await reachedSource();
  const { rows } = await client.query('select id::text, v from public.t');
  const lake = merged('public.t');
  assert.equal(lake.size, rows.length);
  for (const { id, v } of rows) assert.equal(lake.get(id)?.['v'], v, `row ${id}`);
});

test('a signal table brings orders and bears the watermarks as Debezium writes them', async () => {
  await client.query(`create table public.t (id int primary key, v text); insert into public.t select i, i::text from generate_series(1, 10) i;
    create table public.signals (id varchar(42) primary key, type varchar(32), data text)`);
  capture = await Capture.open({ ...config, 'signal.data.collection': 'public.signals' });
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  await client.query('insert into public.signals values ($1, $2, $3)', [
    'go',
    'execute-snapshot',
    execute('public.t'),
  ]);
  await first;
  await untilIdleAfter(10);
  // One around the rows and one, as Debezium has it, around nothing.
  const windows = await until('both windows are written', async () => {
    const { rows } = await client.query("select type from public.signals where id <> 'go' order by type");
    return rows.length === 4 ? rows.map(({ type }) => type as string) : null;
  });
  assert.deepEqual(windows, [
    'snapshot-window-close',
    'snapshot-window-close',
    'snapshot-window-open',
    'snapshot-window-open',
  ]);
  assert.equal(merged('public.t').size, 10);
});

test('a snapshot that finds no rows ends at once, however idle the source is', {
  timeout: 15_000,
}, async () => {
  await client.query(`create table public.t (id int primary key);
    create table public.signals (id varchar(42) primary key, type varchar(32), data text)`);
  capture = await Capture.open({ ...config, 'signal.data.collection': 'public.signals' });
  capture.source.signal!('1', 'execute-snapshot', execute('public.t'));
  while (!capture.metrics.table('public.t').snapshotDone) await capture.next();
  assert.equal(capture.offset?.progress, null);
});

test('a table whose columns changed is read though the log has no row of it since', {
  timeout: 15_000,
}, async () => {
  await client.query(
    'create table public.t (id int primary key); insert into public.t select generate_series(1, 1000)',
  );
  capture = await Capture.open(config);
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  await client.query('insert into public.t values (0)');
  await first;
  await client.query('alter table public.t add column v int');
  capture.source.signal!('1', 'execute-snapshot', execute('public.t'));
  await capture.until(1002);
  await untilIdle();
  const lake = merged('public.t');
  assert.equal(lake.size, 1001);
  for (const row of lake.values()) assert.deepEqual(Object.keys(row), ['id', 'v']);
});

test('conditions, surrogate keys and files of signals', async () => {
  await client.query(
    'create table public.t (id int primary key, k int, v text); insert into public.t select i, -i, i::text from generate_series(1, 1000) i',
  );
  const file = join(await mkdtemp(join(tmpdir(), 'icestream-signals-')), 'signals.txt');
  const data = {
    'data-collections': ['public.t'],
    'additional-conditions': [{ 'data-collection': 'public.t', filter: 'id <= 700' }],
    'surrogate-key': 'k',
  };
  await writeFile(file, `nonsense\n${JSON.stringify({ id: '1', type: 'execute-snapshot', data })}\n`);
  capture = await Capture.open({ ...config, 'signal.enabled.channels': 'file', 'signal.file': file });
  await capture.until(700);
  await untilIdle();
  assert.equal(capture.rows.length, 700);
  assert.equal(capture.rows[0].after!['id'], 700);
});

test('an incremental snapshot goes on where a restart cut it', async () => {
  await client.query(
    'create table public.t (id int primary key, v text); insert into public.t select i, i::text from generate_series(1, 5000) i',
  );
  capture = await Capture.open(config);
  capture.source.signal!('1', 'execute-snapshot', execute('public.t'));
  await capture.until(1);
  while (capture.batches.at(-1)!.offset === null) await capture.next();
  const read = capture.rows.length;
  const json = JSON.parse(JSON.stringify(capture.offset)) as Record<string, string>;
  await capture.close();
  assert.ok(read < 5000);

  const from = capture.source.offsets.parse(json, 0);
  capture = await Capture.open(config, from as never);
  await capture.until(5000 - read);
  await untilIdle();
  assert.equal(capture.rows.length, 5000 - read);
});

test('stop ends it, pause holds it, resume goes on', async () => {
  await client.query(
    'create table public.t (id int primary key, v text); insert into public.t select i, i::text from generate_series(1, 100000) i',
  );
  capture = await Capture.open(config);
  const { source } = capture;
  source.signal!('1', 'execute-snapshot', execute('public.t'));
  await capture.until(1);
  source.signal!('2', 'pause-snapshot', '');
  const isPaused = () => /"paused":true/.test(capture!.offset?.progress?.toText() ?? '');
  while (!isPaused()) await capture.next();
  // A chunk under way is still handed out; then nothing but the log's own rows comes.
  const chunkRows = () => capture!.rows.filter(({ table }) => table === 'public.t').length;
  let held: number;
  do {
    held = chunkRows();
    await reachedSource();
  } while (chunkRows() > held);
  assert.ok(held < 100000);
  source.signal!('3', 'resume-snapshot', '');
  while (chunkRows() === held) await capture.next();
  source.signal!('4', 'stop-snapshot', '{}');
  await untilIdle();
  assert.ok(capture.rows.length < 100000);
});

test('P-3 a column added with a default is filled for older rows by reading the table again', async () => {
  await client.query(
    'create table public.t (id int primary key, v text); insert into public.t select i, i::text from generate_series(1, 500) i',
  );
  capture = await Capture.open(config);
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  await client.query("insert into public.t values (1000, 'x')");
  await first;
  await client.query(
    "alter table public.t add column extra int not null default 7; insert into public.t values (1001, 'y', 8)",
  );
  await capture.until(2);
  assert.equal(capture.metrics.table('public.t').state, 'stale');
  await capture.until(500);
  await untilIdle();
  assert.equal(capture.metrics.table('public.t').state, 'ok');
  const lake = merged('public.t');
  assert.equal(lake.size, 502);
  for (const [id, row] of lake) assert.equal(row['extra'], id === '1001' ? 8 : 7);
});

async function untilIdleAfter(count: number): Promise<void> {
  while (merged('public.t').size < count) await capture!.next();
  await untilIdle();
}
