import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { testDatabase } from '../services/postgres.ts';
import { catalogProperties, Lake } from './lake.ts';
import { Service, type ServiceOptions } from './service.ts';
import { until } from './until.ts';

export const CONNECTOR = 'shop';

export interface RigOptions {
  /** `postgresql://...`; default a database of one's own on the shared server. */
  readonly url?: string;
  /** Over the defaults of `connectorConfig`. */
  readonly config?: Readonly<Record<string, string>>;
  /** SQL for the lake's reader, the secret of an object store. */
  readonly reader?: readonly string[];
}

/** One connector from a database into a lake, with all that a test does to it. Everything goes away after the test. */
export class Rig {
  readonly folder: string;
  readonly url: string;
  /** Replaced after the server was restarted. */
  client: pg.Client;
  readonly config: Record<string, string>;
  readonly #reader: readonly string[];
  readonly #services: Service[] = [];
  readonly #cleanUps: (() => Promise<unknown>)[] = [];

  private constructor(
    folder: string,
    url: string,
    client: pg.Client,
    config: Record<string, string>,
    reader: readonly string[],
  ) {
    this.folder = folder;
    this.url = url;
    this.client = client;
    this.config = config;
    this.#reader = reader;
  }

  static async create(t: TestContext, options: RigOptions = {}): Promise<Rig> {
    const folder = await mkdtemp(join(tmpdir(), 'icestream-rig-'));
    const url = options.url ?? (await testDatabase()).url;
    const client = await connect(url);
    const config = { ...connectorConfig(folder, url), ...options.config };
    const rig = new Rig(folder, url, client, config, options.reader ?? []);
    t.after(() => rig.#close());
    return rig;
  }

  /** The service started last. */
  get service(): Service {
    return this.#services.at(-1)!;
  }

  /** Where the tables of schema public land. */
  get namespace(): string {
    return this.config['iceberg.tables.namespace'] ?? 'shop_public';
  }

  get slot(): string {
    return this.config['slot.name'];
  }

  /** Starts the service without a connector. */
  async startEmpty(options: Partial<ServiceOptions> = {}): Promise<Service> {
    const service = await Service.start({ folder: join(this.folder, 'service'), ...options });
    this.#services.push(service);
    return service;
  }

  /** Starts the service, and in it the connector unless the state directory has it. */
  async start(options: Partial<ServiceOptions> = {}): Promise<Service> {
    const service = await this.startEmpty(options);
    // A service that a failpoint ends may be gone before it has answered.
    await service.connector(CONNECTOR, this.config).catch((error) => {
      if (options.failpoint === undefined) throw error;
    });
    return service;
  }

  /** What is to be undone after the services have gone and before the folder goes. */
  cleanUp(undo: () => Promise<unknown>): void {
    this.#cleanUps.push(undo);
  }

  /** A service started elsewhere becomes the one that is waited for. */
  adopt(service: Service): void {
    this.#services.push(service);
  }

  /** Local state is lost, as on another machine (O-3). */
  async loseState(): Promise<void> {
    await rm(join(this.folder, 'service', 'state'), { recursive: true });
  }

  async sql(text: string): Promise<Record<string, unknown>[]> {
    const result = await this.client.query(text);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  }

  /**
   * Waits until everything committed so far is durable in the lake: the service says so of a position behind a change
   * made now, `beacon`, to a captured table, and the slot was told. The slot alone does not say it: one made anew begins
   * behind everything. And the change has to be streamed: where a snapshot has it, nothing need be written after it, and
   * progress without rows may be kept back for a minute.
   */
  async caughtUp(beacon: string, timeoutMs = 60_000): Promise<void> {
    await this.streaming(timeoutMs);
    const [{ lsn }] = await this.sql(`SELECT (pg_current_wal_lsn() - '0/0')::bigint::text AS lsn`);
    await this.sql(beacon);
    await until(`everything before ${lsn} durable`, () => this.#isBehind(BigInt(lsn as string)), {
      timeoutMs,
      alive: () => this.service.requireAlive(),
      detail: async () => `${JSON.stringify(await this.service.task(CONNECTOR))}\n${this.service.log()}`,
    });
  }

