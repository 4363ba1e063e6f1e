import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import pino from 'pino';
import { TaskMetrics } from '../../../src/base/metrics.ts';
import { postgresSource } from '../../../src/capture/postgres/index.ts';
import type { PostgresOffset } from '../../../src/capture/postgres/offset.ts';
import type { Source } from '../../../src/capture/source.ts';
import type { ChangeBatch } from '../../../src/record/batch.ts';
import { type PlainRow, plainRows } from './plain.ts';

/** Where a connector under test connects to. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
}

export function configFor(
  address: Address,
  overrides: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'topic.prefix': 'p',
    'plugin.name': 'pgoutput',
    sinks: 'iceberg',
    'database.hostname': address.host,
    'database.port': String(address.port),
    'database.user': address.user,
    'database.password': 'unused',
    'database.dbname': address.name,
    'publication.autocreate.mode': 'filtered',
    'table.include.list': 'public\\..*',
    'snapshot.mode': 'no_data',
    ...overrides,
  };
}

/** One run of the source, pulled by hand. */
export class Capture {
  readonly source: Source;
  readonly metrics: TaskMetrics;
  readonly spoolDir: string;
  readonly batches: ChangeBatch[] = [];
  readonly rows: PlainRow[] = [];
  /** The last offset that came with a batch. */
  offset: PostgresOffset | null = null;
  readonly #iterator: AsyncIterator<ChangeBatch>;
  readonly #stop = new AbortController();

  private constructor(source: Source, metrics: TaskMetrics, spoolDir: string, from: PostgresOffset | null) {
    this.source = source;
    this.metrics = metrics;
    this.spoolDir = spoolDir;
    this.#iterator = source.read(from, this.#stop.signal)[Symbol.asyncIterator]();
  }

  static async open(
    config: Readonly<Record<string, string>>,
    from: PostgresOffset | null = null,
    memoryBytes = 64 << 20,
  ): Promise<Capture> {
    const metrics = new TaskMetrics();
    const spoolDir = await mkdtemp(join(tmpdir(), 'icestream-spool-'));
    const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
    const context = { connector: 'test', task: 0, log, metrics, spoolDir, memoryBytes };
    return new Capture(await postgresSource.create(config, context), metrics, spoolDir, from);
  }

  /** The next batch, null when the source has ended. */
  async next(): Promise<ChangeBatch | null> {
    const { done, value } = await this.#iterator.next();
    if (done) return null;
    this.batches.push(value);
    this.rows.push(...plainRows(value));
    // Rows may be looked at later.
    if (value.rowCount === 0) value.lease.release();
    if (value.offset !== null) this.offset = value.offset as PostgresOffset;
    return value;
  }

  /** Reads on until `rows` holds so many, and answers all of them. */
  async until(count: number): Promise<PlainRow[]> {
    while (this.rows.length < count) {
      if ((await this.next()) === null) throw new Error(`the source ended after ${this.rows.length} rows`);
    }
    return this.rows;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#iterator.return?.();
    await this.source.close();
  }
}

export async function clientOf(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/**
 * Resolves when the stream from `slot` runs. A slot alone says too little: it counts as active while it is being made,
 * and what is committed before that has ended is never streamed from it.
 */
export async function untilStreaming(client: Client, slot: string): Promise<void> {
  for (let isStreaming = false; !isStreaming; ) {
    const { rows } = await client.query(
      `SELECT 1 FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
       WHERE s.slot_name = $1 AND r.state IN ('catchup', 'streaming')`,
      [slot],
    );
    isStreaming = rows.length > 0;
  }
}
