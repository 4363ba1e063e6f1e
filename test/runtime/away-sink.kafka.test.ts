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

test('S-1 brokers that are away for longer than delivery.timeout.ms: the lake goes on, the topics follow', {
  timeout: 120_000,
}, async (t) => {
  const both = await Both.create(t, broker.bootstrap, 'gone');
  await both.start();
  await both.rig.caughtUp(BEACON);
  await broker.kill();
  await both.load.walk(20);
  await both.isAway('kafka', /^kafka\.not-delivered: /);
  await both.lakeGoesOn();
  assert.equal((await both.rig.service.task(CONNECTOR)).state, 'RUNNING');
  await broker.restart();
  await both.finish();
});

test('S-1 O-3 brokers that are away at the start, and kill -9 meanwhile: the lake goes on, nothing is lost', {
  timeout: 120_000,
}, async (t) => {
  const both = await Both.create(t, broker.bootstrap, 'absent');
  await both.start();
  await both.rig.caughtUp(BEACON);
  await both.rig.service.stop();
  await broker.kill();
  for (let start = 0; start < 2; start++) {
    await both.start();
    await both.lakeGoesOn();
    await both.isAway('kafka', /^kafka\.unreachable: /);
    await both.rig.service.kill();
  }
  await both.start();
  await both.lakeGoesOn();
  await broker.restart();
  await both.finish();
});
