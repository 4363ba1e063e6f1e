import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BEACON, Both } from '../harness/both-sinks.ts';
import { proxiedCatalog } from '../harness/catalog.ts';
import { CONNECTOR } from '../harness/rig.ts';
import { testKafka } from '../services/kafka.ts';
import { type HttpProxy, startHttpProxy } from '../services/proxy.ts';
import { s3Properties, testBucket } from '../services/s3.ts';

async function topicPrefix(): Promise<{ bootstrap: string; prefix: string }> {
  const { bootstrap, prefix } = await testKafka();
  return { bootstrap, prefix: `${prefix}away`.replaceAll('-', '_') };
}

test('S-1 a catalog that is away at the start, and kill -9 meanwhile: the topics go on, the lake follows', {
  timeout: 240_000,
}, async (t) => {
  const { proxy, config } = await proxiedCatalog(t);
  const { bootstrap, prefix } = await topicPrefix();
  const both = await Both.create(t, bootstrap, prefix, config);
  await both.start();
  await both.rig.caughtUp(BEACON);
  await both.rig.service.kill();
  await proxy.refuse();
  for (let start = 0; start < 2; start++) {
    await both.start();
    await both.topicsGoOn();
    await both.isAway('iceberg', /^iceberg\.catalog-unreachable: /);
    if (start === 0) await both.rig.service.kill();
  }
  await proxy.heal();
  await both.finish();
});

test('S-1 an object store that takes nothing: the topics go on however often the lake opens and fails', {
  timeout: 240_000,
}, async (t) => {
  const { both, proxy } = await bothOnS3(t);
  await both.start();
  await both.rig.caughtUp(BEACON);
  const body = '<Error><Code>SlowDown</Code><Message>slow</Message></Error>';
  const fault = proxy.fault({ method: 'PUT', when: 'before', action: { status: 503, body }, times: 1e9 });
  await both.load.walk(20);
  const { service } = both.rig;
  for (const failures of [1, 2]) {
    await both.logs(new RegExp(`"failures":${failures},.*"a sink has failed`));
    await both.topicsGoOn();
  }
  assert.equal((await service.task(CONNECTOR)).state, 'RUNNING');
  fault.remove();
  await both.finish();
});

/** A warehouse in an object store that stands behind a proxy; the lake's reader goes to the store itself. */
async function bothOnS3(t: TestContext): Promise<{ both: Both; proxy: HttpProxy }> {
  const { bucket, url, properties } = await testBucket();
  const { bootstrap, prefix } = await topicPrefix();
  const proxy = await startHttpProxy(url);
  t.after(() => proxy.close());
  const storage = Object.entries(s3Properties(proxy.url)).map(([key, value]) => [
    `iceberg.catalog.${key}`,
    value,
  ]);
  const config = { ...Object.fromEntries(storage), 'iceberg.catalog.warehouse': `s3://${bucket}/warehouse` };
  const secret = `CREATE SECRET (TYPE s3, KEY_ID '${properties['s3.access-key-id']}', SECRET '${properties['s3.secret-access-key']}',
    ENDPOINT '${new URL(url).host}', URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')`;
  return { both: await Both.create(t, bootstrap, prefix, config, [secret]), proxy };
}
