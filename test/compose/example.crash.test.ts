import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { IcestreamError } from '../../src/base/errors.ts';
import type { Catalog } from '../../src/iceberg/catalog/catalog.ts';
import { openRestCatalog } from '../../src/iceberg/catalog/rest.ts';
import { branchHead } from '../../src/iceberg/metadata.ts';
import { startPostgres } from '../services/postgres.ts';
import { startRestCatalog } from '../services/rest-catalog.ts';
import { testBucket } from '../services/s3.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('the example of compose/ and configs/ brings its shop into the lake, with the servers at hand', async () => {
  // A slot waits for every transaction that runs on the server, whichever test's it is.
  const database = await startPostgres();
  const { bucket, url: s3, properties } = await testBucket();
  const server = await startRestCatalog({ warehouse: `s3://${bucket}/`, s3: properties });
  const folder = mkdtempSync(join(tmpdir(), 'icestream-example-'));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const worker = readFileSync(join(ROOT, 'compose/worker.properties'), 'utf8')
    .replace(/^listeners=.*$/m, 'listeners=http://127.0.0.1:0')
    .replace(/^icestream.state.dir=.*$/m, `icestream.state.dir=${folder}/state`);
  writeFileSync(join(folder, 'worker.properties'), worker);
  await client.query(readFileSync(join(ROOT, 'compose/shop.sql'), 'utf8'));
  const catalog = await openRestCatalog('lake', { uri: server.url, ...properties });
  const service = startService(join(folder, 'worker.properties'), {
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: new URL(database.url).port,
    POSTGRES_DB: 'postgres',
    POSTGRES_USER: 'postgres',
    POSTGRES_PASSWORD: 'none',
    CATALOG_URI: server.url,
    S3_ENDPOINT: s3,
    S3_ACCESS_KEY: properties['s3.access-key-id'],
    S3_SECRET_KEY: properties['s3.secret-access-key'],
  });
  try {
    await lakeHolds(catalog, 'customers', 100, service);
    await lakeHolds(catalog, 'orders', 1000, service);
    await client.query('INSERT INTO orders (customer_id, total) SELECT 1, n FROM generate_series(1, 20) n');
    await lakeHolds(catalog, 'orders', 1020, service);
    service.child.kill('SIGTERM');
    assert.equal(await service.ended, 0);
  } finally {
    service.child.kill('SIGKILL');
    await service.ended;
    await catalog.close();
    await client.end();
    await Promise.all([server.stop(), database.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
});

interface Service {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
}

function startService(workerFile: string, environment: Readonly<Record<string, string>>): Service {
  const args = [join(ROOT, 'src/main.ts'), workerFile, join(ROOT, 'configs/postgres-iceberg.json')];
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, output: () => output.slice(-4000) };
}

/** Waits until a table's newest snapshot has so many rows: a lake gives no signal when it changes. */
async function lakeHolds(catalog: Catalog, name: string, rows: number, service: Service): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (let seen = -1; ; ) {
    try {
      const { metadata } = await catalog.load({ namespace: ['shop_public'], name });
      seen = Number(branchHead(metadata)?.summary['total-records'] ?? 0);
      if (seen === rows) return;
    } catch (error) {
      if (!(error instanceof IcestreamError) || error.code !== 'iceberg.table-not-found') throw error;
    }
    const isOver = Date.now() > deadline || service.child.exitCode !== null;
    if (isOver) assert.fail(`${name} holds ${seen} rows instead of ${rows}: ${service.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
