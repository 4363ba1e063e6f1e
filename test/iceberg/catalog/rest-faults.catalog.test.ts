import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { IcestreamError } from '../../../src/base/errors.ts';
import type { Catalog, LoadedTable } from '../../../src/iceberg/catalog/catalog.ts';
import { openRestCatalog } from '../../../src/iceberg/catalog/rest.ts';
import { append, hasCode, snapshot, table } from '../../contract/catalog.ts';
import { type FaultAction, type HttpProxy, startHttpProxy } from '../../services/proxy.ts';
import { startRestCatalog, testCatalog } from '../../services/rest-catalog.ts';

/** The rows of the failure table that a catalog client can show, each against the reference server behind a proxy. */
const { url, namespace } = await testCatalog();
let proxy: HttpProxy;
let catalog: Catalog;
let direct: Catalog;
let base: LoadedTable;
let counter = 0;

before(async () => {
  proxy = await startHttpProxy(url);
  catalog = await openRestCatalog('faulty', { uri: proxy.url });
  direct = await openRestCatalog('direct', { uri: url });
  await direct.ensureNamespace([namespace]);
});
after(async () => {
  await catalog.close();
  await direct.close();
  await proxy.close();
});
beforeEach(async () => {
  base = await catalog.create(table({ namespace: [namespace], name: `t${counter++}` }));
  proxy.requests.length = 0;
});

const COMMIT = { method: 'POST', path: /\/tables\/t\d+$/ };
const commit = (id: bigint) => catalog.commit([append(base, snapshot(base, id))]);
const snapshotIds = async (loaded: LoadedTable = base) =>
  (await direct.load(loaded.ident)).metadata.snapshots?.map((it) => it['snapshot-id']) ?? [];

for (const status of [500, 502, 503, 504]) {
  test(`O-3 a commit answered with ${status} may or may not have happened, and says so`, async () => {
    proxy.fault({ ...COMMIT, when: 'before', action: { status } });
    await assert.rejects(commit(1n), hasCode('iceberg.commit-unknown'));
    assert.deepEqual(await snapshotIds(), []);
    proxy.fault({ ...COMMIT, when: 'after', action: { status } });
    await assert.rejects(commit(2n), hasCode('iceberg.commit-unknown'));
    assert.deepEqual(await snapshotIds(), [2n]);
    assert.equal(proxy.requests.filter((it) => it.method === 'POST').length, 2, 'a commit is not sent twice');
  });
}

test('O-3 a commit whose connection is lost is unknown, before the server saw it and after', async () => {
  proxy.fault({ ...COMMIT, when: 'before', action: 'cut' });
  await assert.rejects(commit(1n), hasCode('iceberg.commit-unknown'));
  assert.deepEqual(await snapshotIds(), []);
  proxy.fault({ ...COMMIT, when: 'after', action: 'cut' });
  await assert.rejects(commit(2n), hasCode('iceberg.commit-unknown'));
  assert.deepEqual(await snapshotIds(), [2n]);
  proxy.fault({ ...COMMIT, when: 'after', action: { cutAfterBytes: 100 } });
  base = await direct.load(base.ident);
  await assert.rejects(commit(3n), hasCode('iceberg.commit-unknown'));
  assert.deepEqual(await snapshotIds(), [2n, 3n]);
});

test('O-3 a commit that takes too long is unknown', async () => {
  const hasty = await openRestCatalog('hasty', { uri: proxy.url, 'rest.client.socket-timeout-ms': '300' });
  proxy.fault({ ...COMMIT, when: 'after', action: { delayMs: 60_000 } });
  const group = [append(base, snapshot(base, 1n))];
  await assert.rejects(hasty.commit(group), hasCode('iceberg.commit-unknown'));
  assert.deepEqual(await snapshotIds(), [1n]);
  await hasty.close();
});

test('a success that cannot be read is unknown, too', async () => {
  proxy.fault({ ...COMMIT, when: 'after', action: { status: 200, body: '<html>' } });
  await assert.rejects(commit(1n), hasCode('iceberg.commit-unknown'));
  assert.deepEqual(await snapshotIds(), [1n]);
});

test('a success without a body has happened; the table is loaded again', async () => {
  proxy.fault({ ...COMMIT, when: 'after', action: { status: 200 } });
  const [after] = await commit(1n);
  assert.equal(after.metadata['current-snapshot-id'], 1n);
});

test('a catalog that is down is unreachable: nothing was sent', async () => {
  await proxy.refuse();
  // First a read: a commit on a kept connection whose end has not been noticed yet would rightly be unknown.
  await assert.rejects(catalog.load(base.ident), hasCode('iceberg.catalog-unreachable'));
  await assert.rejects(commit(1n), hasCode('iceberg.catalog-unreachable'));
  await assert.rejects(openRestCatalog('x', { uri: proxy.url }), hasCode('iceberg.catalog-unreachable'));
  await proxy.heal();
  assert.deepEqual((await commit(1n)).length, 1);
});

test('a name that does not resolve is unreachable', async () => {
  const opening = openRestCatalog('x', { uri: 'http://no-such-host.invalid' });
  await assert.rejects(opening, hasCode('iceberg.catalog-unreachable'));
});

