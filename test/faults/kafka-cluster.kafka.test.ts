import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CONNECTOR } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { startKafkaCluster } from '../services/kafka-cluster.ts';
import { KafkaLoad, leadersOf } from './kafka-load.ts';

const cluster = await startKafkaCluster(2);
after(() => cluster.stop());
const { bootstrap, brokers } = cluster;

const REPLICATED = {
  'topic.creation.default.replication.factor': '2',
  'topic.creation.default.partitions': '3',
};

for (const exactlyOnce of [false, true]) {
  const name = exactlyOnce
    ? 'O-6 a leader killed while publishing, exactly once'
    : 'a leader killed while publishing';
  test(`${name}: another takes over, nothing is lost or out of order`, { timeout: 120_000 }, async (t) => {
    const load = await KafkaLoad.create(t, {
      bootstrap,
      topicPrefix: `leader_${exactlyOnce}`,
      config: REPLICATED,
      worker: exactlyOnce ? { 'exactly.once.source.support': 'enabled' } : {},
    });
    await load.start();
    const leaders = await leadersOf(bootstrap, load.topic);
    const victim = leaders[0]!;
    const survivor = brokers.get(3 - victim)!;
    const { rig } = load;
    let isOver = false;
    const walking = load.walk(() => isOver);
    await brokers.get(victim)!.kill();
    const next = await until('other leaders', async () => {
      const now = await leadersOf(`127.0.0.1:${survivor.port}`, load.topic);
      return now.every((leader) => leader > 0 && leader !== victim) ? now : null;
    }).finally(() => {
      isOver = true;
    });
    await walking;
    assert.notDeepEqual(next, leaders);
    await load.walkSteps(200);
    await load.caughtUp();
    await brokers.get(victim)!.restart();
    await load.walkSteps(200);
    await load.caughtUp();
    assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
    await rig.service.stop();
    await load.requirePublished(!exactlyOnce);
  });
}

test('too few replicas in sync: the task waits and says why, and goes on when the broker is back', {
  timeout: 120_000,
}, async (t) => {
  const load = await KafkaLoad.create(t, {
    bootstrap,
    topicPrefix: 'replicas',
    config: {
      ...REPLICATED,
      'topic.creation.groups': 'safe',
      'topic.creation.safe.include': '.*\\.counted',
      'topic.creation.safe.min.insync.replicas': '2',
      // What the leader took before it knew waits there for so long.
      'producer.override.request.timeout.ms': '2000',
    },
  });
  await load.start();
  const { rig } = load;
  await brokers.get(1)!.kill();
  await load.walkSteps(100);
  await until('the log names the topic and the reason', () =>
    /NOT_ENOUGH_REPLICAS[^\n]*kafka records are not taken, trying on/.test(rig.service.log()),
  );
  assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
  await brokers.get(1)!.restart();
  await load.walkSteps(100);
  await load.caughtUp();
  await rig.service.stop();
  await load.requirePublished(true);
});
