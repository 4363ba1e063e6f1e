import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SlowSink } from '../../src/runtime/connector.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { jsonWorker } from './kafka-worker.ts';
import { LOAD_TABLES, Load, stepOfLake } from './load.ts';
import { CONNECTOR, Rig } from './rig.ts';
import { until } from './until.ts';

/** A change that is no step. */
export const BEACON = 'UPDATE counters SET step = step';

/** Both sinks; the producer gives up what nobody takes within two seconds. */
export class Both {
  readonly rig: Rig;
  readonly load: Load;
  readonly #bootstrap: string;
  readonly #prefix: string;

  private constructor(rig: Rig, load: Load, bootstrap: string, prefix: string) {
    this.#bootstrap = bootstrap;
    this.rig = rig;
    this.load = load;
    this.#prefix = prefix;
  }

  static async create(
    t: TestContext,
    bootstrap: string,
    prefix: string,
    config: Record<string, string> = {},
    reader: readonly string[] = [],
  ): Promise<Both> {
    const rig = await Rig.create(t, {
      config: {
        sinks: 'kafka,iceberg',
        'topic.prefix': prefix,
        'iceberg.tables.namespace': prefix,
        'iceberg.tables.name': '{table}',
        ...config,
      },
      reader,
    });
    const load = await Load.create(rig.url);
    t.after(() => load.close());
    await load.walk(20);
    return new Both(rig, load, bootstrap, prefix);
  }

  async start(): Promise<void> {
    const worker = {
      ...jsonWorker(this.#bootstrap, this.#prefix),
      'producer.delivery.timeout.ms': '2000',
      'producer.request.timeout.ms': '1000',
      'producer.linger.ms': '0',
    };
    await this.rig.start({ worker });
  }

  async away(): Promise<SlowSink | undefined> {
    const task = (await this.rig.service.task(CONNECTOR)) as { slow_sinks?: SlowSink[] };
    return task.slow_sinks?.find(({ away }) => away);
  }

  /** Waits until the status says that `sink` is away, and why. */
  async isAway(sink: string, error: RegExp): Promise<void> {
    const look = async () => {
      const away = await this.away();
      return away?.sink === sink && error.test(away.error ?? '');
    };
    await until(`${sink} is away with ${error}`, look, this.#waiting);
  }

  async nobodyIsAway(): Promise<void> {
    await until('nobody is away', async () => (await this.away()) === undefined, this.#waiting);
  }

  async logs(text: RegExp): Promise<void> {
    await until(`the log says ${text}`, () => text.test(this.rig.service.log()), this.#waiting);
  }

  async lakeGoesOn(): Promise<void> {
    await this.load.walk(20);
    const { step } = this.load;
    const newest = () =>
      this.rig.lake((lake) => lake.query(`${this.rig.namespace}.steps`, 'max(step)::INT AS step'));
    await until(`step ${step} in the lake`, async () => (await newest())[0]!['step'] === step, this.#waiting);
  }

  async topicsGoOn(): Promise<void> {
    await this.load.walk(20);
    const { step } = this.load;
    await until(`step ${step} in the topic`, async () => (await this.steps()).at(-1) === step, this.#waiting);
  }

  /** The steps in the topic, those that came again left out. */
  async steps(): Promise<number[]> {
    const records = await readTopics(this.#bootstrap, [`${this.#prefix}.public.steps`]);
    return [...new Set(records.map(({ value }) => (JSON.parse(String(value)) as Row).after.step))];
  }

  /** Nothing is missing anywhere, nothing twice in the lake, and nothing overtook. */
  async finish(): Promise<void> {
    const { rig, load } = this;
    await load.walk(5);
    await rig.caughtUp(BEACON);
    await this.nobodyIsAway();
    await rig.service.stop();
    await rig.requireEqual(...LOAD_TABLES);
    assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
    assert.deepEqual(
      await this.steps(),
      Array.from({ length: load.step }, (_, i) => i + 1),
    );
  }

  get #waiting() {
    const { service } = this.rig;
    const detail = async () => `${JSON.stringify(await service.task(CONNECTOR))}\n${service.log()}`;
    return { detail, alive: () => service.requireAlive() };
  }
}

interface Row {
  readonly after: { readonly step: number };
}
