/**
 * Streaming: changes that wait in a slot, to Iceberg on a local disk, against pg_recvlogical draining a copy of that slot
 * to nowhere, in turns on one machine.
 *
 *   npm run bench:stream -- [--inserts N] [--updates N] [--repeat N]
 */
import { parseArgs } from 'node:util';
import {
  BenchDatabase,
  BenchService,
  COLUMNS,
  confirmed,
  count,
  median,
  printTable,
  rowsSql,
  timed,
} from './harness.ts';

const BASE = 'bench_base';
const ROWS_PER_TRANSACTION = 1000;

const { values } = parseArgs({
  options: {
    inserts: { type: 'string', default: '1000000' },
    updates: { type: 'string', default: '200000' },
    repeat: { type: 'string', default: '3' },
  },
});
const inserts = Number(values.inserts);
const updates = Number(values.updates);
const changes = inserts + updates;

const database = await BenchDatabase.start();
try {
  const end = await fillSlot();
  const limit: number[] = [];
  const ours: { rate: number; perCpu: number; rss: number }[] = [];
  for (let i = 0; i < Number(values.repeat); i++) {
    limit.push(changes / (await drainToNowhere(end)).seconds);
    ours.push(await drainToLake(i, end));
  }
  const rate = median(ours.map((run) => run.rate));
  printTable(
    `${count(inserts)} inserts and ${count(updates)} updates from a slot, median of ${values.repeat}`,
    [
      ['', 'changes/s', 'of pg_recvlogical', 'changes per CPU second', 'peak RSS'],
      ['pg_recvlogical to /dev/null', count(median(limit)), '100 %', '', ''],
      [
        'icestream to Iceberg',
        count(rate),
        `${Math.round((rate / median(limit)) * 100)} %`,
        count(median(ours.map((run) => run.perCpu))),
        `${count(median(ours.map((run) => run.rss)))} MB`,
      ],
    ],
  );
} finally {
  await database.stop();
}

/** Returns a position that every change precedes and one more transaction follows. */
async function fillSlot(): Promise<string> {
  const { client } = database;
  await client.query(`CREATE TABLE bench_log (${COLUMNS})`);
  await client.query(`CREATE PUBLICATION ${BASE} FOR TABLE bench_log`);
  await client.query(`SELECT pg_create_logical_replication_slot('${BASE}', 'pgoutput')`);
  for (let first = 1; first <= inserts; first += ROWS_PER_TRANSACTION) {
    await client.query(
      `INSERT INTO bench_log ${rowsSql(first, Math.min(first + ROWS_PER_TRANSACTION - 1, inserts))}`,
    );
  }
  for (let first = 1; first <= updates; first += ROWS_PER_TRANSACTION) {
    const last = first + ROWS_PER_TRANSACTION - 1;
    await client.query(
      `UPDATE bench_log SET amount = amount + 1, note = note || 'x' WHERE id BETWEEN ${first} AND ${last}`,
    );
  }
  await client.query('CHECKPOINT');
  const end = await database.value('SELECT pg_current_wal_insert_lsn()');
  await client.query('UPDATE bench_log SET cust = cust WHERE id = 1');
  return end;
}

async function drainToNowhere(end: string) {
  await database.client.query(`SELECT pg_copy_logical_replication_slot('${BASE}', 'bench_limit')`);
  const target = [
    '-h',
    '127.0.0.1',
    '-p',
    String(database.port),
    '-U',
    'postgres',
    '-d',
    'postgres',
    '-S',
    'bench_limit',
  ];
  const options = [
    '--start',
    '-f',
    '/dev/null',
    '--no-loop',
    '--endpos',
    end,
    '-o',
    'proto_version=1',
    '-o',
    `publication_names=${BASE}`,
  ];
  const usage = await timed('pg_recvlogical', [...target, ...options]);
  await database.client.query(`SELECT pg_drop_replication_slot('bench_limit')`);
  return usage;
}

async function drainToLake(run: number, end: string) {
  const name = `bench_run_${run}`;
  await database.client.query(`SELECT pg_copy_logical_replication_slot('${BASE}', '${name}')`);
  const service = await BenchService.start();
  try {
    const config = service.config(database, name, {
      'snapshot.mode': 'no_data',
      'publication.name': BASE,
      'publication.autocreate.mode': 'disabled',
      'table.include.list': 'public.bench_log',
      'iceberg.control.commit.interval-ms': '2000',
    });
    const cpuBefore = service.cpuSeconds;
    const started = performance.now();
    await service.create(name, config);
    await confirmed(database, name, end, () => service.check(name));
    const seconds = (performance.now() - started) / 1000;
    const cpu = service.cpuSeconds - cpuBefore;
    process.stderr.write(`run ${run}: ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} CPU s\n`);
    return { rate: changes / seconds, perCpu: changes / cpu, rss: service.peakRssMb };
  } finally {
    await service.stop();
    await database.client.query(`SELECT pg_drop_replication_slot('${name}')`).catch(() => {});
  }
}
