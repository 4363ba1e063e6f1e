import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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
