import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Client } from 'pg';
import type { PostgresOffset } from '../../../../src/capture/postgres/offset.ts';
import type { ChangeBatch } from '../../../../src/record/batch.ts';
import { testDatabase } from '../../../services/postgres.ts';
import { Capture, clientOf, configFor, untilStreaming } from '../capture.ts';
import { type PlainRow, plainRows } from '../plain.ts';

let client: Client;
let writer: Client;
let config: Record<string, string>;
let capture: Capture | null = null;

beforeEach(async () => {
  const database = await testDatabase();
  client = await clientOf(database.url);
  writer = await clientOf(database.url);
  await client.query('create table public.sentinel (id serial primary key)');
  config = configFor(database, { 'slot.name': database.name, 'publication.name': database.name });
});

afterEach(async () => {
  await capture?.close();
  capture = null;
  await client.end();
  await writer.end();
});

const blocking = (...tables: string[]) => JSON.stringify({ 'data-collections': tables, type: 'blocking' });

type Row = Readonly<Record<string, unknown>>;

/**
 * A table as a sink has it that takes marks at their word: what comes between start and end replaces what was there, all
 * else is applied as it comes, without a look at what may be there already.
 */
function content(batches: readonly ChangeBatch[], table: string): readonly Row[] {
  let rows: Row[] = [];
  let staged: Row[] | null = null;
  for (const batch of batches) {
    const plain = plainRows(batch);
    let from = 0;
    for (const mark of batch.tableMarks) {
      for (const row of plain.slice(from, mark.row)) staged = applied(row);
      from = mark.row;
      if (mark.table.name !== table) continue;
      if (mark.kind === 'snapshot-start') staged = [];
      else if (mark.kind === 'snapshot-end') {
        rows = staged!;
        staged = null;
      }
    }
    for (const row of plain.slice(from)) staged = applied(row);
  }
  assert.equal(staged, null, 'a snapshot has begun and not ended');
  return rows;

  function applied(row: PlainRow): Row[] | null {
    if (row.table !== table) return staged;
    if (row.op === 'r') return [...staged!, row.after!];
    assert.equal(staged, null, 'the stream waits while a table is read');
    assert.equal(row.flags, 0, 'nothing comes twice');
    if (row.op === 'c') rows.push(row.after!);
    else {
      const id = String((row.before ?? row.after!)['id']);
      const at = rows.findIndex((known) => String(known['id']) === id);
      assert.ok(at >= 0, `${row.op} of row ${id}, which is not there`);
      rows.splice(at, 1, ...(row.after === null ? [] : [row.after]));
    }
    return null;
  }
}

const hasEnded = (count: number) =>
  capture!.batches.flatMap(({ tableMarks }) => tableMarks).filter(({ kind }) => kind === 'snapshot-end')
    .length >= count;

async function reachedSource(): Promise<void> {
  await client.query('insert into public.sentinel default values');
  const { rows } = await client.query('select count(*)::int as count from public.sentinel');
  const arrived = () => capture!.rows.filter(({ table }) => table === 'public.sentinel').length;
  while (arrived() < rows[0].count) await capture!.next();
}

const sorted = (rows: readonly Row[], ...columns: string[]) =>
  rows.map((row) => columns.map((column) => String(row[column])).join()).sort();

test('L-6 a blocking snapshot takes its very place in the log, with and without a key, under load', async () => {
  await client.query(`create table public.keyed (id int primary key, v int);
    insert into public.keyed select i, 0 from generate_series(1, 2000) i;
    create table public.keyless (v int); insert into public.keyless select i from generate_series(1, 500) i`);
  capture = await Capture.open(config);
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  let isWriting = true;
  const writing = (async () => {
    for (let i = 0; isWriting; i++) {
      await writer.query('update public.keyed set v = v + 1 where id % 17 = $1', [i % 17]);
      await writer.query('insert into public.keyed values ($1, -1)', [10_000 + i]);
      await writer.query('delete from public.keyed where id = $1', [10_000 + i - 5]);
      await writer.query('insert into public.keyless values ($1)', [10_000 + i]);
    }
  })();
  await first;
  // Rows that came before the first snapshot are unknown to this sink.
  capture.source.signal!('1', 'execute-snapshot', blocking('public.keyed', 'public.keyless'));
  while (!hasEnded(2)) await capture.next();
  const begun = capture.batches.findIndex(({ tableMarks }) => tableMarks.length > 0);
  capture.source.signal!('2', 'execute-snapshot', blocking('public.key.*'));
  while (!hasEnded(4)) await capture.next();
  for (let i = 0; i < 20; i++) await capture.next();
  isWriting = false;
  await writing;
  await reachedSource();
  const batches = capture.batches.slice(begun);
  const keyed = await client.query('select id, v from public.keyed');
  assert.deepEqual(sorted(content(batches, 'public.keyed'), 'id', 'v'), sorted(keyed.rows, 'id', 'v'));
  const keyless = await client.query('select v from public.keyless');
  assert.deepEqual(sorted(content(batches, 'public.keyless'), 'v'), sorted(keyless.rows, 'v'));
});

