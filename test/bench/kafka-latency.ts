import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { until } from '../harness/until.ts';
import { type BenchDatabase, COLUMNS, rowsSql } from './harness.ts';
import { connectorConfig, type Subject } from './kafka-subject.ts';

export interface LatencyOptions {
  readonly name: string;
  readonly bootstrap: string;
  /** Changes a second, each a transaction. */
  readonly rate: number;
  readonly seconds: number;
  readonly more: Readonly<Record<string, string>>;
}

const TABLE = 'bench_latency';
/** Rows written and received before the clock runs: connections and compiled code are there then. */
const WARM_UP = 200;

/** Milliseconds from a commit's return to the record's arrival at a consumer, one per change, sorted. */
export async function measureLatency(
  database: BenchDatabase,
  subject: Subject,
  options: LatencyOptions,
): Promise<number[]> {
  const { name, rate, seconds } = options;
  await database.client.query(`DROP TABLE IF EXISTS ${TABLE}; CREATE TABLE ${TABLE} (${COLUMNS})`);
  await database.client.query(`INSERT INTO ${TABLE} ${rowsSql(1, 1)}`);
  const config = { name, table: TABLE, schemas: false, more: options.more };
  await subject.connect.create(name, connectorConfig(database, config));
  await subject.connect.untilRunning(name);
  const receiver = await Receiver.open(options.bootstrap, `${name}.public.${TABLE}`);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // The benchmarks' server commits asynchronously; changes are sent to nobody before they are flushed, up to 200 ms later.
  await client.query('SET synchronous_commit = on');
  try {
    await receiver.received(1);
    await writeSteadily(client, 2, WARM_UP, 100);
    await receiver.received(WARM_UP);
    const first = WARM_UP + 1;
    const sent = await writeSteadily(client, first, first + rate * seconds - 1, rate);
    await receiver.received(first + rate * seconds - 1);
    return [...sent].map(([id, at]) => receiver.times.get(id)! - at).sort((a, b) => a - b);
  } finally {
    await receiver.close();
    await client.end();
  }
}

/** When each commit returned, by id. */
async function writeSteadily(
  client: pg.Client,
  first: number,
  last: number,
  rate: number,
): Promise<Map<number, number>> {
  const sent = new Map<number, number>();
  const started = performance.now();
  for (let id = first; id <= last; id++) {
    const due = started + ((id - first) * 1000) / rate;
    // A timer is late by up to a millisecond, so several changes may be due by then: they follow one another.
    if (due > performance.now() + 0.5) await sleep(due - performance.now());
    await client.query({ name: 'insert', text: `INSERT INTO ${TABLE} ${INSERT}`, values: [id] });
    sent.set(id, performance.now());
  }
  return sent;
}

const INSERT = rowsSql(1, 1).replace('generate_series(1, 1)', 'generate_series($1::int, $1::int)');

/** Notes when each key's record arrives, by the clock of this process, which also writes. */
class Receiver {
  readonly times = new Map<number, number>();
  readonly #close: () => Promise<void>;

  private constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  static async open(bootstrap: string, topic: string): Promise<Receiver> {
    const kafka = new Kafka({ clientId: 'latency', brokers: [bootstrap], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await until(`topic ${topic}`, async () => (await admin.listTopics()).includes(topic));
    await admin.disconnect();
    const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100, minBytes: 1 });
    const receiver = new Receiver(() => consumer.disconnect());
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const now = performance.now();
        for (const { key } of batch.messages)
          receiver.times.set((JSON.parse(key!.toString()) as { id: number }).id, now);
      },
    });
    return receiver;
  }

  async received(id: number): Promise<void> {
    await until(`the record of ${id}`, () => this.times.has(id), { timeoutMs: 120_000 });
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** The value that `share` of them do not exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
