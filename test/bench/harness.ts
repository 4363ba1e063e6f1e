import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
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

  async stop(): Promise<void> {
    await this.client.end();
    await this.#stop();
  }
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
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
    const options = (process.env['ICESTREAM_BENCH_NODE_OPTIONS'] ?? '')
      .split(' ')
      .filter((option) => option !== '');
    const child = spawn(process.execPath, [...options, main, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const chunk of child.stdout) {
      const url = /REST at (http:\S+?),/.exec(String(chunk))?.[1];
      if (url !== undefined) {
        if (process.env['ICESTREAM_BENCH_VERBOSE'] === undefined) child.stdout.resume();
        else child.stdout.pipe(process.stderr);
        return new BenchService(folder, url, child);
      }
    }
    throw new Error('the service did not start');
  }

  config(
    database: BenchDatabase,
    name: string,
    more: Readonly<Record<string, string>>,
  ): Record<string, string> {
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