test('L-6 a replacement that was broken off is asked for by every offset until it is whole', async () => {
  await client.query(`create table public.t (id int primary key, v text);
    insert into public.t select i, repeat('x', 1000) from generate_series(1, 5000) i`);
  capture = await Capture.open(config);
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  await client.query("insert into public.t values (0, 'y')");
  await first;
  const before = capture.offset!;
  capture.source.reread!(['public.t'], 'replace');
  while (!capture.batches.some(({ tableMarks }) => tableMarks.length > 0)) await capture.next();
  const broken = capture.offset!;
  assert.equal(broken.compare(before), 1);
  const again = capture.source.offsets.parse(broken.toJSON(), 0) as PostgresOffset;
  await capture.close();
  await client.query("delete from public.t where id > 10; update public.t set v = 'z'");
  capture = await Capture.open(config, again);
  while (!hasEnded(1)) await capture.next();
  await reachedSource();
  assert.equal(capture.offset!.progress, null);
  assert.equal(capture.offset!.compare(broken), 1);
  const begun = capture.batches.findIndex(({ tableMarks }) => tableMarks.length > 0);
  const { rows } = await client.query('select id, v from public.t');
  assert.deepEqual(
    sorted(content(capture.batches.slice(begun), 'public.t'), 'id', 'v'),
    sorted(rows, 'id', 'v'),
  );
});

test('P-3 a table without a key is replaced when older rows have a value of a new column', async () => {
  await client.query("create table public.t (v text); insert into public.t values ('a')");
  capture = await Capture.open(config);
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  await client.query("insert into public.t values ('b')");
  await first;
  await client.query(
    "alter table public.t add column extra int default 7; insert into public.t values ('c', 8)",
  );
  await capture.until(2);
  assert.equal(capture.metrics.table('public.t').state, 'stale');
  while (!hasEnded(1)) await capture.next();
  assert.equal(capture.metrics.table('public.t').state, 'ok');
  await client.query("insert into public.t values ('d', 9)");
  await reachedSource();
  const begun = capture.batches.findIndex(({ tableMarks }) => tableMarks.length > 0);
  const rows = content(capture.batches.slice(begun), 'public.t');
  assert.deepEqual(sorted(rows, 'v', 'extra'), ['a,7', 'b,7', 'c,8', 'd,9']);
  // Nothing that is known by now makes it begin again.
  await reachedSource();
  assert.ok(!hasEnded(2));
});

test('a signal table brings a blocking snapshot; a table that is gone holds nothing up', async () => {
  await client.query(`create table public.t (id int primary key); insert into public.t values (1), (2);
    create table public.gone (id int primary key);
    create table public.signals (id varchar(42) primary key, type varchar(32), data text)`);
  capture = await Capture.open({ ...config, 'signal.data.collection': 'public.signals' });
  const first = capture.until(1);
  await untilStreaming(client, config['slot.name']);
  await client.query('insert into public.signals values ($1, $2, $3)', [
    'go',
    'execute-snapshot',
    blocking('public.t', 'public.gone'),
  ]);
  await first;
  await client.query('drop table public.gone');
  while (!hasEnded(1)) await capture.next();
  await reachedSource();
  assert.equal(capture.offset!.progress, null);
  assert.deepEqual(
    capture.rows.filter(({ op }) => op === 'r').map(({ after }) => after!['id']),
    [1, 2],
  );
});