const answers: readonly [number, string, string][] = [
  [400, 'iceberg.catalog-error', 'operator'],
  [401, 'iceberg.catalog-refused', 'operator'],
  [403, 'iceberg.catalog-refused', 'operator'],
  [404, 'iceberg.table-not-found', 'operator'],
  [409, 'iceberg.commit-conflict', 'backoff'],
  [419, 'iceberg.catalog-refused', 'operator'],
  [422, 'iceberg.catalog-error', 'operator'],
  [429, 'iceberg.catalog-unreachable', 'backoff'],
  [501, 'iceberg.catalog-error', 'backoff'],
];
for (const [status, code, retry] of answers) {
  test(`a commit answered with ${status} did not happen: ${code}, ${retry}`, async () => {
    const body = JSON.stringify({ error: { message: 'because', type: 'SomeException', code: status } });
    proxy.fault({ ...COMMIT, when: 'before', action: { status, body } });
    await assert.rejects(commit(1n), (error: IcestreamError) => {
      assert.equal(error.retry, retry);
      assert.equal(error.context['status'], status);
      assert.equal(error.context['reason'], 'SomeException');
      assert.equal((error.cause as Error).message, 'because');
      return hasCode(code)(error);
    });
    assert.deepEqual(await snapshotIds(), []);
  });
}

test('a redirect is not followed: a POST would become a GET', async () => {
  proxy.fault({ ...COMMIT, when: 'before', action: { status: 302, headers: { location: url } } });
  await assert.rejects(commit(1n), hasCode('iceberg.catalog-error'));
});

test('another writer between load and commit is a conflict; from a new load it goes on', async () => {
  await direct.commit([append(base, snapshot(base, 50n))]);
  await assert.rejects(commit(1n), hasCode('iceberg.commit-conflict'));
  base = await catalog.load(base.ident);
  await commit(2n);
  assert.deepEqual(await snapshotIds(), [50n, 2n]);
});

test('an abort while the answer is awaited ends the wait with its reason', async () => {
  const reason = new Error('enough');
  const stop = new AbortController();
  const fault = proxy.fault({ ...COMMIT, when: 'after', action: { delayMs: 60_000 } });
  const committing = catalog.commit([append(base, snapshot(base, 1n))], stop.signal);
  await fault.struck;
  stop.abort(reason);
  await assert.rejects(committing, (error) => error === reason);
});

for (const [action, when] of [
  ['cut', 'before'],
  ['cut', 'after'],
  [{ status: 503 }, 'before'],
  [{ status: 500 }, 'after'],
] as readonly [FaultAction, 'before' | 'after'][]) {
  test(`O-4 a transaction of two tables is unknown after ${JSON.stringify(action)} ${when} it`, async () => {
    const second = await catalog.create(table({ namespace: [namespace], name: `t${counter++}` }));
    const group = [base, second].map((it, at) => append(it, snapshot(it, BigInt(at + 1))));
    proxy.fault({ path: /transactions\/commit/, when, action });
    await assert.rejects(catalog.commit(group), hasCode('iceberg.commit-unknown'));
    const ids = [await snapshotIds(base), await snapshotIds(second)];
    assert.deepEqual(ids, when === 'after' ? [[1n], [2n]] : [[], []]);
  });
}

test('O-4 a transaction that happened, but whose tables cannot be read again, is unknown', async () => {
  const second = await catalog.create(table({ namespace: [namespace], name: `t${counter++}` }));
  const group = [base, second].map((it, at) => append(it, snapshot(it, BigInt(at + 1))));
  const fault = proxy.fault({
    method: 'GET',
    path: /snapshots=all/,
    when: 'before',
    action: { status: 503 },
    times: 99,
  });
  await assert.rejects(catalog.commit(group), hasCode('iceberg.commit-unknown'));
  fault.remove();
  assert.deepEqual([await snapshotIds(base), await snapshotIds(second)], [[1n], [2n]]);
});

test('O-4 a catalog without transactions commits in order and tells how far it came', async () => {
  const body = JSON.stringify({ defaults: {}, overrides: { 'namespace-separator': '%2E' } });
  proxy.fault({ path: /v1\/config/, when: 'before', action: { status: 200, body } });
  const plain = await openRestCatalog('plain', { uri: proxy.url });
  assert.equal(plain.atomic, false);
  const second = await catalog.create(table({ namespace: [namespace], name: `t${counter++}` }));
  const group = [base, second].map((it, at) => append(it, snapshot(it, BigInt(at + 1))));
  proxy.fault({ ...COMMIT, when: 'after', action: 'cut', skip: 1 });
  await assert.rejects(plain.commit(group), (error: IcestreamError) => {
    assert.equal(error.context['committed'], 1);
    return hasCode('iceberg.commit-unknown')(error);
  });
  assert.deepEqual([await snapshotIds(base), await snapshotIds(second)], [[1n], [2n]]);
  await plain.close();
});

