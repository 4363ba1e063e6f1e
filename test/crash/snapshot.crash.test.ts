import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOAD_TABLES, Load, stepOfLake } from '../harness/load.ts';
import { CONNECTOR, connect, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { startPostgres } from '../services/postgres.ts';

/** About 1.3 kB a row, inline and hard to compress for PostgreSQL: three chunks of a snapshot. */
const WIDE_ROWS = 120_000;
const WIDE = `INSERT INTO wide SELECT i, string_agg(md5(i::text || j::text), '') FROM generate_series(1, ${WIDE_ROWS}) i, generate_series(1, 40) j GROUP BY i ORDER BY i`;

test('P-4 a snapshot killed between chunks goes on by key range; a table without a key starts over', {
  timeout: 120_000,
}, async (t) => {
  const rig = await Rig.create(t);
  await rig.sql(
    `CREATE TABLE wide (id int PRIMARY KEY, t text); ALTER TABLE wide ALTER t SET STORAGE MAIN; ${WIDE}; ANALYZE wide`,
  );
  await rig.sql(
    'CREATE TABLE wide_keyless (id int, t text); INSERT INTO wide_keyless SELECT id, left(t, 300) FROM wide WHERE id % 4 = 0',
  );
  // The first commit holds the first chunk.
  const first = await rig.start({ failpoint: 'commit.settled' });
  await first.crashed();
  const before = await rowsInLake(rig, 'wide');
  assert.ok(before > 0 && before < WIDE_ROWS, `${before} rows were committed before the kill`);
  // Meanwhile the source changes on both sides of what was read.
  await rig.sql(
    `DELETE FROM wide WHERE id % 1000 = 0; UPDATE wide SET t = 'changed' WHERE id % 1000 = 1; UPDATE wide SET id = id + 1000000 WHERE id % 1000 = 2`,
  );
  await rig.sql(`INSERT INTO wide_keyless SELECT i, 'later' FROM generate_series(1, 100) i`);
  const second = await rig.start();
  await rig.caughtUp(`INSERT INTO wide VALUES (-1, 'beacon')`, 90_000);
  const read = (await second.tables(CONNECTOR)).get('public.wide')!.snapshot.rows;
  assert.ok(
    read < WIDE_ROWS - before / 2,
    `${read} rows were read after the restart, ${before} had been before it`,
  );
  await second.stop();
  await rig.requireEqual('wide', 'wide_keyless');
});

test('O-3 PostgreSQL restarts in the middle of a snapshot and of the stream: nothing is lost, nothing twice', {
  timeout: 120_000,
}, async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  const rig = await Rig.create(t, { url: server.url });
  await rig.sql(
    `CREATE TABLE wide (id int PRIMARY KEY, t text); ALTER TABLE wide ALTER t SET STORAGE MAIN; ${WIDE}; ANALYZE wide`,
  );
  let load = await Load.create(server.url);
  await load.walk(50);
  const service = await rig.start();
  await until(
    'some of the table is read',
    async () => ((await service.tables(CONNECTOR)).get('public.wide')?.snapshot.rows ?? 0) > 1000,
  );
  const done = (await service.tables(CONNECTOR)).get('public.wide')!.snapshot.done;
  assert.equal(done, false, 'the snapshot must be in progress when the server goes');
  await server.restart();
  load = await goOn(rig, load);
  await load.walk(50);
  await rig.caughtUp('UPDATE counters SET step = step', 90_000);
  const walking = load.walk(100_000).catch(() => undefined);
  await until('the stream is under load', () => load.step > 150);
  await server.kill();
  await walking;
  await server.restart();
  load = await goOn(rig, load);
  t.after(() => load.close());
  await load.walk(50);
  await rig.caughtUp('UPDATE counters SET step = step', 60_000);
  await service.stop();
  await rig.requireEqual(...LOAD_TABLES, 'wide');
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
});

/** New connections after a restart of the server. */
async function goOn(rig: Rig, load: Load): Promise<Load> {
  await load.close().catch(() => undefined);
  await rig.client.end().catch(() => undefined);
  rig.client = await connect(rig.url);
  return Load.resume(rig.url);
}

async function rowsInLake(rig: Rig, table: string): Promise<number> {
  const rows = await rig.lake(async (lake) => {
    const name = `${rig.namespace}.${table}`;
    return (await lake.tableIfThere(name)) === null ? [{ n: 0 }] : lake.query(name, 'count(*)::INT AS n');
  });
  return rows[0]['n'] as number;
}
