import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { type PostgresServer, startPostgres } from '../../services/postgres.ts';
import { type Address, Capture, clientOf, configFor } from './capture.ts';

let server: PostgresServer;
let address: Address;
let client: Client;
let counter = 0;

before(async () => {
  server = await startPostgres({
    hba: ['host all wrong 127.0.0.1/32 scram-sha-256'],
    settings: { max_slot_wal_keep_size: '16MB', min_wal_size: '32MB', wal_keep_size: '0' },
  });
  const url = new URL(server.url);
  address = { host: url.hostname, port: Number(url.port), name: 'postgres', user: 'postgres' };
  client = await clientOf(server.url);
  await client.query(`
    CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE part (id int PRIMARY KEY); CREATE TABLE left_out (id int);
    CREATE ROLE wrong LOGIN PASSWORD 'right' REPLICATION;
    CREATE ROLE reader LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
    CREATE ROLE replicator LOGIN REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA public TO replicator`);
});

after(async () => {
  await client.end();
  await server.stop();
});

/** A name for slot and publication that no other test uses. */
function fresh(): { name: string; config: Record<string, string> } {
  const name = `s${counter++}`;
  return {
    name,
    config: { 'slot.name': name, 'publication.name': name, 'table.include.list': 'public.item' },
  };
}

async function slotOf(name: string): Promise<{ confirmed: string; failover?: boolean } | undefined> {
  const { rows } = await client.query(
    'SELECT confirmed_flush_lsn::text AS confirmed, failover FROM pg_replication_slots WHERE slot_name = $1',
    [name],
  );
  return rows[0];
}

async function published(name: string): Promise<string[]> {
  const { rows } = await client.query(
    'SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1',
    [name],
  );
  return rows.map(({ tablename }) => tablename);
}

/** Resolves when a walsender streams: a slot is active while it is made, too, and misses what is written then. */
function streams(): Promise<unknown> {
  return client.query(`DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_stat_replication WHERE state IN ('catchup', 'streaming'))
    LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END $$`);
}

/** Runs until the connector streams, then stops it. */
async function startAndStop(config: Readonly<Record<string, string>>, from: Capture['offset'] = null) {
  const capture = await Capture.open(configFor(address, config), from);
  try {
    const first = capture.next();
    const running = streams();
    await Promise.race([running, first]);
    await client.query('INSERT INTO item SELECT coalesce(max(id), 0) + 1 FROM item');
    await first;
  } finally {
    await capture.close();
  }
  return capture;
}

async function failure(config: Readonly<Record<string, string>>, from: Capture['offset'] = null) {
  const capture = await Capture.open(configFor(address, config), from);
  try {
    await capture.next();
  } catch (error) {
    return error as { code: string; retry: string; hint: string; message: string };
  } finally {
    await capture.close();
  }
  return assert.fail('the source did not fail');
}

test('slot and publication are made, and the filtered list follows the configuration at every start', async () => {
  const { name, config } = fresh();
  const capture = await startAndStop(config);
  assert.equal(capture.rows[0].table, 'public.item');
  assert.deepEqual(await published(name), ['item']);
  assert.equal((await slotOf(name))!.failover, false);
  await startAndStop({ ...config, 'table.include.list': 'public.item,public.part' }, capture.offset);
  assert.deepEqual(await published(name), ['item', 'part']);
});

test('publication.autocreate.mode all_tables and no_tables do as they say, disabled refuses', async () => {
  const all = fresh();
  await startAndStop({ ...all.config, 'publication.autocreate.mode': 'all_tables' });
  assert.deepEqual(await published(all.name), ['item', 'left_out', 'part']);
  const disabled = fresh();
  const error = await failure({ ...disabled.config, 'publication.autocreate.mode': 'disabled' });
  assert.equal(error.code, 'postgres.publication');
  assert.equal(error.retry, 'operator');
  assert.equal(await slotOf(disabled.name), undefined, 'nothing is left behind');
});

test('slot.drop.on.stop drops it, slot.failover makes it one', async () => {
  const { name, config } = fresh();
  await startAndStop({ ...config, 'slot.drop.on.stop': 'true' });
  assert.equal(await slotOf(name), undefined);
  const other = fresh();
  await startAndStop({ ...other.config, 'slot.failover': 'true' });
  assert.equal((await slotOf(other.name))!.failover, true);
});

