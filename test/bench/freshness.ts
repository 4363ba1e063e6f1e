/**
 * Freshness: from the return of a commit in PostgreSQL until the catalog shows a snapshot that holds it, at a steady rate.
 * The second half measures again after the tables have taken many commits.
 *
 *   npm run bench:freshness -- [--seconds N] [--rate N] [--interval MS] [--age COMMITS]
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { branchHead, parseTableMetadata } from '../../src/iceberg/metadata.ts';
import { BenchDatabase, BenchService, COLUMNS, count, printTable, rowsSql } from './harness.ts';

const NAME = 'bench_fresh';
const TRANSACTIONS_PER_SECOND = 100;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    rate: { type: 'string', default: '1000' },
    interval: { type: 'string', default: '1000' },
    age: { type: 'string', default: '3600' },
  },
});
const seconds = Number(values.seconds);
const rate = Number(values.rate);

interface Pending {
  readonly lsn: bigint;
  readonly committed: number;
}

const database = await BenchDatabase.start();
const service = await BenchService.start();
let nextId = 1;
let catalog: DatabaseSync | null = null;
try {
  await database.client.query(`CREATE TABLE fresh (${COLUMNS})`);
  await start(values.interval);
  const young = await measure();
  await restart('20');
  const commits = await age(Number(values.age));
  await restart(values.interval);
  const old = await measure();
  printTable(
    `Freshness at ${count(rate)} changes/s, commit interval ${values.interval} ms, PostgreSQL commit to visible in Iceberg`,
    [
      ['', 'transactions', 'p50', 'p99', 'largest'],
      ['a new table', ...row(young)],
      [`after ${count(commits)} commits`, ...row(old)],
    ],
  );
} finally {
  await service.stop();
  await database.stop();
}

function row(latencies: readonly number[]): string[] {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])} ms`;
  return [count(sorted.length), at(0.5), at(0.99), at(1)];
}

async function start(intervalMs: string): Promise<void> {
  const config = service.config(database, NAME, {
    'snapshot.mode': 'initial',
    'table.include.list': 'public.fresh',
    'iceberg.control.commit.interval-ms': intervalMs,
  });
  await service.create(NAME, config);
  await insert(database.client, 10);
  await visible(await position(), 60_000);
}

/** The same connector with another interval: deleted and created again, it goes on where it was. */
async function restart(intervalMs: string): Promise<void> {
  await service.remove(NAME);
  await start(intervalMs);
}

async function measure(): Promise<number[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const pending: Pending[] = [];
  const latencies: number[] = [];
  let done = false;
  const watching = (async () => {
    while (!done || pending.length > 0) {
      const lsn = lakePosition();
      const now = performance.now();
      while (pending.length > 0 && pending[0].lsn <= lsn) latencies.push(now - pending.shift()!.committed);
      await service.check(NAME);
      await sleep(10);
    }
  })();
  const started = performance.now();
  for (let i = 0; i < seconds * TRANSACTIONS_PER_SECOND; i++) {
    const due = started + (i * 1000) / TRANSACTIONS_PER_SECOND;
    if (due > performance.now()) await sleep(due - performance.now());
    await insert(client, rate / TRANSACTIONS_PER_SECOND);
    const committed = performance.now();
    pending.push({ lsn: await position(client), committed });
  }
  done = true;
  await watching;
  await client.end();
  return latencies;
}

/** Commits as fast as they come until the table has had so many. */
async function age(commits: number): Promise<number> {
  const before = commitCount();
  while (commitCount() - before < commits) {
    await insert(database.client, 10);
    await sleep(1);
  }
  return commitCount() - before;
}

async function insert(client: pg.Client, rows: number): Promise<void> {
  await client.query(`INSERT INTO fresh ${rowsSql(nextId, nextId + rows - 1)}`);
  nextId += rows;
}

async function position(client: pg.Client = database.client): Promise<bigint> {
  const { rows } = await client.query(`SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS lsn`);
  return BigInt(rows[0].lsn as string) - 64n;
}

async function visible(lsn: bigint, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (lakePosition() < lsn) {
    if (Date.now() > deadline) throw new Error('the change did not become visible');
    await service.check(NAME);
    await sleep(50);
  }
}

/** The position that the newest snapshot names in its summary. */
function lakePosition(): bigint {
  const summary = head()?.summary['icestream.to'];
  return summary === undefined ? 0n : BigInt((JSON.parse(summary) as { lsn: number }).lsn);
}

function commitCount(): number {
  return Number(head()?.['sequence-number'] ?? 0n);
}

/** The newest snapshot, null while there is no table. */
function head() {
  const path = join(service.folder, 'catalog.db');
  if (!existsSync(path)) return null;
  catalog ??= new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  const isReady =
    catalog.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'iceberg_tables'`).get() !== undefined;
  if (!isReady) return null;
  const found = catalog
    .prepare(`SELECT metadata_location FROM iceberg_tables WHERE table_name = 'fresh'`)
    .get();
  if (found === undefined) return null;
  const location = String(found['metadata_location']).replace(/^file:\/\//, '');
  return branchHead(parseTableMetadata(readFileSync(location), location));
}
