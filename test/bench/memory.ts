/**
 * Peak memory of the whole service by shape of the data, each in a process of its own: snapshots of more and more rows,
 * rows of 2 MB from a snapshot and from the log, and one large transaction.
 *
 *   npm run bench:memory -- [--rows N,N] [--wide N] [--transaction N]
 */
import { parseArgs } from 'node:util';
import { BenchDatabase, BenchService, COLUMNS, count, fillTable, printTable, rowsSql } from './harness.ts';

const LIMIT_MB = 512;
const WIDE_COLUMNS = 'id bigint PRIMARY KEY, content text';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000,10000000' },
    wide: { type: 'string', default: '300' },
    transaction: { type: 'string', default: '2000000' },
  },
});

interface Case {
  readonly title: string;
  readonly table: string;
  readonly rows: number;
  /** From the log instead of a snapshot: runs `fill` behind a slot. */
  readonly streamed: boolean;
  fill(table: string): Promise<void>;
}

const wide = Number(values.wide);
const transaction = Number(values.transaction);
const cases: readonly Case[] = [
  ...values.rows
    .split(',')
    .map(Number)
    .map((rows) => ({
      title: `snapshot, ${count(rows)} rows of 150 bytes`,
      table: `rows_${rows}`,
      rows,
      streamed: false,
      fill: (table: string) => fillTable(database, table, rows),
    })),
  {
    title: `snapshot, ${count(wide)} rows of 2 MB`,
    table: 'wide_read',
    rows: wide,
    streamed: false,
    fill: fillWide,
  },
  {
    title: `stream, ${count(wide)} rows of 2 MB`,
    table: 'wide_streamed',
    rows: wide,
    streamed: true,
    fill: fillWide,
  },
  {
    title: `stream, one transaction of ${count(transaction)} rows`,
    table: 'one_transaction',
    rows: transaction,
    streamed: true,
    fill: async (table) => {
      await database.client.query(`INSERT INTO ${table} ${rowsSql(1, transaction)}`);
    },
  },
];

const database = await BenchDatabase.start();
try {
  const lines: string[][] = [];
  for (const one of cases) lines.push(await measure(one));
  printTable(`peak memory of the service, limit ${LIMIT_MB} MB`, [
    ['', 'seconds', 'rows/s', 'peak RSS', ''],
    ...lines,
  ]);
} finally {
  await database.stop();
}

async function measure(one: Case): Promise<string[]> {
  const { table, rows, streamed } = one;
  const name = `memory_${table}`;
  if (streamed) await prepareLog(one, name);
  else await one.fill(table);
  const service = await BenchService.start();
  try {
    const config = service.config(database, name, {
      'snapshot.mode': streamed ? 'no_data' : 'initial_only',
      'table.include.list': `public.${table}`,
      'iceberg.control.commit.interval-ms': '2000',
    });
    const started = performance.now();
    await service.create(name, config);
    await service.rowsInLake(name, `${name}_public.${table}`, rows);
    const seconds = (performance.now() - started) / 1000;
    const peak = service.peakRssMb;
    process.stderr.write(`${one.title}: ${seconds.toFixed(1)} s, ${count(peak)} MB\n`);
    const verdict = peak <= LIMIT_MB ? 'within' : 'BEYOND';
    return [one.title, seconds.toFixed(1), count(rows / seconds), `${count(peak)} MB`, verdict];
  } finally {
    await service.remove(name);
    await service.stop();
    await database.dropSlot(name);
    await database.client.query(`DROP TABLE ${table}`);
  }
}

/** The slot is there before the rows, as after a stop of the service. */
async function prepareLog(one: Case, name: string): Promise<void> {
  const { client } = database;
  const columns = one.fill === fillWide ? WIDE_COLUMNS : COLUMNS;
  await client.query(`CREATE TABLE ${one.table} (${columns})`);
  await client.query(`CREATE PUBLICATION ${name} FOR TABLE ${one.table}`);
  await client.query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  await one.fill(one.table);
}

async function fillWide(table: string): Promise<void> {
  await database.client.query(`CREATE TABLE IF NOT EXISTS ${table} (${WIDE_COLUMNS})`);
  for (let id = 1; id <= wide; id++) {
    await database.client.query(
      `INSERT INTO ${table} SELECT ${id}, string_agg(md5(${id} || '/' || i), '') FROM generate_series(1, 65536) i`,
    );
  }
}
