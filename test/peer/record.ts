import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../harness/until.ts';
import { ConnectClient } from './connect-client.ts';
import type { KafkaRecord, Recording } from './recording.ts';
import { changes, connectorConfig, schemaSql } from './scenario.ts';
import { Topics } from './topics.ts';

export interface Bench {
  /** The REST interface of Kafka Connect or of what stands in for it. */
  readonly connect: string;
  /** `127.0.0.1:PORT` of the broker. */
  readonly kafka: string;
  /** `postgresql://user:password@host:port/database`; its schemas public and inv are dropped and made anew. */
  readonly database: string;
  /** `http://...` of a schema registry, for the variants that use one. */
  readonly registry?: string;
}

export interface RecordOptions {
  readonly variant: string;
  /** `topic.prefix` and connector; its topics must not be there yet. */
  readonly prefix: string;
  /** A recording of the same: how many records there are to wait for. */
  readonly like?: Recording;
  /** Another file of variants. */
  readonly variants?: string | null;
  /** More properties of the connector. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Without a new record for so long, everything is taken to have come: nothing says so where the count is not known. */
const QUIET_MS = 3_000;
/** The same where the count is known and reached: whether one too many comes. */
const EXTRA_MS = 700;
/** Between two counts, each a request per topic. */
const COUNT_MS = 200;
const LIMIT_MS = 120_000;

/**
 * Runs the scenario: tables and rows, the connector, the changes once it streams, and then reads its topics. Connector,
 * offsets, topics, slot and publication are gone afterwards.
 */
export async function record(bench: Bench, options: RecordOptions): Promise<Recording> {
  const run = await Run.start(bench, options);
  try {
    return await run.record();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #options: RecordOptions;
  readonly #config: Record<string, string>;
  readonly #connect: ConnectClient;
  readonly #topics: Topics;
  readonly #client: pg.Client;
  readonly #registry: string | undefined;
  #marks = 0;

  private constructor(bench: Bench, options: RecordOptions, topics: Topics, client: pg.Client) {
    const { hostname, port, username, password, pathname } = new URL(bench.database);
    const values = {
      ...{ host: hostname, port, user: username, password: password || 'none', dbname: pathname.slice(1) },
      ...{ prefix: options.prefix, slot: slotName(options.prefix), kafka: bench.kafka },
      registry: bench.registry ?? '',
    };
    this.#options = options;
    this.#config = { ...connectorConfig(options.variant, values, options.variants), ...options.config };
    this.#connect = new ConnectClient(bench.connect);
    this.#topics = topics;
    this.#client = client;
    this.#registry = bench.registry;
  }

  static async start(bench: Bench, options: RecordOptions): Promise<Run> {
    const client = new pg.Client({ connectionString: bench.database });
    await client.connect();
    return new Run(bench, options, await Topics.connect(bench.kafka), client);
  }

  async record(): Promise<Recording> {
    const { prefix, variant } = this.#options;
    if ((await this.#topics.ofPrefix(prefix)).length > 0) throw new Error(`there are topics of ${prefix}`);
    const started = Date.now();
    await this.#client.query(schemaSql(variant, this.#options.variants));
    const failure = await this.#change().then(
      () => null,
      (error: Error) => error.message,
    );
    await this.#connect.stop(prefix).catch((error: Error) => {
      throw failure === null ? error : new Error(failure, { cause: error });
    });
    const offsets = await this.#connect.offsets(prefix);
    const ended = Date.now();
    const records = await this.#topics.read(await this.#topics.ofPrefix(prefix));
    const schemas = await this.#schemas(records);
    const config = Object.fromEntries(Object.entries(this.#config).map(hidden));
    const about = { database: 'postgres', variant, prefix, config, started, ended, offsets, failure };
    return { about: schemas === null ? about : { ...about, schemas }, records };
  }

  async #change(): Promise<void> {
    const { prefix } = this.#options;
    await this.#connect.create(prefix, this.#config);
    await this.#connect.untilRunning(prefix);
    await this.#streaming();
    for (const { sql, settles } of changes(this.#options.variant, this.#options.variants)) {
      // The script pauses for an incremental snapshot; on a busy machine that takes longer than the pause.
      if (/^select pg_sleep/.test(sql)) await this.#settled(() => false);
      else await this.#client.query(sql);
      if (settles) await this.#passed();
    }
    const expected = this.#options.like && expectedCounts(this.#options.like);
    await this.#settled(
      (counts) =>
        expected !== undefined && [...expected].every(([topic, n]) => (counts.get(topic) ?? 0) >= n),
    );
    await this.#connect.check(prefix);
  }

  /** Snapshot rows are behind it in every topic; only a process that sends the log is in one of these states. */
  async #streaming(): Promise<void> {
    const sql = `SELECT 1 FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
      WHERE s.slot_name = $1 AND r.state IN ('catchup', 'streaming')`;
    await until('the stream begins', async () => {
      await this.#connect.check(this.#options.prefix);
      return (await this.#client.query(sql, [this.#config['slot.name']])).rows.length > 0;
    });
  }

  /** A row of the signal table goes after what was changed, and its record comes after theirs. */
  async #passed(): Promise<void> {
    const topic = `${this.#options.prefix}.public.dbz_signal`;
    const count = async () => {
      const isThere = (await this.#topics.ofPrefix(this.#options.prefix)).includes(topic);
      return isThere ? (await this.#topics.counts([topic])).get(topic)! : 0;
    };
    const before = await count();
    const id = `passed ${this.#marks++}`;
    await this.#client.query(`INSERT INTO dbz_signal VALUES ($1, 'log', '{"message": "passed"}')`, [id]);
    await until('the change has passed', async () => {
      await this.#connect.check(this.#options.prefix);
      return (await count()) > before;
    });
  }

  /** Waits until no record comes, for a shorter time once it is known that all are there. */
  async #settled(isComplete: (counts: ReadonlyMap<string, number>) => boolean): Promise<void> {
    let last = '';
    let since = Date.now();
    await until(
      'no more records come',
      async () => {
        await sleep(COUNT_MS);
        const counts = await this.#counts();
        const now = JSON.stringify([...counts]);
        if (now !== last) [last, since] = [now, Date.now()];
        return Date.now() - since > (isComplete(counts) ? EXTRA_MS : QUIET_MS);
      },
      { timeoutMs: LIMIT_MS },
    );
  }

  /** By topic without the prefix; heartbeats never end. */
  async #counts(): Promise<Map<string, number>> {
    const { prefix } = this.#options;
    const names = (await this.#topics.ofPrefix(prefix)).filter((it) => !it.startsWith('__'));
    const counts = await this.#topics.counts(names);
    return new Map([...counts].map(([topic, count]) => [topic.slice(prefix.length), count]));
  }

  async #schemas(records: readonly KafkaRecord[]): Promise<Record<string, unknown> | null> {
    const framed = records.flatMap((it) => [it.keyB64, it.valueB64]).filter((it) => it !== undefined);
    if (framed.length === 0 || this.#registry === undefined) return null;
    const ids = new Set(framed.map((it) => Buffer.from(it, 'base64').readUInt32BE(1)));
    const schemas: Record<string, unknown> = {};
    for (const id of ids) {
      const response = await fetch(`${this.#registry}/apis/ccompat/v7/schemas/ids/${id}`);
      if (!response.ok) throw new Error(`schema ${id}: ${response.status}`);
      schemas[id] = JSON.parse(((await response.json()) as { schema: string }).schema);
    }
    return schemas;
  }

  async close(): Promise<void> {
    const { prefix } = this.#options;
    const slot = this.#config['slot.name']!;
    await this.#connect.remove(prefix);
    await this.#topics.remove(await this.#topics.ofPrefix(prefix));
    await this.#topics.close();
    await this.#client.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
      [slot],
    );
    await this.#client.query(`DROP PUBLICATION IF EXISTS ${this.#config['publication.name']}`);
    await this.#client.end();
  }
}

function slotName(prefix: string): string {
  return prefix.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}

function hidden([key, value]: [string, string]): [string, string] {
  return [key, key.endsWith('.password') ? '***' : value];
}

function expectedCounts(recording: Recording): Map<string, number> {
  const own = recording.records.filter((it) => !it.topic.startsWith('__'));
  const groups = Map.groupBy(own, (it) => it.topic.slice(recording.about.prefix.length));
  return new Map([...groups].map(([topic, records]) => [topic, records.length]));
}
