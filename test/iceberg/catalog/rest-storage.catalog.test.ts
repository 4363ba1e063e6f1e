import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Catalog } from '../../../src/iceberg/catalog/catalog.ts';
import { openRestCatalog } from '../../../src/iceberg/catalog/rest.ts';
import { append, hasCode, snapshot, table } from '../../contract/catalog.ts';
import { type HttpProxy, startHttpProxy } from '../../services/proxy.ts';
import { type RestCatalogServer, startRestCatalog } from '../../services/rest-catalog.ts';
import { s3Properties, testBucket } from '../../services/s3.ts';

/** Tables on S3, under our own keys and under ones that the catalog vends. */
const { bucket, url: s3, properties } = await testBucket();
const NAMESPACE = 'lake';
let server: RestCatalogServer;
let proxy: HttpProxy;
let owner: Catalog;
const ident = { namespace: [NAMESPACE], name: 'orders' };

before(async () => {
  server = await startRestCatalog({ warehouse: `s3://${bucket}/warehouse`, s3: properties });
  proxy = await startHttpProxy(server.url);
  owner = await openRestCatalog('owner', { uri: server.url, ...properties });
  await owner.ensureNamespace([NAMESPACE]);
  await owner.create(table(ident));
});
after(async () => {
  await owner.close();
  await proxy.close();
  await server.stop();
});

test("a table on S3 is written with the catalog's properties; its metadata lies where the catalog says", async () => {
  const { metadata, metadataLocation, storage } = await owner.load(ident);
  assert.match(metadata.location, new RegExp(`^s3://${bucket}/warehouse/`));
  assert.ok(((await storage.size(metadataLocation)) ?? 0) > 100);
  await storage.write(`${metadata.location}/data/x`, Buffer.from('x'));
  const again = await owner.load(ident);
  assert.equal(again.storage, storage, 'one client for all tables with the same properties');
  const [committed] = await owner.commit([append(again, snapshot(again, 1n))]);
  assert.equal(committed.storage, storage);
});

test('vended credentials: those of the longest prefix, over the configuration, for as long as they hold', async () => {
  const { metadata } = await owner.load(ident);
  const wrong = vended('wrong', 3_600_000);
  await vends({
    config: { ...without(s3Properties(s3)), ...wrong },
    'storage-credentials': [
      { prefix: `s3://${bucket}/`, config: wrong },
      { prefix: metadata.location, config: vended('lakesecret', 3_600_000) },
      { prefix: `${metadata.location}/else`, config: wrong },
      { prefix: 's3://another', config: wrong },
    ],
  });
  const catalog = await openRestCatalog('vended', { uri: proxy.url });
  const loaded = await catalog.load(ident);
  await loaded.storage.write(`${metadata.location}/data/vended`, Buffer.from('v'));
  assert.equal((await loaded.storage.read(`${metadata.location}/data/vended`)).toString(), 'v');
  const [after] = await catalog.commit([append(loaded, snapshot(loaded, 2n))]);
  assert.equal(after.storage, loaded.storage, "a commit's answer grants nothing new");
  await catalog.close();
});

test('vended credentials that are about to end are renewed by loading the table again', async () => {
  const { metadata } = await owner.load(ident);
  const file = `${metadata.location}/data/renewed`;
  const config = without(s3Properties(s3));
  await vends({ config: { ...config, ...vended('lakesecret', 1_000) } });
  const catalog = await openRestCatalog('renewing', { uri: proxy.url });
  const { storage } = await catalog.load(ident);
  proxy.requests.length = 0;
  await vends({ config: { ...config, ...vended('lakesecret', 3_600_000) } });
  for (let i = 0; i < 3; i++) await storage.write(file, Buffer.from(String(i)));
  assert.equal(proxy.requests.filter((it) => it.path.includes('/tables/orders')).length, 1);
  // From the next load on the new ones are used without asking again.
  await vends({ config: { ...config, ...vended('wrong', 3_600_000) } });
  const again = await catalog.load(ident);
  assert.equal(again.storage, storage, 'one client per table, whatever the credentials');
  await catalog.close();
});

test('vended credentials that the store refuses are storage.refused', async () => {
  await vends({ config: { ...without(s3Properties(s3)), ...vended('wrong', 3_600_000) } });
  const catalog = await openRestCatalog('refused', { uri: proxy.url });
  const { storage, metadata } = await catalog.load(ident);
  await assert.rejects(storage.read(`${metadata.location}/data/x`), hasCode('storage.refused'));
  await catalog.close();
});

/** The next answer to a load of the table grants this. */
async function vends(grant: Record<string, unknown>): Promise<void> {
  const path = `/v1/namespaces/${NAMESPACE}/tables/${ident.name}`;
  const answer = await (await fetch(`${server.url}${path}`)).text();
  const body = answer.replace(/\}\s*$/, `,${JSON.stringify(grant).slice(1)}`).replace(/"config":\{\},/, '');
  proxy.fault({ method: 'GET', path: /\/tables\/orders/, when: 'before', action: { status: 200, body } });
}

function vended(secret: string, lifeMs: number): Record<string, string> {
  return {
    's3.access-key-id': 'lakekey',
    's3.secret-access-key': secret,
    's3.session-token': '',
    's3.session-token-expires-at-ms': String(Date.now() + lifeMs),
  };
}

function without(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/key/.test(name)));
}
