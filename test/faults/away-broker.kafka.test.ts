import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BEACON, Both } from '../harness/both-sinks.ts';
import { CONNECTOR } from '../harness/rig.ts';
import { type KafkaServer, startKafka } from '../services/kafka.ts';

let broker: KafkaServer;
before(async () => {
  broker = await startKafka();
});
after(() => broker.stop());

test('S-1 O-3 brokers that are away for longer than delivery.timeout.ms, and at the start: the lake goes on, the topics follow', {
  timeout: 240_000,
}, async (t) => {
  const both = await Both.create(t, broker.bootstrap, 'gone');
  await both.start();
  await both.rig.caughtUp(BEACON);
  await broker.kill();
  await both.load.walk(20);
  await both.logs(/kafka\.not-delivered/);
  await both.lakeGoesOn();
  await both.isAway('kafka', /^kafka\.not-delivered: /);
  assert.equal((await both.rig.service.task(CONNECTOR)).state, 'RUNNING');
  await broker.restart();
  await both.topicsGoOn();
  await both.nobodyIsAway();

  await broker.kill();
  await both.rig.service.kill();
  await both.start();
  await both.lakeGoesOn();
  await both.isAway('kafka', /^kafka\.unreachable: /);
  await both.rig.service.kill();
  await both.start();
  await both.lakeGoesOn();
  await broker.restart();
  await both.finish();
});
