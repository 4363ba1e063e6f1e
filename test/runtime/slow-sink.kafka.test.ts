import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlowSink } from '../../src/runtime/connector.ts';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { startKafka } from '../services/kafka.ts';
import { freePorts } from '../services/process.ts';
import { startTcpProxy } from '../services/proxy.ts';

const ROWS_AT_ONCE = 20_000;

test('S-1 while brokers swallow everything the lake goes on, up to the spool quota; then the status names them', {
  timeout: 170_000,
}, async (t) => {
  const [port] = await freePorts(1);
  const proxy = await startTcpProxy(`127.0.0.1:${port}`);
  const broker = await startKafka({ port: port!, advertised: `127.0.0.1:${proxy.port}` });
  t.after(async () => {
    await proxy.close();
    await broker.stop();
  });
  const worker = {
    ...jsonWorker(`127.0.0.1:${proxy.port}`),
    'producer.buffer.memory': '1000000',
  };
  const rig = await Rig.create(t, {
    config: { sinks: 'kafka,iceberg', 'iceberg.tables.namespace': 'slow', 'iceberg.tables.name': '{table}' },
  });
  await rig.sql('CREATE TABLE t (id int PRIMARY KEY, v text)');
  const service = await rig.start({ worker });
  await rig.caughtUp(`INSERT INTO t VALUES (0, 'first')`);

  const slow = async (): Promise<SlowSink | undefined> =>
    ((await service.task(CONNECTOR)) as { slow_sinks?: SlowSink[] }).slow_sinks?.[0];
  let id = 1;
  /** Many transactions, and a last one that shows when all of them are in the lake. */
  const insert = async (): Promise<number> => {
    for (let part = 0; part < 10; part++, id += ROWS_AT_ONCE / 10)
      await rig.sql(
        `INSERT INTO t SELECT g, repeat(md5(g::text), 30) FROM generate_series(${id}, ${id + ROWS_AT_ONCE / 10 - 1}) g`,
      );
    return id;
  };
  const inLake = () =>
    rig.lake(async (lake) => Number((await lake.query('slow.t', 'count(*)::INT AS n'))[0]!['n']));

  proxy.stall();
  const rows = await insert();
  const detail = async () =>
    `${await inLake()} in the lake, ${JSON.stringify(await slow())}\n${service.log()}`;
  await until('the lake goes on', async () => (await inLake()) === rows, { detail });
  const stuck = await until('the status names the slow sink', slow, { detail });
  assert.equal(stuck.sink, 'kafka');
  assert.ok(stuck.spooled_bytes > 1_000_000 && !stuck.stalls_all, JSON.stringify(stuck));
  await proxy.heal();
  await rig.caughtUp(`INSERT INTO t VALUES (-1, 'healed')`);
  await until('nothing waits any more', async () => (await slow()) === undefined);

  const { status } = await service.request('PUT', `/connectors/${CONNECTOR}/config`, {
    ...rig.config,
    'sink.spool.max.bytes': '2000000',
  });
  assert.equal(status, 200);
  await rig.caughtUp(`INSERT INTO t VALUES (-2, 'configured')`);
  proxy.stall();
  await insert();
  await until('everything waits for one', async () => (await slow())?.stalls_all === true, { detail });
  await proxy.heal();
  await rig.caughtUp(`INSERT INTO t VALUES (-3, 'healed again')`);
  await rig.service.stop();
  await rig.requireEqual('t');

  const records = await readTopics(broker.bootstrap, [`${rig.config['topic.prefix']}.public.t`]);
  const ids = records.map(({ key }) => (JSON.parse(String(key)) as { id: number }).id).filter((it) => it > 0);
  // A batch that was under way may have come twice; nothing is missing, and nothing overtook.
  assert.deepEqual(
    [...new Set(ids)],
    Array.from({ length: id - 1 }, (_, i) => i + 1),
  );
});
