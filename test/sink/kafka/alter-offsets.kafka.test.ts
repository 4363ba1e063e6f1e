import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../../harness/rig.ts';
import { readTopics } from '../../kafka/read-topics.ts';
import { testKafka } from '../../services/kafka.ts';

test('O-2 offsets changed over REST are changed in the offsets topic, as Connect does it', {
  timeout: 90_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}altered`.replaceAll('-', '_');
  const worker = jsonWorker(bootstrap, topicPrefix);
  const rig = await Rig.create(t, { config: { sinks: 'kafka', 'topic.prefix': topicPrefix } });
  await rig.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
  const service = await rig.start({ worker });
  await rig.caughtUp('INSERT INTO t VALUES (2)');
  const path = `/connectors/${CONNECTOR}/offsets`;
  const refused = await service.request('DELETE', path);
  assert.equal(refused.status, 400, 'the connector runs');
  await service.request('PUT', `/connectors/${CONNECTOR}/stop`);

  const partition = { server: topicPrefix };
  const key = JSON.stringify([CONNECTOR, partition]);
  const written = async () => {
    const records = await readTopics(bootstrap, [`${topicPrefix}_offsets`]);
    const own = records.filter((record) => String(record.key) === key);
    return own.map(({ value }) => (value === null ? null : (JSON.parse(String(value)) as object)));
  };
  const alter = async (offset: object | null) => {
    const { status } = await service.request('PATCH', path, { offsets: [{ partition, offset }] });
    assert.equal(status, 200);
  };
  const before = (await written()).length;
  assert.ok(before > 0);
  const elsewhere = { lsn: 7, txId: 1, ts_usec: 2 };
  await alter(elsewhere);
  await alter(null);
  await alter(elsewhere);
  assert.equal((await service.request('DELETE', path)).status, 200);
  assert.deepEqual((await written()).slice(before), [
    { ...elsewhere, icestream_epoch: 1 },
    null,
    { ...elsewhere, icestream_epoch: 3 },
    null,
  ]);
  assert.deepEqual((await service.request('GET', path)).body, { offsets: [] });

  await service.stop();
  await rig.loseState();
  await rig.start({ worker });
  await rig.caughtUp('INSERT INTO t VALUES (3)');
  await rig.service.stop();
  const events = await readTopics(bootstrap, [`${topicPrefix}.public.t`]);
  const ops = events.map(({ value }) => {
    const { op, after } = JSON.parse(String(value)) as { op: string; after: { id: number } };
    return op + after.id;
  });
  assert.deepEqual(ops, ['r1', 'c2', 'r1', 'r2', 'c3'], 'all is read anew, though the state was lost');
});
