import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LOAD_TABLES, Load, stepOfLake } from '../harness/load.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { type FaultSpec, type HttpProxy, startHttpProxy } from '../services/proxy.ts';
import { s3Properties, testBucket } from '../services/s3.ts';

const BEACON = 'UPDATE counters SET step = step';

/** A warehouse in an object store that stands behind a proxy; the lake's reader goes to the store itself. */
async function rigOnS3(t: TestContext): Promise<{ rig: Rig; load: Load; proxy: HttpProxy }> {
  const { bucket, url, properties } = await testBucket();
  const proxy = await startHttpProxy(url);
  t.after(() => proxy.close());
  const storage = Object.entries(s3Properties(proxy.url)).map(([key, value]) => [
    `iceberg.catalog.${key}`,
    value,
  ]);
  const secret = `CREATE SECRET (TYPE s3, KEY_ID '${properties['s3.access-key-id']}', SECRET '${properties['s3.secret-access-key']}',
    ENDPOINT '${new URL(url).host}', URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')`;
  const rig = await Rig.create(t, {
    config: { ...Object.fromEntries(storage), 'iceberg.catalog.warehouse': `s3://${bucket}/warehouse` },
    reader: [secret],
  });
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  return { rig, load, proxy };
}

async function finish(rig: Rig, load: Load): Promise<void> {
  await load.walk(10);
  await rig.caughtUp(BEACON, 90_000);
  await rig.service.stop();
  await rig.requireEqual(...LOAD_TABLES);
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
}

test('an object store that is down at the start and in between is waited for, and named', {
  timeout: 150_000,
}, async (t) => {
  const { rig, load, proxy } = await rigOnS3(t);
  await proxy.refuse();
  await rig.start();
  const trace = await rig.service.untilTask(CONNECTOR, 'RESTARTING');
  assert.match(trace, /storage\.unreachable: /);
  assert.match(trace, /Check the endpoint of the object store/);
  await proxy.heal();
  await rig.caughtUp(BEACON, 90_000);
  await proxy.refuse();
  await load.walk(50);
  await rig.service.untilTask(CONNECTOR, 'RESTARTING', /storage\.unreachable/);
  await proxy.heal();
  await finish(rig, load);
});

const UPLOADS: Readonly<Record<string, Omit<FaultSpec, 'when'>>> = {
  'answers 503': {
    method: 'PUT',
    action: { status: 503, body: '<Error><Code>SlowDown</Code><Message>slow</Message></Error>' },
  },
  'answers 500': { method: 'PUT', action: { status: 500 } },
  'is cut': { method: 'PUT', action: 'cut' },
};

for (const [what, spec] of Object.entries(UPLOADS)) {
  test(`an upload that ${what}, of data, manifest or metadata, before and after it was stored: nothing lost, nothing twice`, {
    timeout: 150_000,
  }, async (t) => {
    const { rig, load, proxy } = await rigOnS3(t);
    await rig.start();
    await rig.caughtUp(BEACON);
    for (const path of [/\.parquet/, /\.avro/, /metadata\.json/]) {
      for (const when of ['before', 'after'] as const) {
        const fault = proxy.fault({ ...spec, path, when, times: 2 });
        await load.walk(5);
        await fault.struck;
        await rig.caughtUp(BEACON);
        fault.remove();
      }
    }
    await finish(rig, load);
  });
}

test('an object store that refuses fails the task with what to check; after mending nothing is missing', {
  timeout: 120_000,
}, async (t) => {
  const { rig, load, proxy } = await rigOnS3(t);
  await rig.start();
  await rig.caughtUp(BEACON);
  const body = '<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>';
  const fault = proxy.fault({
    method: 'PUT',
    when: 'before',
    action: { status: 403, body },
    times: Number.POSITIVE_INFINITY,
  });
  await load.walk(5);
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /storage\.refused: /);
  assert.match(trace, /Check the credentials and rights of the object store/);
  assert.doesNotMatch(trace + rig.service.log(), /lakesecret/);
  fault.remove();
  await rig.service.request('POST', `/connectors/${CONNECTOR}/tasks/0/restart`);
  await finish(rig, load);
});

test('O-3 kill -9 while an upload hangs: the lake equals the source', { timeout: 120_000 }, async (t) => {
  const { rig, load, proxy } = await rigOnS3(t);
  await rig.start();
  await rig.caughtUp(BEACON);
  for (const path of [/\.parquet/, /\.avro/, /metadata\.json/]) {
    const fault = proxy.fault({ method: 'PUT', path, when: 'after', action: { delayMs: 10_000 } });
    await load.walk(5);
    await fault.struck;
    await rig.service.kill();
    fault.remove();
    await rig.loseState();
    await rig.start();
    await rig.caughtUp(BEACON);
  }
  await finish(rig, load);
});
