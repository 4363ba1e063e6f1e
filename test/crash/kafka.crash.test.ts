import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

const KILLS = 4;
/** While one service runs; it is killed somewhere among them. */
const STEPS = 2000;

/** Each statement is one change of one key: `n` counts up, so that a loss, a duplicate and a wrong order all show. */
async function walk(rig: Rig, from: number): Promise<void> {
  for (let step = from + 1; step <= from + STEPS; step++)
    await rig.sql(`UPDATE counted SET n = ${step} WHERE id = ${step % 7}`);
}

/** What is in the topic in the end, as `n` by key in order, after the service was killed while it published. */
async function publishedThroughKills(t: TestContext, exactlyOnce: boolean) {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}crash`.replaceAll('-', '_');
  const worker = {
    ...jsonWorker(bootstrap, topicPrefix),
    ...(exactlyOnce ? { 'exactly.once.source.support': 'enabled' } : {}),
  };
  const config = { sinks: 'kafka', 'topic.prefix': topicPrefix };
  const rig = await Rig.create(t, { config });
  await rig.sql(
    'CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL); INSERT INTO counted SELECT g, 0 FROM generate_series(0, 6) g',
  );
  await rig.start({ worker });
  await rig.caughtUp('UPDATE counted SET n = 0 WHERE id = 0');
  for (let kill = 0; kill < KILLS; kill++) {
    const { service } = rig;
    const before = await lsnOf(rig);
    const walking = walk(rig, kill * STEPS);
    await until('the offset moves', async () => (await lsnOf(rig)) > before, {
      alive: () => service.requireAlive(),
    });
    await service.kill();
    await walking;
    if (kill % 3 === 2) await rig.loseState();
    await rig.start({ worker });
  }
  const steps = KILLS * STEPS;
  await rig.caughtUp(`UPDATE counted SET n = ${steps + 1} WHERE id = 0`);
  await rig.service.stop();
  const records = await readTopics(bootstrap, [`${topicPrefix}.public.counted`]);
  const byKey = new Map<number, number[]>();
  for (const { key, value } of records) {
    const { id } = JSON.parse(String(key)) as { id: number };
    const { after } = JSON.parse(String(value)) as { after: { n: number } };
    byKey.set(id, [...(byKey.get(id) ?? []), after.n]);
  }
  return { byKey, steps };
}

/** Position of the connector's stored offset, 0 before there is one. */
async function lsnOf(rig: Rig): Promise<number> {
  const { body } = await rig.service.request('GET', `/connectors/${CONNECTOR}/offsets`);
  const { offsets } = body as { offsets?: { offset: Record<string, number> }[] };
  return Number(offsets?.[0]?.offset['lsn'] ?? 0);
}

/** The values that key `id` took in `steps` steps, the snapshot's first. */
function expected(id: number, steps: number): number[] {
  const own = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => step % 7 === id);
  return id === 0 ? [0, 0, ...own, steps + 1] : [0, ...own];
}

test('O-3 kill -9 while publishing: nothing is lost, and what is repeated is repeated in order', {
  timeout: 240_000,
}, async (t) => {
  const { byKey, steps } = await publishedThroughKills(t, false);
  assert.equal(byKey.size, 7);
  for (const [id, values] of byKey) {
    // A repetition begins again at an earlier value; taken out, every value is there once and in order.
    assert.deepEqual([...new Set(values)], [...new Set(expected(id, steps))], `key ${id}`);
    for (let i = 1; i < values.length; i++)
      assert.ok(
        values[i] <= values[i - 1] || isNext(values[i - 1], values[i], id, steps),
        `key ${id}, record ${i}`,
      );
  }
});

test('O-6 kill -9 while publishing, exactly once: every change is there once, in order', {
  timeout: 240_000,
}, async (t) => {
  const { byKey, steps } = await publishedThroughKills(t, true);
  for (let id = 0; id < 7; id++) assert.deepEqual(byKey.get(id), expected(id, steps), `key ${id}`);
});

function isNext(before: number, after: number, id: number, steps: number): boolean {
  const values = expected(id, steps);
  return values[values.lastIndexOf(before) + 1] === after;
}
