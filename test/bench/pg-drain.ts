/**
 * Drains a slot to nowhere: what receiving and decoding cost by themselves.
 *
 *   node test/bench/pg-drain.ts postgresql://postgres@127.0.0.1:5432/postgres [rows] [rows per transaction]
 *
 * Fills a table with `rows` rows behind a fresh slot, then reads them, once with `pg_recvlogical` where that is
 * installed (the limit that the server sets) and once with ours. Prints rows per second and per CPU second.
 */
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import pino from 'pino';
import { TaskMetrics } from '../../src/base/metrics.ts';
import { connectReplication, takeSocket } from '../../src/capture/postgres/connection.ts';
import { LSN_NONE, parseLsn } from '../../src/capture/postgres/lsn.ts';
import { PostgresOffset } from '../../src/capture/postgres/offset.ts';
import { Spool } from '../../src/capture/postgres/spool.ts';
import { ChangeStream } from '../../src/capture/postgres/stream.ts';
import { plainCatalog } from './plain-catalog.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const url = new URL(positionals[0] ?? 'postgresql://postgres@127.0.0.1:5432/postgres');
const rows = Number(positionals[1] ?? 500_000);
const perTransaction = Number(positionals[2] ?? 1000);
const database = url.pathname.slice(1);
const connection = { host: url.hostname, port: Number(url.port || 5432), user: url.username, database };

const client = new Client({ ...connection, password: url.password });
await client.connect();
await client.query('DROP TABLE IF EXISTS drain');
await client.query(
  'CREATE TABLE drain (id bigint PRIMARY KEY, customer int, product text, price numeric(10,2), at timestamptz, note text, paid boolean, share float8)',
);
await client.query('DROP PUBLICATION IF EXISTS drain');
await client.query('CREATE PUBLICATION drain FOR TABLE drain');
const slot = await client.query("SELECT lsn FROM pg_create_logical_replication_slot('drain', 'pgoutput')");
await client.query("SELECT pg_create_logical_replication_slot('drain_peer', 'pgoutput')");
try {
  for (let from = 0; from < rows; from += perTransaction) {
    await client.query(
      `INSERT INTO drain SELECT i, i % 1000, 'product ' || (i % 5000), (i % 9999) / 100.0, now(), repeat('x', (40 + i % 20)::int), i % 2 = 0, i / 7.0
       FROM generate_series($1::bigint, $2::bigint) i`,
      [from, Math.min(rows, from + perTransaction) - 1],
    );
  }
  const end = (await client.query('SELECT pg_current_wal_flush_lsn() AS lsn')).rows[0].lsn as string;
  peer(end);
  await ours(parseLsn(slot.rows[0].lsn));
} finally {
  await client.query(
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'drain%' AND NOT active",
  );
  await client.end();
}

function peer(end: string): void {
  const started = performance.now();
  const args = ['--slot=drain_peer', '--start', `--endpos=${end}`, '-f', '/dev/null', '-d', url.href];
  const options = ['proto_version=1', 'publication_names=drain'].flatMap((option) => ['-o', option]);
  try {
    execFileSync('pg_recvlogical', [...args, ...options, '--no-loop'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    console.log(`pg_recvlogical   not run: ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`);
    return;
  }
  report('pg_recvlogical', performance.now() - started, 0);
}

async function ours(from: bigint): Promise<void> {
  const metrics = new TaskMetrics();
  const signal = new AbortController().signal;
  const replication = await connectReplication({
    ...connection,
    password: url.password,
    applicationName: 'drain',
    sslMode: 'disable',
    sslCert: '',
    sslKey: '',
    sslPassword: '',
    sslRootCert: '',
    tcpKeepAlive: true,
    connectTimeoutMs: 10_000,
    initialStatements: [],
  });
  const version = Number((await client.query('SHOW server_version_num')).rows[0].server_version_num);
  const spool = new Spool(join(tmpdir(), `icestream-drain-${process.pid}`), 20e9, metrics);
  await spool.clear();
  const stream = new ChangeStream({
    socket: takeSocket(replication),
    slot: 'drain',
    publication: 'drain',
    serverVersion: Math.floor(version / 10_000),
    binary: version >= 140_000,
    parameters: new Map(),
    from: new PostgresOffset({
      epoch: 0,
      lsn: from,
      txId: null,
      timestampMicros: 0,
      initialSnapshot: false,
      progress: null,
      mayExistUntil: LSN_NONE,
    }),
    database,
    catalog: plainCatalog(),
    interleave: null,
    wantsMessage: () => false,
    spool,
    statusIntervalMs: 10_000,
    memoryBytes: 32 * 1024 * 1024,
    metrics,
    log: pino({ level: 'silent' }),
  });
  const cpu = process.cpuUsage();
  const started = performance.now();
  await stream.start();
  let seen = 0;
  let batches = 0;
  while (seen < rows) {
    const batch = await stream.next(signal);
    if (batch === null) break;
    seen += batch.rowCount;
    batches++;
  }
  const { user, system } = process.cpuUsage(cpu);
  report('icestream drain', performance.now() - started, (user + system) / 1e6);
  console.log(
    `${' '.repeat(17)}${batches} batches, user ${user / 1e6} s, system ${system / 1e6} s, rss ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
  );
  await stream.close();
}

function report(name: string, ms: number, cpuSeconds: number): void {
  const perCpu = cpuSeconds === 0 ? '' : `${Math.round(rows / cpuSeconds).toLocaleString('en')} rows/CPU-s`;
  console.log(
    `${name.padEnd(16)} ${Math.round(rows / (ms / 1000))
      .toLocaleString('en')
      .padStart(10)} rows/s  ${perCpu}`,
  );
}
