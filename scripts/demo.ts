/**
 * The demonstration: an embedded PostgreSQL with a small shop that keeps changing, the service with a Debezium connector
 * configuration, and at the end a comparison of every table with its Iceberg table, row by row.
 *
 *   npm run demo -- [--seconds N] [--rows N] [--keep]
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openCatalog } from '../src/iceberg/catalog/open.ts';
import { compareTable } from './demo/compare.ts';
import { startPostgres } from './demo/postgres.ts';
import { Screen } from './demo/screen.ts';
import { type DemoService, startService } from './demo/service.ts';
import { addColumn, createShop, ShopTraffic, TABLES } from './demo/shop.ts';
import { LakeReader } from './lake/reader.ts';

const CONNECTOR = 'shop';
const NAMESPACE = 'shop_public';
const COMMIT_INTERVAL_MS = 2000;
const CATCH_UP_MS = 120_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    rows: { type: 'string', default: '20000' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write('npm run demo -- [--seconds N] [--rows N] [--keep]\n');
else process.exitCode = await demo(Number(values.seconds), Number(values.rows), values.keep);

async function demo(seconds: number, rows: number, keep: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'icestream-demo-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  });
  print('starting an embedded PostgreSQL ...');
  // Everybody may enter: PostgreSQL may have to run as another user than this process.
  chmodSync(folder, 0o755);
  const postgres = await startPostgres(folder);
  cleanup.defer(() => postgres.stop());
  const client = await connect(postgres.port);
  cleanup.defer(() => client.end());
  await createShop(client, rows);

  const service = await startService(join(folder, 'service'));
  cleanup.defer(() => service.stop());
  await service.createConnector(CONNECTOR, connectorConfig(folder, postgres));
  print(`icestream runs at ${service.url}, commits every ${COMMIT_INTERVAL_MS / 1000} s\n`);

  await watch(service, client, postgres.port, rows, seconds);
  const good = await compareAll(client, folder);
  if (keep) await untilInterrupted(service, folder, postgres.port);
  return good ? 0 : 1;
}

function connectorConfig(
  folder: string,
  postgres: { port: number; user: string; password: string },
): Record<string, string> {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': '127.0.0.1',
    'database.port': String(postgres.port),
    'database.user': postgres.user,
    'database.password': postgres.password,
    'database.dbname': 'postgres',
    'plugin.name': 'pgoutput',
    'topic.prefix': 'shop',
    'table.include.list': TABLES.map((table) => `public.${table}`).join(','),
    sinks: 'iceberg',
    ...catalogConfig(folder, 'iceberg.catalog.'),
    'iceberg.control.commit.interval-ms': String(COMMIT_INTERVAL_MS),
  };
}

function catalogConfig(folder: string, prefix: string): Record<string, string> {
  return {
    [`${prefix}type`]: 'sql',
    [`${prefix}uri`]: `sqlite:///${join(folder, 'catalog.db')}`,
    [`${prefix}warehouse`]: join(folder, 'warehouse'),
  };
}

/** Traffic for `seconds`, with the screen; then waits until the lake has everything. */
async function watch(
  service: DemoService,
  client: pg.Client,
  port: number,
  rows: number,
  seconds: number,
): Promise<void> {
  const stop = new AbortController();
  const traffic = new ShopTraffic(rows);
  const worker = await connect(port);
  const running = traffic.run(worker, stop.signal);
  const screen = new Screen();
  const started = Date.now();
  let columnAdded = false;
  let changesBefore = 0;
  try {
    for (let elapsed = 0; elapsed < seconds; elapsed = (Date.now() - started) / 1000) {
      await Promise.race([sleep(500), running]);
      await service.check(CONNECTOR);
      const tables = await service.tables(CONNECTOR);
      const streamed = tables.reduce((sum, table) => sum + table.rows_streamed, 0);
      screen.draw({
        elapsedSeconds: elapsed,
        tables,
        changesPerSecond: (streamed - changesBefore) * 2,
        lagSeconds: lag(tables),
      });
      changesBefore = streamed;
      if (!columnAdded && elapsed > seconds / 2) {
        await addColumn(client);
        columnAdded = true;
      }
    }
  } finally {
    stop.abort();
    await running;
    await worker.end();
  }
  screen.end();
  print(
    `\n${traffic.changes.toLocaleString('en-US')} changes made in ${seconds} s; waiting until the lake has them ...`,
  );
  await caughtUp(service, client);
}

function lag(tables: readonly { valid_through: string | null }[]): number | null {
  const newest = Math.max(
    ...tables.map((table) => (table.valid_through === null ? 0 : Date.parse(table.valid_through))),
  );
  return newest <= 0 || !Number.isFinite(newest) ? null : Math.max(0, (Date.now() - newest) / 1000);
}

/** A last change goes through every table; when it is visible everywhere, everything before it is. */
async function caughtUp(service: DemoService, client: pg.Client): Promise<void> {
  const { rows } = await client.query('SELECT pg_current_wal_lsn() AS lsn');
  const lsn = String(rows[0].lsn);
  await client.query(`UPDATE customers SET balance = balance + 1 WHERE id = 1`);
  const deadline = Date.now() + CATCH_UP_MS;
  for (;;) {
    await service.check(CONNECTOR);
    const slot = await client.query(
      `SELECT confirmed_flush_lsn > $1::pg_lsn AS done FROM pg_replication_slots`,
      [lsn],
    );
    const stale = (await service.tables(CONNECTOR)).some((table) => table.state === 'stale');
    if (slot.rows[0]?.done === true && !stale) return;
    if (Date.now() > deadline)
      throw new Error(`the lake did not reach ${lsn} within ${CATCH_UP_MS / 1000} s`);
    await sleep(200);
  }
}

async function compareAll(client: pg.Client, folder: string): Promise<boolean> {
  const catalog = await openCatalog('iceberg', catalogConfig(folder, ''));
  const reader = await LakeReader.open(extensionsFromEnvironment());
  print(`\ncomparing row by row, through ${reader.how}:`);
  let good = true;
  try {
    for (const table of TABLES) {
      const result = await compareTable(
        client,
        table,
        await catalog.load({ namespace: [NAMESPACE], name: table }),
        reader,
      );
      const verdict = result.differences === 0 ? 'equal' : `${result.differences} DIFFERENCES`;
      print(
        `  ${table.padEnd(12)} ${String(result.sourceRows).padStart(8)} rows in PostgreSQL, ${String(result.lakeRows).padStart(8)} in Iceberg: ${verdict}`,
      );
      for (const example of result.examples) print(`      ${example}`);
      good &&= result.differences === 0;
    }
  } finally {
    reader.close();
    await catalog.close();
  }
  print(good ? '\nEvery table in the lake equals its source.' : '\nThe lake differs from its source.');
  return good;
}

/** Paths of DuckDB extension files, for machines that cannot reach its extension server. */
function extensionsFromEnvironment(): string[] {
  return (process.env['ICESTREAM_DUCKDB_EXTENSIONS'] ?? '').split(',').filter((path) => path !== '');
}

async function untilInterrupted(service: DemoService, folder: string, port: number): Promise<void> {
  print(`
kept running until Ctrl-C:
  REST API    ${service.url}/connectors/${CONNECTOR}/status
  metrics     ${service.url}/metrics
  PostgreSQL  postgresql://postgres@127.0.0.1:${port}/postgres
  catalog     sqlite:///${join(folder, 'catalog.db')}   (Iceberg SQL catalog "iceberg")
  warehouse   ${join(folder, 'warehouse')}
  log         ${join(folder, 'service', 'icestream.log')}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function connect(port: number): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  return client;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
