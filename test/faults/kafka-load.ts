import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import { type Leaders, lookUp } from '../../src/kafka/cluster.ts';
import { connect, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { settings } from '../kafka/producers.ts';
import { readTopics } from '../kafka/read-topics.ts';

const KEYS = 7;
const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

export interface KafkaLoadOptions {
  readonly bootstrap: string;
  readonly topicPrefix: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly worker?: Readonly<Record<string, string>>;
}

/**
 * A table of few rows, each counted up by one statement after another and published: a loss, a repetition and a wrong order
 * all show in what a key's values are.
 */
export class KafkaLoad {
  readonly rig: Rig;
  readonly topic: string;
  readonly worker: Readonly<Record<string, string>>;
  readonly #bootstrap: string;
  #steps = 0;

  private constructor(rig: Rig, options: KafkaLoadOptions) {
    const { bootstrap, topicPrefix, worker } = options;
    this.rig = rig;
    this.topic = `${topicPrefix}.public.counted`;
    this.#bootstrap = bootstrap;
    this.worker = {
      'bootstrap.servers': bootstrap,
      'group.id': topicPrefix,
      'offset.storage.topic': `${topicPrefix}_offsets`,
      'offset.storage.partitions': '1',
      'key.converter': JSON_CONVERTER,
      'key.converter.schemas.enable': 'false',
      'value.converter': JSON_CONVERTER,
      'value.converter.schemas.enable': 'false',
      ...worker,
    };
  }

  static async create(t: TestContext, options: KafkaLoadOptions): Promise<KafkaLoad> {
    const config = { sinks: 'kafka', 'topic.prefix': options.topicPrefix, ...options.config };
    const rig = await Rig.create(t, { config });
    await rig.sql(
      `CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL);
       INSERT INTO counted SELECT g, 0 FROM generate_series(0, ${KEYS - 1}) g`,
    );
    return new KafkaLoad(rig, options);
  }

  /** Starts the service, and waits until what the snapshot has is published. */
  async start(): Promise<void> {
    await this.rig.start({ worker: this.worker });
    await this.rig.caughtUp('UPDATE counted SET n = 0 WHERE id = 0');
  }

  /** Counts on until `isEnough`, at most one statement after it. */
  async walk(isEnough: () => boolean): Promise<void> {
    const client = await connect(this.rig.url);
    try {
      while (!isEnough()) {
        const step = this.#steps + 1;
        await client.query(`UPDATE counted SET n = ${step} WHERE id = ${step % KEYS}`);
        this.#steps = step;
      }
    } finally {
      await client.end();
    }
  }

  async walkSteps(count: number): Promise<void> {
    const end = this.#steps + count;
    await this.walk(() => this.#steps >= end);
  }

  /** Counts once more and waits until that is durable. */
  async caughtUp(timeoutMs?: number): Promise<void> {
    const step = ++this.#steps;
    await this.rig.caughtUp(`UPDATE counted SET n = ${step} WHERE id = ${step % KEYS}`, timeoutMs);
  }

  /** Each key's values are there in order: once each, or where `mayRepeat`, repeated from somewhere on. */
  async requirePublished(mayRepeat: boolean, bootstrap = this.#bootstrap): Promise<void> {
    const byKey = await this.#published(bootstrap);
    for (let id = 0; id < KEYS; id++) {
      const wanted = this.#expected(id);
      const found = byKey.get(id) ?? [];
      if (!mayRepeat) assert.deepEqual(found, wanted, `key ${id}`);
      else requireRepeated(found, wanted, `key ${id}`);
    }
  }

  /** Each key's last values are there, once each and in order, the very last at least; what was before may be gone. */
  async requireLatest(): Promise<void> {
    const byKey = await this.#published(this.#bootstrap);
    for (let id = 0; id < KEYS; id++) {
      const found = byKey.get(id) ?? [];
      assert.ok(found.length > 0, `key ${id}`);
      assert.deepEqual(found, this.#expected(id).slice(-found.length), `key ${id}`);
    }
  }

  async #published(bootstrap: string): Promise<Map<number, number[]>> {
    const byKey = new Map<number, number[]>();
    for (const { value } of await readTopics(bootstrap, [this.topic])) {
      const { after } = JSON.parse(String(value)) as { after: { id: number; n: number } };
      byKey.set(after.id, [...(byKey.get(after.id) ?? []), after.n]);
    }
    return byKey;
  }

  #expected(id: number): number[] {
    const own = Array.from({ length: this.#steps }, (_, i) => i + 1).filter((step) => step % KEYS === id);
    return id === 0 ? [0, 0, ...own] : [0, ...own];
  }
}

/** All of `wanted` in order, each follower either the next value or one that was there before. */
function requireRepeated(found: readonly number[], wanted: readonly number[], what: string): void {
  assert.deepEqual([...new Set(found)], [...new Set(wanted)], what);
  for (let i = 1; i < found.length; i++) {
    const [before, after] = [found[i - 1]!, found[i]!];
    if (after > before) assert.equal(after, wanted[wanted.lastIndexOf(before) + 1], `${what}, record ${i}`);
  }
}

/** The leaders of a topic's partitions, as brokers that answer see them. */
export async function leadersOf(bootstrap: string, topic: string): Promise<Leaders> {
  const brokers = new Brokers({ ...settings(bootstrap), log: createLog('silent') });
  try {
    return await until(`leaders of ${topic}`, async () => {
      const found = await lookUp(brokers, [topic], false, AbortSignal.timeout(30_000));
      return found.get(topic);
    });
  } finally {
    await brokers.close();
  }
}
