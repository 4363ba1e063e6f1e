import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { type PostgresServer, startPostgres } from '../../services/postgres.ts';
import { type Address, Capture, clientOf, configFor } from './capture.ts';

/** Of the server. On a busy machine a process may not run at all for a second. */
const TIMEOUT_MS = 5000;

let server: PostgresServer;
let address: Address;
let client: Client;
let counter = 0;

before(async () => {
  server = await startPostgres({ settings: { wal_sender_timeout: `${TIMEOUT_MS}ms` } });
  const url = new URL(server.url);
  address = { host: url.hostname, port: Number(url.port), name: 'postgres', user: 'postgres' };
  client = await clientOf(server.url);
  await client.query('CREATE TABLE item (id int PRIMARY KEY, a text); CREATE TABLE other (id int)');
});

after(async () => {
  await client.end();
  await server.stop();
});

async function open(overrides: Readonly<Record<string, string>> = {}, memoryBytes?: number) {
  const name = `s${counter++}`;
  await client.query(`CREATE PUBLICATION ${name} FOR TABLE item`);
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
  const config = configFor(address, {
    'slot.name': name,
    'publication.name': name,
    'table.include.list': 'public.item',
    ...overrides,
  });
  return { name, config, capture: await Capture.open(config, null, memoryBytes) };
}

/**
 * Resolves in the database, when the condition over pg_replication_slots s and pg_stat_replication r holds; fails after
 * a minute, since what is waited for never comes once a stream has broken.
 */
async function until(name: string, condition: string): Promise<void> {
  await client.query(`DO $$ BEGIN
    WHILE NOT coalesce((SELECT ${condition} FROM pg_replication_slots s
      LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = '${name}'), false)
    LOOP
      ASSERT clock_timestamp() < now() + interval '1 minute', 'not reached';
      PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
    END LOOP; END $$`);
}

test('P-2 a consumer that stops pulling keeps its connection beyond the timeout of the server', async () => {
  const { name, capture } = await open({}, 1 << 20);
  const first = capture.next();
  await client.query("INSERT INTO item SELECT i, repeat('x', 500) FROM generate_series(1, 60000) i");
  await first;
  await until(name, `r.reply_time > '${new Date(Date.now() + 2 * TIMEOUT_MS).toISOString()}'`);
  const { rows } = await client.query(
    'SELECT r.pid, s.confirmed_flush_lsn < pg_current_wal_lsn() AS behind FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = $1',
    [name],
  );
  assert.equal(rows[0].behind, true);
  assert.ok(capture.metrics.queueBytes < 16 << 20, 'what was not pulled stays with the server');
  await capture.until(60_000);
  const still = await client.query('SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1', [
    name,
  ]);
  assert.equal(still.rows[0].active_pid, rows[0].pid, 'on the same connection');
  await capture.close();
});

test('P-2 an idle captured table lets the slot advance, but only by what was acknowledged', async () => {
  const { name, capture } = await open({ 'status.update.interval.ms': '50' });
  const next = capture.next();
  await until(name, 's.active');
  await client.query('INSERT INTO other SELECT generate_series(1, 1000)');
  const { rows } = await client.query('SELECT pg_current_wal_lsn()::text AS lsn');
  const batch = await next;
  assert.equal(batch!.rowCount, 0);
  while (
    capture.offset!.lsn <
    BigInt(
      `0x${(rows[0].lsn as string)
        .split('/')
        .map((part, i) => (i === 0 ? part : part.padStart(8, '0')))
        .join('')}`,
    )
  ) {
    await capture.next();
  }
  const before = await client.query(
    `SELECT confirmed_flush_lsn < '${rows[0].lsn}' AS behind FROM pg_replication_slots WHERE slot_name = $1`,
    [name],
  );
  assert.equal(before.rows[0].behind, true, 'not durable yet');
  capture.source.ack(capture.offset!);
  await until(name, `s.confirmed_flush_lsn >= '${rows[0].lsn}'`);
  await capture.close();
});

