/**
 * Snapshot: a table of eight columns to Iceberg on a local disk, against `psql` copying it to nowhere, in turns on one
 * machine. Ours ends when all rows are in committed table snapshots.
 *
 *   npm run bench:snapshot -- [--rows N] [--threads N] [--repeat N]
 */
import { parseArgs } from 'node:util';
import { BenchDatabase, BenchService, count, fillTable, median, printTable, timed } from './harness.ts';

const TABLE = 'bench_rows';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    threads: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '3' },
  },
});
const rows = Number(values.rows);

const database = await BenchDatabase.start();
try {
  await fillTable(database, TABLE, rows);
  const limit: { rate: number; perCpu: number }[] = [];
  const ours: { rate: number; perCpu: number; rss: number }[] = [];
  for (let i = 0; i < Number(values.repeat); i++) {
    limit.push(await copyToNowhere());
    ours.push(await snapshotToLake(`bench_snapshot_${i}`));
  }
  const rate = median(ours.map((run) => run.rate));
  const copied = median(limit.map((run) => run.rate));
  printTable(
    `${count(rows)} rows of 8 columns, snapshot.max.threads=${values.threads}, median of ${values.repeat}`,
    [
      ['', 'rows/s', 'of psql COPY', 'rows per CPU second', 'peak RSS'],
      [
        'psql COPY BINARY to /dev/null',
        count(copied),
        '100 %',
        count(median(limit.map((run) => run.perCpu))),
        '',
      ],
      [
        'icestream to Iceberg',
        count(rate),
        `${Math.round((rate / copied) * 100)} %`,
        count(median(ours.map((run) => run.perCpu))),
        `${count(median(ours.map((run) => run.rss)))} MB`,
      ],
    ],
  );
} finally {
  await database.stop();
}

async function copyToNowhere() {
  const copy = `COPY ${TABLE} TO STDOUT (FORMAT binary)`;
  const { seconds, cpuSeconds } = await timed('psql', [database.url, '-qc', copy]);
  return { rate: rows / seconds, perCpu: rows / cpuSeconds };
}

async function snapshotToLake(name: string) {
  const service = await BenchService.start();
  try {
    const config = service.config(database, name, {
      'snapshot.mode': 'initial_only',
      'snapshot.max.threads': values.threads,
      'table.include.list': `public.${TABLE}`,
      'iceberg.control.commit.interval-ms': '2000',
    });
    const cpuBefore = service.cpuSeconds;
    const started = performance.now();
    await service.create(name, config);
    await service.rowsInLake(name, `${name}_public.${TABLE}`, rows);
    const seconds = (performance.now() - started) / 1000;
    const cpu = service.cpuSeconds - cpuBefore;
    process.stderr.write(`${name}: ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} CPU s\n`);
    return { rate: rows / seconds, perCpu: rows / cpu, rss: service.peakRssMb };
  } finally {
    await service.remove(name);
    await service.stop();
    await database.dropSlot(name);
  }
}
