import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Lake } from '../harness/lake.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { avroText } from '../peer/avro-text.ts';
import { testKafka } from '../services/kafka.ts';
import { testDatabase } from '../services/postgres.ts';
import { confluentApi, testSchemaRegistry } from '../services/schema-registry.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The files as they are, but for names that two runs on one server must not share. */
async function start(t: TestContext, config: string, more: Readonly<Record<string, string>> = {}) {
  const { bootstrap, prefix } = await testKafka();
  const name = `${prefix}shop`.replaceAll('-', '_');
  const database = await testDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'icestream-example-'));
  const worker = readFileSync(join(ROOT, 'configs/worker-kafka.properties'), 'utf8')
    .replace(/^listeners=.*$/m, 'listeners=http://127.0.0.1:0')
    .replace(/^icestream.state.dir=.*$/m, `icestream.state.dir=${folder}/state`)
    .replace(/icestream-offsets/, `${name}_offsets`);
  writeFileSync(join(folder, 'worker.properties'), worker);
  const connector = readFileSync(join(ROOT, 'configs', config), 'utf8')
    .replaceAll('icestream_shop', `slot_${database.name}`)
    .replace('"topic.prefix": "shop"', `"topic.prefix": "${name}"`);
  writeFileSync(join(folder, 'connector.json'), connector);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL);
    INSERT INTO orders SELECT g, g * 10 FROM generate_series(1, 20) g`);
  const catalog = { type: 'sql', uri: `sqlite:///${folder}/catalog.db`, warehouse: `${folder}/warehouse` };
  const url = new URL(database.url);
  const env = {
    PATH: process.env['PATH'],
    KAFKA: bootstrap,
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: url.port,
    POSTGRES_DB: database.name,
    POSTGRES_USER: url.username,
    POSTGRES_PASSWORD: url.password || 'none',
    CATALOG_URI: catalog.uri,
    WAREHOUSE: catalog.warehouse,
    ...more,
  };
  const args = ['worker.properties', 'connector.json'].map((file) => join(folder, file));
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
    await client.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'slot_${database.name}'`,
    );
    await client.end();
    rmSync(folder, { recursive: true, force: true });
  });
  const records = () => orders(bootstrap, name);
  const publishes = (count: number) =>
    until(`${count} records`, async () => (await records()).length >= count || null, {
      timeoutMs: 90_000,
      alive: () => requireAlive(child, output),
      detail: () => output.slice(-3000),
    });
  return { client, child, ended, catalog, publishes, records, name };
}

async function orders(bootstrap: string, name: string) {
  return await readTopics(bootstrap, [`${name}.public.orders`]).catch((error: Error) => {
    if (/no topic /.test(error.message)) return [];
    throw error;
  });
}

function requireAlive(child: ChildProcess, output: string): void {
  assert.equal(child.exitCode, null, output.slice(-3000));
}

test('the example for Kafka publishes its shop as Debezium would', { timeout: 150_000 }, async (t) => {
  const { client, child, ended, publishes, records } = await start(t, 'postgres-kafka.json');
  await publishes(20);
  await client.query('UPDATE orders SET total = 0 WHERE id = 7');
  await publishes(21);
  const { key, value } = (await records()).at(-1)!;
  assert.equal(String(key), '{"id":7}');
  assert.equal((JSON.parse(String(value)) as { op: string }).op, 'u');
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('the example for both publishes its shop and brings it into the lake', {
  timeout: 150_000,
}, async (t) => {
  const { client, child, ended, catalog, publishes, name } = await start(t, 'postgres-kafka-iceberg.json');
  await publishes(20);
  await client.query('DELETE FROM orders WHERE id = 7');
  await publishes(22);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  const lake = await Lake.open(catalog);
  await lake.requireEqual(client, 'orders', `${name}_public.orders`);
  await lake.close();
});

test('the example with a schema registry publishes what the registry explains', {
  timeout: 150_000,
}, async (t) => {
  const registry = confluentApi(await testSchemaRegistry());
  const { client, child, ended, publishes, records, name } = await start(t, 'postgres-kafka-avro.json', {
    SCHEMA_REGISTRY: registry,
  });
  await publishes(20);
  await client.query('UPDATE orders SET total = 0 WHERE id = 7');
  await publishes(21);
  const { key, value } = (await records()).at(-1)!;
  const read = async (bytes: Buffer | null, subject: string) => {
    const response = await fetch(`${registry}/subjects/${subject}/versions/latest`);
    const { id, schema } = (await response.json()) as { id: number; schema: string };
    return JSON.parse(avroText(bytes!, { [id]: JSON.parse(schema) as unknown })!) as Explained;
  };
  assert.deepEqual((await read(key, `${name}.public.orders-key`)).payload, { id: 7 });
  const { op, after } = (await read(value, `${name}.public.orders-value`)).payload;
  assert.deepEqual({ op, after }, { op: 'u', after: { id: 7, total: 0 } });
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

interface Explained {
  readonly payload: { readonly op: string; readonly after: unknown };
}