test('only what was acknowledged is confirmed to the slot; with lsn.flush.mode=manual nothing is', async () => {
  for (const mode of ['connector', 'manual']) {
    const { name, capture } = await open({ 'lsn.flush.mode': mode, 'status.update.interval.ms': '50' });
    const before = await client.query(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [name],
    );
    const first = capture.next();
    await client.query('INSERT INTO item SELECT max(id) + 1 FROM item');
    await first;
    await until(
      name,
      `r.write_lsn >= '${capture.offset!}' AND s.confirmed_flush_lsn = '${before.rows[0].lsn}'`,
    );
    capture.source.ack(capture.offset!);
    if (mode === 'connector') await until(name, `s.confirmed_flush_lsn = '${capture.offset!}'`);
    await capture.close();
    const after = await client.query(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [name],
    );
    assert.equal(after.rows[0].lsn, mode === 'manual' ? before.rows[0].lsn : capture.offset!.toString());
  }
});

test('heartbeat.action.query runs on its interval', async () => {
  await client.query('CREATE TABLE beat (at timestamptz)');
  const { capture } = await open({
    'heartbeat.interval.ms': '50',
    'heartbeat.action.query': 'INSERT INTO public.beat VALUES (now())',
  });
  const next = capture.next();
  await client.query(
    'DO $$ BEGIN WHILE (SELECT count(*) FROM beat) < 3 LOOP COMMIT; PERFORM pg_sleep(0.01); END LOOP; END $$',
  );
  await client.query('INSERT INTO item SELECT max(id) + 1 FROM item');
  await next;
  await capture.close();
});

test('P-2 a heartbeat that fails, or whose connection is lost, is tried again and stops nothing', async () => {
  const { capture } = await open({
    'heartbeat.interval.ms': '50',
    'heartbeat.action.query': 'INSERT INTO public.late_beat VALUES (now())',
  });
  const next = capture.next();
  const beats = (count: number) =>
    client.query(
      `DO $$ BEGIN WHILE (SELECT count(*) FROM late_beat) < ${count} LOOP COMMIT; PERFORM pg_sleep(0.01); END LOOP; END $$`,
    );
  await client.query(
    `DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'INSERT INTO public.late_beat%' AND pid <> pg_backend_pid())
       LOOP COMMIT; PERFORM pg_sleep(0.01); END LOOP; END $$`,
  );
  await client.query('CREATE TABLE late_beat (at timestamptz)');
  await beats(1);
  const killed = await client.query(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO public.late_beat%' AND pid <> pg_backend_pid()",
  );
  assert.equal(killed.rowCount, 1);
  await client.query('TRUNCATE late_beat');
  await beats(2);
  await client.query('INSERT INTO item SELECT max(id) + 1 FROM item');
  await next;
  await capture.close();
});

test('a server that goes away is an error to retry, and nothing is missing afterwards', async () => {
  const { config, capture } = await open();
  const first = capture.next();
  await client.query('TRUNCATE item; INSERT INTO item VALUES (1)');
  await first;
  await capture.until(2);
  const durable = capture.offset!;
  await client.query('INSERT INTO item VALUES (2)');
  await client.end();
  await server.kill();
  const error = await (async () => {
    for (;;) await capture.next();
  })().catch((thrown) => thrown);
  assert.equal(error.code, 'postgres.connect');
  assert.equal(error.retry, 'backoff');
  await capture.close();
  const down = await Capture.open(config, durable);
  await assert.rejects(down.next(), { code: 'postgres.connect' });
  await down.close();
  await server.restart();
  client = await clientOf(server.url);
  await client.query('INSERT INTO item VALUES (3)');
  const again = await Capture.open(config, durable);
  const rows = await again.until(2);
  assert.deepEqual(
    rows.map(({ after }) => after!['id']),
    [2, 3],
  );
  await again.close();
});