test('reads are tried again while the catalog blinks', async () => {
  for (const action of ['cut', { status: 503 }, { status: 502 }, { status: 500 }] as const) {
    const fault = proxy.fault({ method: 'GET', when: 'before', action, times: 2 });
    assert.equal((await catalog.load(base.ident)).metadataLocation, base.metadataLocation);
    assert.equal(fault.hits, 2);
  }
  const fault = proxy.fault({ method: 'GET', when: 'before', action: { status: 503 }, times: 99 });
  await assert.rejects(catalog.load(base.ident), hasCode('iceberg.catalog-unreachable'));
  fault.remove();
});

test('a creation whose answer is lost is unknown; the table may be there', async () => {
  const wanted = table({ namespace: [namespace], name: `t${counter++}` });
  proxy.fault({ method: 'POST', path: /\/tables$/, when: 'after', action: 'cut' });
  await assert.rejects(catalog.create(wanted), hasCode('iceberg.commit-unknown'));
  await assert.rejects(catalog.create(wanted), hasCode('iceberg.table-exists'));
  assert.equal((await catalog.load(wanted.ident)).metadata.snapshots?.length ?? 0, 0);
});

test('a namespace is made whatever a race with others, or a lost answer, makes of the request', async () => {
  const post = { method: 'POST', path: /namespaces$/ };
  let made = 0;
  for (const when of ['before', 'after'] as const) {
    for (const action of ['cut', { status: 503 }, { status: 500 }, { status: 409 }] as const) {
      const fault = proxy.fault({ ...post, when, action });
      const name = `${namespace}raced${made++}`;
      await catalog.ensureNamespace([name]);
      assert.equal(fault.hits, 1);
      assert.deepEqual(await direct.list([name]), []);
    }
  }
});

test('a namespace that the catalog does not make is an error after some attempts', async () => {
  const post = { method: 'POST', path: /namespaces$/, when: 'before' } as const;
  for (const [status, code, attempts] of [
    [500, 'iceberg.catalog-error', 4],
    [503, 'iceberg.catalog-unreachable', 4],
    [403, 'iceberg.catalog-refused', 1],
  ] as const) {
    const fault = proxy.fault({ ...post, action: { status }, times: 99 });
    await assert.rejects(catalog.ensureNamespace([`${namespace}never`]), hasCode(code));
    assert.equal(fault.hits, attempts);
    fault.remove();
  }
});

test('with idempotency keys a commit is sent again under its key until it is answered', async () => {
  const config = (await (await fetch(`${url}/v1/config`)).json()) as Record<string, unknown>;
  const body = JSON.stringify({ ...config, 'idempotency-key-lifetime': 'PT30M' });
  proxy.fault({ path: /v1\/config/, when: 'before', action: { status: 200, body } });
  const keyed = await openRestCatalog('keyed', { uri: proxy.url });
  proxy.fault({ ...COMMIT, when: 'before', action: 'cut' });
  await keyed.commit([append(base, snapshot(base, 1n))]);
  const keys = proxy.requests.filter((it) => it.method === 'POST').map((it) => it.headers['idempotency-key']);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.match(String(keys[0]), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  base = await keyed.load(base.ident);
  proxy.fault({ ...COMMIT, when: 'after', action: 'cut' });
  await keyed.commit([append(base, snapshot(base, 2n))]);
  assert.deepEqual(await snapshotIds(), [1n, 2n]);
  // A server that advertises keys but does not keep them answers our own commit's second sending with a conflict.
  base = await keyed.load(base.ident);
  proxy.fault({ ...COMMIT, when: 'after', action: 'cut' });
  proxy.fault({ ...COMMIT, when: 'before', action: { status: 409 } });
  await assert.rejects(keyed.commit([append(base, snapshot(base, 3n))]), hasCode('iceberg.commit-unknown'));
  assert.deepEqual(await snapshotIds(), [1n, 2n, 3n]);
  await keyed.close();
});

test('kill -9 of the catalog: unreachable, and the tables are there again after its start', async () => {
  const server = await startRestCatalog();
  const own = await openRestCatalog('own', { uri: server.url });
  try {
    await own.ensureNamespace(['ns']);
    const made = await own.create(table({ namespace: ['ns'], name: 't' }));
    await own.commit([append(made, snapshot(made, 1n))]);
    await server.kill();
    await assert.rejects(own.load(made.ident), hasCode('iceberg.catalog-unreachable'));
    await server.restart();
    assert.equal((await own.load(made.ident)).metadata['current-snapshot-id'], 1n);
  } finally {
    await own.close();
    await server.stop();
  }
});

test('what is no catalog is told apart from one that is down', async () => {
  proxy.fault({ path: /config/, when: 'before', action: { status: 200, body: '<html>hello</html>' } });
  await assert.rejects(openRestCatalog('x', { uri: proxy.url }), hasCode('iceberg.catalog-error'));
  proxy.fault({ path: /config/, when: 'before', action: { status: 404 } });
  await assert.rejects(openRestCatalog('x', { uri: proxy.url }), hasCode('iceberg.catalog-error'));
  await assert.rejects(openRestCatalog('x', { uri: 'ftp://x' }), hasCode('config.invalid'));
  await assert.rejects(openRestCatalog('x', {}), hasCode('config.invalid'));
});
