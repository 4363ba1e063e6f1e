import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../services/postgres.ts';

/** A PostgreSQL 15 of the benchmark's own, whose clients (psql, pg_recvlogical) are the limits that are compared with. */
export class BenchDatabase {
  readonly url: string;
  readonly port: number;
  readonly client: pg.Client;
  readonly #stop: () => Promise<void>;

  constructor(url: string, client: pg.Client, stop: () => Promise<void>) {
    this.url = url;
    this.port = Number(new URL(url).port);
    this.client = client;
    this.#stop = stop;
  }

  static async start(): Promise<BenchDatabase> {
    const settings = {
      shared_buffers: '256MB',
      max_wal_size: '8GB',
      synchronous_commit: 'off',
      autovacuum: 'off',
    };
    const server = await startPostgres({ version: 15, settings });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    return new BenchDatabase(server.url, client, () => server.stop());
  }

  async value(sql: string, values: unknown[] = []): Promise<string> {
    const result = await this.client.query({ text: sql, values, rowMode: 'array' });
    return String((result.rows as unknown[][])[0]?.[0]);
  }

  /** Also while its connection is still going away. */
  async dropSlot(name: string): Promise<void> {
    const sql = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';
    for (let left = 50; ; left--) {
      try {
        await this.client.query(sql, [name]);
        return;
      } catch (error) {
        if (left === 0) throw error;
        await sleep(100);
      }
    }
  }

  async stop(): Promise<void> {
    await this.client.end();
    await this.#stop();
  }
}

/** Fills a new table with `rows` rows, in chunks, so that it may be large. */
export async function fillTable(database: BenchDatabase, table: string, rows: number): Promise<void> {
  await database.client.query(`CREATE TABLE ${table} (${COLUMNS})`);
  for (let first = 1; first <= rows; first += 100_000) {
    await database.client.query(`INSERT INTO ${table} ${rowsSql(first, Math.min(first + 99_999, rows))}`);
  }
  await database.client.query(`VACUUM ANALYZE ${table}`);
  await database.client.query('CHECKPOINT');
}

/** Rows of about 150 bytes in eight columns. */
export const COLUMNS = `id bigint PRIMARY KEY, cust int, name varchar(40), email text, amount numeric(12,2), active boolean,
  created timestamp(6), note text`;

export function rowsSql(first: number, last: number): string {
  return `SELECT g, (g::bigint * 7919) % 100000, 'customer name ' || g, 'user' || g || '@example.com', (g % 1000000) / 100.0, g % 2 = 0,
    timestamp '2024-01-01' + g * interval '1 second', repeat(md5(g::text), 2) FROM generate_series(${first}, ${last}) g`;
}

export interface Usage {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

/** A command's wall and CPU time. */
export async function timed(command: string, args: readonly string[]): Promise<Usage> {
  const started = performance.now();
  const shell = `times_before=0; "$0" "$@" > /dev/null; code=$?; times >&2; exit $code`;
  const { stderr } = await promisify(execFile)('bash', ['-c', shell, command, ...args], {
    maxBuffer: 1 << 24,
  });
  const seconds = (performance.now() - started) / 1000;
  const [, children] = stderr.trim().split('\n').slice(-2);
  const cpu = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
  return { seconds, cpuSeconds: cpu, peakRssMb: 0 };
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let built: Promise<unknown> | null = null;

/** What an installed package runs: without types, whose removal costs each thread time and memory. */
async function builtMain(): Promise<string> {
  built ??= promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT });
  await built;
  return join(ROOT, 'dist/main.js');
}

/** The service in a process of its own, with a warehouse in a folder of its own. */
export class BenchService {
  readonly folder: string;
  readonly url: string;
  readonly #process: ChildProcess;

  constructor(folder: string, url: string, process: ChildProcess) {
    this.folder = folder;
    this.url = url;
    this.#process = process;
  }