  async #isBehind(lsn: bigint): Promise<boolean> {
    const { body } = await this.service.request('GET', `/connectors/${CONNECTOR}/offsets`);
    const offset = (body as { offsets?: { offset: Record<string, unknown> }[] }).offsets?.[0]?.offset;
    if (offset === undefined || offset['snapshot'] !== undefined) return false;
    // Tables that are being read again are behind the rest.
    if (offset['icestream_snapshot'] !== undefined) return false;
    if (BigInt(String(offset['lsn'])) <= lsn) return false;
    const slots = await this.sql(
      `SELECT 1 FROM pg_replication_slots WHERE slot_name = '${this.slot}' AND confirmed_flush_lsn - '0/0' > ${lsn}`,
    );
    return slots.length > 0;
  }

  /** Waits until the snapshot is behind: a reader holds the slot. */
  async streaming(timeoutMs = 60_000): Promise<void> {
    // While a slot is being made it is active, too.
    const read = `SELECT 1 FROM pg_replication_slots JOIN pg_stat_replication ON pid = active_pid
      WHERE slot_name = '${this.slot}' AND state IN ('catchup', 'streaming')`;
    await until('the stream begins', async () => (await this.sql(read)).length > 0, {
      timeoutMs,
      alive: () => this.service.requireAlive(),
      detail: async () => `${JSON.stringify(await this.service.task(CONNECTOR))}\n${this.service.log()}`,
    });
  }

  async lake<T>(look: (lake: Lake) => Promise<T>): Promise<T> {
    const lake = await Lake.open(catalogProperties(this.config), this.#reader);
    try {
      return await look(lake);
    } finally {
      await lake.close();
    }
  }

  /** Every named table of schema public equals its table in the lake, row for row. */
  async requireEqual(...tables: readonly string[]): Promise<void> {
    await this.lake(async (lake) => {
      for (const table of tables) await lake.requireEqual(this.client, table, `${this.namespace}.${table}`);
    });
  }

  async #dropSlot(): Promise<void> {
    await this.sql(
      `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = '${this.slot}' AND active`,
    );
    await this.sql(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${this.slot}'`,
    );
  }

  async #close(): Promise<void> {
    for (const service of this.#services) if (service.running) await service.kill();
    // A slot that nobody reads keeps the server's log and one of its few places.
    await this.#dropSlot().catch(() => undefined);
    await this.client.end();
    for (const undo of this.#cleanUps) await undo();
    if (!process.env['ICESTREAM_TEST_KEEP']) await rm(this.folder, { recursive: true, force: true });
  }
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // Whoever queries next sees it.
  await client.connect();
  return client;
}

/** A PostgreSQL connector into a local warehouse, in a hurry: it commits often and waits briefly. */
export function connectorConfig(folder: string, url: string): Record<string, string> {
  const { hostname, port, pathname, username, password } = new URL(url);
  const database = pathname.slice(1);
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': hostname,
    'database.port': port,
    'database.user': username,
    'database.password': password || 'none',
    'database.dbname': database,
    'plugin.name': 'pgoutput',
    'topic.prefix': 'shop',
    'schema.include.list': 'public',
    'slot.name': `slot_${database}`,
    'slot.max.retries': '100',
    'slot.retry.delay.ms': '100',
    'status.update.interval.ms': '200',
    'retriable.restart.connector.wait.ms': '500',
    sinks: 'iceberg',
    'iceberg.catalog.type': 'sql',
    'iceberg.catalog.uri': `sqlite:///${join(folder, 'catalog.db')}`,
    'iceberg.catalog.warehouse': join(folder, 'warehouse'),
    'iceberg.control.commit.interval-ms': '100',
  };
}
