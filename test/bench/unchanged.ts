/**
 * Unchanged large values: a table with random UUID keys, updates of which one in a hundred leaves a large value unchanged.
 * Reported is what the look-up of those values in the lake costs per commit (rule P-6).
 *
 *   npm run bench:unchanged -- [--rows N] [--updates N] [--commits N]
 */
import { parseArgs } from 'node:util';
import { BenchDatabase, BenchService, confirmed, count, median, printTable } from './harness.ts';

const NAME = 'bench_unchanged';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    updates: { type: 'string', default: '10000' },
    commits: { type: 'string', default: '5' },
  },
});
const rows = Number(values.rows);
const updates = Number(values.updates);

const database = await BenchDatabase.start();
const service = await BenchService.start();
try {
  await fill();
  const config = service.config(database, NAME, {
    'table.include.list': 'public.documents',
    'iceberg.control.commit.interval-ms': '2000',
  });
  await service.create(NAME, config);
  await settled();
  const seconds: number[] = [];
  const bytes: number[] = [];
  for (let i = 0; i < Number(values.commits); i++) {
    const before = await metrics();
    await update(i);
    await settled();
    const after = await metrics();
    bytes.push(after.lookupBytes - before.lookupBytes);
    seconds.push(after.commitSeconds - before.commitSeconds);
  }
  printTable(
    `${count(rows)} rows with random UUID keys, commits of ${count(updates)} updates, 1 % with an unchanged large value, median of ${values.commits}`,
    [
      ['rows looked up per commit', 'bytes read per commit', 'time per commit', 'peak RSS'],
      [
        count(updates / 100),
        `${(median(bytes) / 1e6).toFixed(1)} MB`,
        `${median(seconds).toFixed(2)} s`,
        `${count(service.peakRssMb)} MB`,
      ],
    ],
  );
} finally {
  await service.stop();
  await database.stop();
}

/** One row in a hundred has a value that is stored out of line. */
async function fill(): Promise<void> {
  const { client } = database;
  await client.query('CREATE TABLE documents (id uuid PRIMARY KEY, n int NOT NULL, body text)');
  await client.query('ALTER TABLE documents ALTER COLUMN body SET STORAGE EXTERNAL');
  const step = 1_000_000;
  for (let first = 1; first <= rows; first += step) {
    await client.query(
      `INSERT INTO documents SELECT md5(g::text)::uuid, g, CASE WHEN g % 100 = 0 THEN repeat(md5(g::text), 100) END
       FROM generate_series(${first}, ${Math.min(rows, first + step - 1)}) g`,
    );
  }
  await client.query('ANALYZE documents');
}

async function update(round: number): Promise<void> {
  // Without a factor in common with 100, so that one row in a hundred is one with a large value.
  let stride = Math.max(1, Math.floor(rows / updates));
  while (stride % 2 === 0 || stride % 5 === 0) stride--;
  await database.client.query(
    `UPDATE documents SET n = n + 1 WHERE id IN (SELECT md5((1 + (i * ${stride}::bigint + ${round * 7}) % ${rows})::text)::uuid FROM generate_series(1, ${updates}) i)`,
  );
}

async function settled(): Promise<void> {
  const lsn = await database.value('SELECT pg_current_wal_insert_lsn()');
  await database.client.query(`UPDATE documents SET n = n WHERE id = md5('1')::uuid`);
  await confirmed(database, NAME, lsn, () => service.check(NAME));
}

async function metrics(): Promise<{ lookupBytes: number; commitSeconds: number }> {
  // The task reports once a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    lookupBytes: value('icestream_table_lookup_bytes_total'),
    commitSeconds: value('icestream_commit_duration_seconds_total'),
  };
}
