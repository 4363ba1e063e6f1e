import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import type { IcestreamError } from '../../../src/base/errors.ts';
import { openRestCatalog } from '../../../src/iceberg/catalog/rest.ts';
import { append, hasCode, snapshot, table } from '../../contract/catalog.ts';
import { type HttpProxy, startHttpProxy } from '../../services/proxy.ts';
import { testCatalog } from '../../services/rest-catalog.ts';

const { url, namespace } = await testCatalog();
let proxy: HttpProxy;
let tokens: TokenServer;
const ident = { namespace: [namespace], name: 'guarded' };

before(async () => {
  proxy = await startHttpProxy(url);
  tokens = await startTokenServer();
  const plain = await openRestCatalog('plain', { uri: url });
  await plain.ensureNamespace([namespace]);
  await plain.create(table(ident));
  await plain.close();
});
after(async () => {
  await proxy.close();
  tokens.server.close();
});
beforeEach(() => {
  proxy.requests.length = 0;
  tokens.reset();
});

const guarded = (properties: Record<string, string> = {}) =>
  openRestCatalog('guarded', {
    uri: proxy.url,
    credential: 'me:secret',
    'oauth2-server-uri': tokens.url,
    ...properties,
  });
const sentHeaders = () => proxy.requests.map((it) => it.headers['authorization']);

test('client credentials are exchanged for a token once, which all requests carry', async () => {
  const catalog = await guarded({ scope: 'PRINCIPAL_ROLE:ALL', audience: 'lake' });
  await Promise.all([catalog.load(ident), catalog.load(ident), catalog.list([namespace])]);
  assert.deepEqual(tokens.forms, [
    {
      grant_type: 'client_credentials',
      client_id: 'me',
      client_secret: 'secret',
      scope: 'PRINCIPAL_ROLE:ALL',
      audience: 'lake',
    },
    // The catalog has its own configuration, and with that its own token, after the server's overrides.
    {
      grant_type: 'client_credentials',
      client_id: 'me',
      client_secret: 'secret',
      scope: 'PRINCIPAL_ROLE:ALL',
      audience: 'lake',
    },
  ]);
  assert.deepEqual(sentHeaders(), ['Bearer token-1', 'Bearer token-2', 'Bearer token-2', 'Bearer token-2']);
  await catalog.close();
});

test('a token is renewed before it ends', async () => {
  tokens.expiresIn = 0;
  const catalog = await guarded();
  await catalog.load(ident);
  await catalog.load(ident);
  assert.deepEqual(sentHeaders(), ['Bearer token-1', 'Bearer token-2', 'Bearer token-3']);
  await catalog.close();
});

for (const status of [401, 419]) {
  test(`${status} renews the token once and sends the request again, a commit too`, async () => {
    const catalog = await guarded();
    const base = await catalog.load(ident);
    proxy.requests.length = 0;
    proxy.fault({ method: 'POST', when: 'before', action: { status } });
    const [after] = await catalog.commit([append(base, snapshot(base, BigInt(status)))]);
    assert.equal(after.metadata['current-snapshot-id'], BigInt(status));
    assert.deepEqual(sentHeaders(), ['Bearer token-2', 'Bearer token-3']);
    proxy.fault({ method: 'GET', when: 'before', action: { status }, times: 2 });
    await assert.rejects(catalog.load(ident), hasCode('iceberg.catalog-refused'));
    assert.equal(tokens.forms.length, 4, 'not again and again');
    await catalog.close();
  });
}

test('wrong credentials are refused with the reason and without the secret', async () => {
  tokens.status = 401;
  await assert.rejects(guarded({ credential: 'me:hunter2' }), (error: IcestreamError) => {
    assert.equal(error.context['reason'], 'invalid_client');
    assert.doesNotMatch(JSON.stringify([error, error.message, String(error.cause)]), /hunter2/);
    return hasCode('iceberg.catalog-refused')(error);
  });
});

test('a token server that fails or is down makes the catalog unreachable', async () => {
  tokens.status = 503;
  await assert.rejects(guarded(), hasCode('iceberg.catalog-unreachable'));
  const closed = { 'oauth2-server-uri': 'http://127.0.0.1:1/token' };
  await assert.rejects(guarded(closed), hasCode('iceberg.catalog-unreachable'));
});