  static async start(workerProperties: Readonly<Record<string, string>> = {}): Promise<BenchService> {
    const folder = mkdtempSync(join(tmpdir(), 'icestream-bench-'));
    mkdirSync(folder, { recursive: true });
    const properties = {
      listeners: 'http://127.0.0.1:0',
      'icestream.state.dir': join(folder, 'state'),
      ...workerProperties,
    };
    const file = join(folder, 'worker.properties');
    writeFileSync(
      file,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    const main = await builtMain();
    const options = (process.env['ICESTREAM_BENCH_NODE_OPTIONS'] ?? '')
      .split(' ')
      .filter((option) => option !== '');
    // As after a restart: the code was compiled before.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'icestream-bench-code') };
    const child = spawn(process.execPath, [...options, main, file], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        const found = /REST at (http:\S+?),/.exec(String(chunk))?.[1];
        if (found !== undefined) resolve(found);
        if (process.env['ICESTREAM_BENCH_VERBOSE'] !== undefined) process.stderr.write(chunk);
      });
      child.once('exit', () => reject(new Error('the service did not start')));
    });
    return new BenchService(folder, url, child);
  }

  config(
    database: BenchDatabase,
    name: string,
    more: Readonly<Record<string, string>>,
  ): Record<string, string> {
    return {
      ...sourceConfig(database, name),
      sinks: 'iceberg',
      'iceberg.catalog.type': 'sql',
      'iceberg.catalog.uri': `sqlite:///${this.folder}/catalog.db`,
      'iceberg.catalog.warehouse': `${this.folder}/warehouse`,
      ...more,
    };
  }

  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    const response = await fetch(`${this.url}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config }),
    });
    if (response.status !== 201) throw new Error(await response.text());
  }

  async remove(name: string): Promise<void> {
    await fetch(`${this.url}/connectors/${name}`, { method: 'DELETE' });
  }

  /** Throws when the task has failed. */
  async check(name: string): Promise<void> {
    const status = (await (await fetch(`${this.url}/connectors/${name}/status`)).json()) as {
      tasks?: { state: string; trace?: string }[];
    };
    if (status.tasks?.[0]?.state === 'FAILED') throw new Error(status.tasks[0].trace);
  }

  /** Waits until the table has `rows` rows; reads its metadata, so that the service has nothing to answer meanwhile. */
  async rowsInLake(connector: string, table: string, rows: number): Promise<void> {
    for (let i = 0; this.#totalRecords(table) < rows; i++) {
      if (i % 20 === 0) await this.check(connector);
      await sleep(50);
    }
  }

  /** Of the current table snapshot, 0 where there is none yet. */
  #totalRecords(table: string): number {
    const path = join(this.folder, 'catalog.db');
    if (!existsSync(path)) return 0;
    const catalog = new DatabaseSync(path, { readOnly: true });
    try {
      const found = catalog
        .prepare('SELECT metadata_location AS location FROM iceberg_tables WHERE table_name = ?')
        .get(table.slice(table.indexOf('.') + 1)) as { location: string } | undefined;
      if (found === undefined) return 0;
      const metadata = JSON.parse(readFileSync(found.location.replace(/^file:\/\//, ''), 'utf8')) as {
        'current-snapshot-id'?: number;
        snapshots?: { 'snapshot-id': number; summary: Record<string, string> }[];
      };
      // The ids are beyond what a double holds exactly, but both were rounded alike.
      const current = metadata.snapshots?.find(
        (snapshot) => snapshot['snapshot-id'] === metadata['current-snapshot-id'],
      );
      return Number(current?.summary['total-records'] ?? 0);
    } catch (error) {
      // Busy, not made yet, or removed between the look-up and the reading: looked at again.
      if (error instanceof Error && /locked|no such table|ENOENT/.test(error.message)) return 0;
      throw error;
    } finally {
      catalog.close();
    }
  }

  /** User and system time of the whole process so far, seconds. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  get peakRssMb(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
    if (process.env['ICESTREAM_BENCH_KEEP'] === undefined && existsSync(this.folder))
      rmSync(this.folder, { recursive: true });
  }
}

/** Waits until `slot` has confirmed `lsn`: everything before it is durable in the lake. */
export async function confirmed(
  database: BenchDatabase,
  slot: string,
  lsn: string,
  check: () => Promise<void>,
): Promise<void> {
  const sql = `SELECT confirmed_flush_lsn >= $2::pg_lsn FROM pg_replication_slots WHERE slot_name = $1`;
  for (let i = 0; (await database.value(sql, [slot, lsn])) !== 'true'; i++) {
    if (i % 20 === 0) await check();
    await sleep(50);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

export function printTable(title: string, rows: readonly (readonly string[])[]): void {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const [head, ...body] = rows;
  const ruler = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  process.stdout.write(
    `\n${title}\n(${machine()})\n\n${[line(head), ruler, ...body.map(line)].join('\n')}\n`,
  );
}

function machine(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `${cpus().length} x ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${date}`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** What a connector of either service needs to know of the database. */
export function sourceConfig(database: BenchDatabase, name: string): Record<string, string> {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': '127.0.0.1',
    'database.port': String(database.port),
    'database.user': 'postgres',
    'database.password': 'none',
    'database.dbname': 'postgres',
    'plugin.name': 'pgoutput',
    'topic.prefix': name,
    'slot.name': name,
    'publication.name': name,
    'publication.autocreate.mode': 'filtered',
  };
}