test('a dropped slot is an error, with when_needed a new snapshot', async () => {
  const { name, config } = fresh();
  const { offset } = await startAndStop(config);
  await client.query('SELECT pg_drop_replication_slot($1)', [name]);
  const error = await failure(config, offset);
  assert.equal(error.code, 'postgres.slot-lost');
  assert.match(error.hint, /re-snapshot/);
  const again = await Capture.open(configFor(address, { ...config, 'snapshot.mode': 'when_needed' }), offset);
  await again.until(1);
  assert.equal(again.rows[0].op, 'r');
  assert.notEqual(await slotOf(name), undefined);
  await again.close();
});

test('a slot ahead of the offset is a gap, unless the slot is to be trusted', async () => {
  const { name, config } = fresh();
  const { offset } = await startAndStop(config);
  await client.query('INSERT INTO item SELECT max(id) + 1 FROM item');
  await client.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [name]);
  assert.equal((await failure(config, offset)).code, 'postgres.offset-gap');
  const trusting = { ...config, 'offset.mismatch.strategy': 'trust_slot' };
  assert.equal((await startAndStop(trusting, offset)).rows.length, 1);
});

test('a slot whose log is gone is lost', async () => {
  const { name, config } = fresh();
  const { offset } = await startAndStop(config);
  for (let i = 0; i < 6; i++)
    await client.query('SELECT pg_switch_wal(), pg_logical_emit_message(true, $1, $1)', ['x']);
  await client.query('CHECKPOINT');
  const { rows } = await client.query('SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1', [
    name,
  ]);
  assert.equal(rows[0].wal_status, 'lost');
  assert.equal((await failure(config, offset)).code, 'postgres.slot-lost');
});

test('a slot of another plugin is not touched', async () => {
  const { name, config } = fresh();
  await client
    .query("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [name])
    .catch(() => {});
  if ((await slotOf(name)) === undefined)
    await client.query('SELECT pg_create_physical_replication_slot($1)', [name]);
  const error = await failure({ ...config, 'snapshot.mode': 'when_needed' });
  assert.equal(error.code, 'config.invalid');
  assert.notEqual(await slotOf(name), undefined);
});

test('a slot older than its publication begins where the publication does', async () => {
  const { name, config } = fresh();
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
  await client.query('INSERT INTO item SELECT max(id) + 1 FROM item');
  assert.equal((await startAndStop(config)).rows.length, 1);
});

test('a slot in use is waited for slot.max.retries times', async () => {
  const { config } = fresh();
  const holder = await Capture.open(configFor(address, config));
  const first = holder.next();
  await streams();
  const error = await failure({ ...config, 'slot.max.retries': '2', 'slot.retry.delay.ms': '20' });
  assert.equal(error.code, 'postgres.slot-busy');
  assert.equal(error.retry, 'backoff');
  await client.query('INSERT INTO item SELECT max(id) + 1 FROM item');
  await first;
  await holder.close();
});

test('wrong password, missing rights and an unreachable server each say so', async () => {
  const { config } = fresh();
  const wrong = await failure({ ...config, 'database.user': 'wrong' });
  assert.equal(wrong.code, 'postgres.auth');
  assert.equal(wrong.retry, 'operator');
  assert.equal((await failure({ ...config, 'database.dbname': 'nobody' })).code, 'postgres.auth');
  const reader = await failure({ ...config, 'database.user': 'reader' });
  assert.equal(reader.code, 'postgres.rights');
  assert.match(reader.hint, /REPLICATION/);
  const owner = await failure({ ...config, 'database.user': 'replicator' });
  assert.equal(owner.code, 'postgres.rights');
  assert.match(owner.hint, /ownership/);
  const superuser = await failure({
    ...config,
    'database.user': 'replicator',
    'publication.autocreate.mode': 'all_tables',
  });
  assert.match(superuser.hint, /superuser/);
  const nobody = await failure({ ...config, 'database.port': '1' });
  assert.equal(nobody.code, 'postgres.connect');
  assert.equal(nobody.retry, 'backoff');
});

test('without wal_level=logical the remedy is named', async () => {
  const plain = await startPostgres({ settings: { wal_level: 'replica' } });
  try {
    const error = await failure({ ...fresh().config, 'database.port': new URL(plain.url).port });
    assert.equal(error.code, 'postgres.wal-level');
  } finally {
    await plain.stop();
  }
});