test("without oauth2-server-uri the catalog's own endpoint gives the token", async () => {
  const catalog = await openRestCatalog('own', { uri: proxy.url, credential: 'me:secret' });
  await catalog.load(ident);
  assert.deepEqual(proxy.requests.map((it) => it.path.replace(/\?.*/, '')).slice(0, 2), [
    '/v1/oauth/tokens',
    '/v1/config',
  ]);
  assert.match(String(sentHeaders()[1]), /^Bearer ./);
  await catalog.close();
});

test('a static token, basic authentication and own headers are sent as they are', async () => {
  for (const [properties, expected] of [
    [{ token: 'abc' }, 'Bearer abc'],
    [
      { 'rest.auth.type': 'basic', 'rest.auth.basic.username': 'u', 'rest.auth.basic.password': 'p:w' },
      'Basic dTpwOnc=',
    ],
    [{ 'rest.auth.type': 'none', token: 'abc' }, undefined],
  ] as const) {
    proxy.requests.length = 0;
    const catalog = await openRestCatalog('headers', {
      uri: proxy.url,
      'header.X-Team': 'lake',
      ...properties,
    });
    await catalog.load(ident);
    assert.deepEqual(sentHeaders(), [expected, expected]);
    assert.deepEqual(
      proxy.requests.map((it) => it.headers['x-team']),
      ['lake', 'lake'],
    );
    await catalog.close();
  }
  await assert.rejects(
    openRestCatalog('x', { uri: url, 'rest.sigv4-enabled': 'true' }),
    hasCode('config.invalid'),
  );
});

test("the server's defaults give way to ours, its overrides do not; prefix and warehouse reach the paths", async () => {
  const body = JSON.stringify({
    defaults: { 'header.X-A': 'default', 'header.X-B': 'default' },
    overrides: { prefix: 'ws/one', 'header.X-C': 'override' },
  });
  proxy.fault({ path: /config/, when: 'before', action: { status: 200, body } });
  const own = { warehouse: 'my warehouse', 'header.X-B': 'own', 'header.X-C': 'own' };
  const catalog = await openRestCatalog('merged', { uri: `${proxy.url}/v1/`, ...own });
  await assert.rejects(catalog.load({ namespace: ['a b', 'c'], name: 'd/e' }));
  const [config, load] = proxy.requests;
  assert.equal(config.path, '/v1/config?warehouse=my+warehouse');
  assert.equal(load.path, '/v1/ws/one/namespaces/a%20b%1Fc/tables/d%2Fe?snapshots=all');
  assert.deepEqual(
    [load.headers['x-a'], load.headers['x-b'], load.headers['x-c']],
    ['default', 'own', 'override'],
  );
  await catalog.close();
});

test('credentials are asked for, unless we have our own or the header is set', async () => {
  for (const [properties, expected] of [
    [{}, 'vended-credentials'],
    [{ 's3.access-key-id': 'k', 's3.secret-access-key': 's' }, undefined],
    [{ 'header.X-Iceberg-Access-Delegation': 'remote-signing' }, 'remote-signing'],
  ] as const) {
    proxy.requests.length = 0;
    const catalog = await openRestCatalog('delegation', { uri: proxy.url, ...properties });
    await catalog.load(ident);
    assert.equal(proxy.requests[1].headers['x-iceberg-access-delegation'], expected);
    await catalog.close();
  }
});

interface TokenServer {
  readonly server: Server;
  readonly url: string;
  readonly forms: Record<string, string>[];
  expiresIn: number;
  status: number;
  reset(): void;
}

/** An OAuth2 token endpoint as RFC 6749 describes it; token-1, token-2, ... */
async function startTokenServer(): Promise<TokenServer> {
  const server = createServer(async (request, response) => {
    state.forms.push(Object.fromEntries(new URLSearchParams(await bodyOf(request))));
    response.writeHead(state.status, { 'content-type': 'application/json', connection: 'close' });
    const granted = {
      access_token: `token-${state.forms.length}`,
      token_type: 'bearer',
      expires_in: state.expiresIn,
    };
    response.end(
      JSON.stringify(state.status === 200 ? granted : { error: 'invalid_client', error_description: 'no' }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state: TokenServer = {
    server,
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/token`,
    forms: [],
    expiresIn: 3600,
    status: 200,
    reset: () => {
      state.forms.length = 0;
      Object.assign(state, { expiresIn: 3600, status: 200 });
    },
  };
  return state;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
