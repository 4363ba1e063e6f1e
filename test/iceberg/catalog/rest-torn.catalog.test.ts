import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { IcestreamError } from '../../../src/base/errors.ts';
import type { Catalog, LoadedTable } from '../../../src/iceberg/catalog/catalog.ts';
import { openRestCatalog } from '../../../src/iceberg/catalog/rest.ts';
import { append, hasCode, snapshot, table } from '../../contract/catalog.ts';
import { type FaultAction, type HttpProxy, startHttpProxy } from '../../services/proxy.ts';
import { type RestCatalogServer, startRestCatalog } from '../../services/rest-catalog.ts';
import { s3Properties, testBucket } from '../../services/s3.ts';

/**
 * The reference catalog validates a whole transaction and then commits its tables one after the other. Its own way to S3
 * goes through the proxy here, so that it fails between two of them.
 */
const { bucket, url: s3, properties } = await testBucket();
let proxy: HttpProxy;
let server: RestCatalogServer;
let catalog: Catalog;

before(async () => {
  proxy = await startHttpProxy(s3);
  server = await startRestCatalog({ warehouse: `s3://${bucket}/warehouse`, s3: s3Properties(proxy.url) });
  catalog = await openRestCatalog('torn', { uri: server.url, ...properties });
  await catalog.ensureNamespace(['torn']);
});
after(async () => {
  await catalog.close();
  await server.stop();
  await proxy.close();
});

const denied = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
const failing: readonly [string, FaultAction][] = [
  ['refuses', denied],
  ['fails', { status: 500 }],
  ['cuts', 'cut'],
];
for (const [at, [what, action]] of failing.entries()) {
  test(`O-4 a catalog whose storage ${what} between the members of a group leaves it torn, and the outcome unknown`, async () => {
    const names = ['a', 'b', 'c'].map((letter) => `${letter}${at}`);
    const bases: LoadedTable[] = [];
    for (const name of names) bases.push(await catalog.create(table({ namespace: ['torn'], name })));
    const path = new RegExp(`/${names[1]}/metadata/`);
    const fault = proxy.fault({ method: 'PUT', path, when: 'before', action, times: 99 });
    const group = bases.map((base, member) => append(base, snapshot(base, BigInt(member + 1))));
    await assert.rejects(catalog.commit(group), hasCode('iceberg.commit-unknown'));
    fault.remove();
    assert.ok(fault.hits > 0);
    const now = await Promise.all(bases.map((base) => catalog.load(base.ident)));
    assert.deepEqual(
      now.map((it) => it.metadata['current-snapshot-id'] ?? null),
      [1n, null, null],
    );
  });
}

test('O-4 a writer that slips in between the members: the catalog says yes, the tables do not', async () => {
  const bases: LoadedTable[] = [];
  for (const name of ['ra', 'rb']) bases.push(await catalog.create(table({ namespace: ['torn'], name })));
  const slow = { delayMs: 2_000 };
  const fault = proxy.fault({ method: 'PUT', path: /\/rb\/metadata\//, when: 'before', action: slow });
  const group = bases.map((base, member) => append(base, snapshot(base, BigInt(member + 1))));
  const committing = catalog.commit(group);
  committing.catch(() => {}); // Looked at below, after the other writer.
  await fault.struck;
  await catalog.commit([append(bases[1], snapshot(bases[1], 99n))]);
  await assert.rejects(committing, (error: IcestreamError) => {
    assert.equal(error.context['committed'], 1);
    return hasCode('iceberg.commit-unknown')(error);
  });
  const now = await Promise.all(bases.map((base) => catalog.load(base.ident)));
  assert.deepEqual(
    now.map((it) => it.metadata.snapshots?.map((one) => one['snapshot-id'])),
    [[1n], [99n]],
  );
});

test('O-4 a conflict is one only if no member holds its snapshot', async () => {
  const bases: LoadedTable[] = [];
  for (const name of ['ca', 'cb']) bases.push(await catalog.create(table({ namespace: ['torn'], name })));
  const group = bases.map((base, member) => append(base, snapshot(base, BigInt(member + 1))));
  const gate = await startHttpProxy(server.url);
  const lying = await openRestCatalog('lying', { uri: gate.url, ...properties });
  gate.fault({ path: /transactions/, when: 'before', action: { status: 409 } });
  await assert.rejects(lying.commit(group), hasCode('iceberg.commit-conflict'));
  gate.fault({ path: /transactions/, when: 'after', action: { status: 409 } });
  await assert.rejects(lying.commit(group), hasCode('iceberg.commit-unknown'));
  gate.fault({ path: /transactions/, when: 'before', action: { status: 204 } });
  const again = await Promise.all(bases.map((base) => catalog.load(base.ident)));
  const next = again.map((base, member) => append(base, snapshot(base, BigInt(member + 11))));
  await assert.rejects(lying.commit(next), hasCode('iceberg.commit-unknown'));
  await lying.close();
  await gate.close();
});
