import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { LOAD_TABLES, Load, stepOfLake } from '../harness/load.ts';
import { Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

const KILLS = 3;

test('O-3 sinks=kafka,iceberg through kill -9: the lake equals the source, the topics have every change', {
  timeout: 240_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}both`.replaceAll('-', '_');
  const worker = jsonWorker(bootstrap, topicPrefix);
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka,iceberg',
      'topic.prefix': topicPrefix,
      'iceberg.tables.namespace': 'both',
      'iceberg.tables.name': '{table}',
    },
  });
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(30);
  for (let kill = 0; kill < KILLS; kill++) {
    const service = await rig.start({ worker });
    await rig.streaming();
    const steps = load.step + 40;
    const walking = load.walk(60);
    await until(`step ${steps}`, () => load.step >= steps, { alive: () => service.requireAlive() });
    await service.kill();
    await walking;
    if (kill === 1) await rig.loseState();
  }
  await rig.start({ worker });
  await rig.caughtUp('UPDATE counters SET step = step', 120_000);
  await rig.service.stop();
  await rig.requireEqual(...LOAD_TABLES);
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
  const records = await readTopics(bootstrap, [`${topicPrefix}.public.steps`]);
  const steps = new Set(
    records.map(({ value }) => (JSON.parse(String(value)) as { after: { step: number } }).after.step),
  );
  assert.deepEqual(
    [...steps].sort((a, b) => a - b),
    Array.from({ length: load.step }, (_, i) => i + 1),
    'no step is missing',
  );
});
