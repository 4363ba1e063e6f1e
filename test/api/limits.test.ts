import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { get } from 'node:https';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { POSTGRES, send, startWorker, until } from './worker.ts';

const worker = await startWorker({
  'admin.listeners': '',
  'access.control.allow.origin': 'https://ui.example',
  'access.control.allow.methods': 'GET,PUT',
  'topic.tracking.allow.reset': 'false',
});
after(() => worker.close());

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  send(worker.url, method, path, body, headers);

/** As bytes on the wire, for paths that fetch would correct. */
function raw(method: string, path: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(worker.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => (body += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode!, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('malformed bodies are told where they break', async () => {
  for (const [body, message] of [
    [
      '{bad',
      /^Unexpected character \('b' \(code 98\)\): was expecting double-quote to start field name\n at .*column: 2\]$/,
    ],
    ['{"name":"x"', /^Unexpected end-of-input/],
    ['{"name" "x"}', /was expecting a colon/],
    ['[1,]', /expected a valid value/],
    ['{"name":tru}', /^Unrecognized token 'tru'/],
    ['{"name":"a\nb"}', /^Illegal unquoted character/],
    ['{"name":"\\x"}', /^Unrecognized character escape/],
    ['"text"', /^Cannot deserialize value of type `org\.apache\..*from String value/],
    ['{"config":[]}', /^Cannot deserialize value of type `java\.util\.LinkedHashMap/],
    ['['.repeat(5000), /nesting depth/],
  ] as const) {
    const answer = await call('POST', '/connectors', body);
    assert.equal(answer.status, 500, body.slice(0, 20));
    assert.match(answer.json.message, message);
    assert.equal(answer.json.error_code, 500);
  }
});

test('an oversized body is refused unread', async () => {
  const answer = await call('POST', '/connectors', `{"name":"${'x'.repeat(5 * 1024 * 1024)}"}`).catch(
    () => null,
  );
  // The connection may be closed before the whole body has been sent; then there is no answer to read.
  if (answer !== null) assert.deepEqual([answer.status, answer.json.error_code], [413, 413]);
  assert.deepEqual((await call('GET', '/connectors')).json, []);
});

test('content types', async () => {
  const body = JSON.stringify({ name: 'ct', config: {} });
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'application/xml',
  ])
    assert.equal((await call('POST', '/connectors', body, { 'Content-Type': type })).status, 415, type);
  for (const type of ['application/json; charset=utf-8', 'Application/JSON'])
    assert.equal((await call('POST', '/connectors', body, { 'Content-Type': type })).status, 400, type);
  for (const accept of ['*/*', 'application/*', 'text/html, */*;q=0.1', 'application/json;q=0.5'])
    assert.equal((await call('GET', '/connectors', undefined, { Accept: accept })).status, 200, accept);
  assert.equal((await call('GET', '/connectors', undefined, { Accept: 'text/html' })).status, 406);
});

test('verbs, trailing slashes and strange paths', async () => {
  assert.equal((await call('GET', '/connectors/')).status, 200);
  assert.equal((await call('GET', '/connector-plugins/')).status, 200);
  const head = await raw('HEAD', '/connectors');
  assert.deepEqual(head, { status: 200, body: '' });
  for (const [method, path, allow] of [
    ['OPTIONS', '/connectors/x/config', 'HEAD,GET,PUT,PATCH,OPTIONS'],
    ['OPTIONS', '/connectors/x', 'HEAD,GET,DELETE,OPTIONS'],
    ['OPTIONS', '/connectors/x/pause/', 'PUT,OPTIONS'],
  ] as const) {
    const answer = await call(method, path);
    assert.deepEqual([answer.status, answer.headers.get('allow')], [200, allow], path);
  }
  assert.equal((await raw('GET', '/connectors/%zz')).status, 400);
  assert.equal((await raw('GET', '/connectors//status')).status, 404);
  assert.equal((await raw('GET', `/connectors/${'x'.repeat(3000)}`)).status, 404);
  assert.equal((await raw('GET', '/connectors/..%5c..')).status, 404);
  assert.equal((await call('POST', '/connectors/x/tasks')).status, 400, 'internal');
  for (const path of ['/', '/nosuch', '/connectors/x/nosuch']) {
    const answer = await call('DELETE', path);
    assert.equal(answer.json.error_code, answer.status);
  }
});

test('names of any kind go in and out', async () => {
  for (const name of [
    'with blank',
    'ünï ☃',
    'a+b&c=d?e#f',
    '100%',
    '__proto__',
    'constructor',
    'x'.repeat(300),
  ]) {
    const config = { ...POSTGRES, 'topic.prefix': 'p' };
    const path = `/connectors/${encodeURIComponent(name)}`;
    const answer = await call('POST', '/connectors', { name, config });
    assert.equal(answer.status, 201, `${name}: ${answer.text}`);
    assert.equal(answer.headers.get('location'), worker.url + path);
    assert.equal((await call('GET', path)).json.name, name);
    await until(
      () => call('GET', `${path}/status`),
      ({ json }) => json.tasks[0]?.state === 'RUNNING',
    );
    assert.ok(Object.hasOwn((await call('GET', '/connectors?expand=info')).json, name));
    assert.equal((await call('DELETE', path)).status, 204);
  }
  const trimmed = await call('POST', '/connectors', {
    name: '  t ',
    config: POSTGRES,
    initial_state: 'stopped',
  });
  assert.equal(trimmed.json.name, 't');
  const control = await call('POST', '/connectors', { name: 'a\u0007b', config: POSTGRES });
  assert.match(control.json.message, /configuration name: String may not contain control sequences .*: 7\n/);
});

test('a key named __proto__ is a key like others', async () => {
  const body = `{"name":"proto","initial_state":"STOPPED","config":${JSON.stringify(POSTGRES).slice(0, -1)},"__proto__":"x"}}`;
  assert.equal((await call('POST', '/connectors', body)).status, 201);
  const { text } = await call('GET', '/connectors/proto/config');
  assert.ok(text.includes('"__proto__":"x"'), text);
});

test('/admin is nowhere when admin.listeners is empty', async () => {
  assert.equal((await call('GET', '/admin/loggers')).status, 404);
});

test('pages of the allowed origin may read answers', async () => {
  const allowed = await call('GET', '/', undefined, { Origin: 'https://ui.example' });
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://ui.example');
  const other = await call('GET', '/', undefined, { Origin: 'https://evil.example' });
  assert.equal(other.headers.get('access-control-allow-origin'), null);
  const preflight = await call('OPTIONS', '/connectors', undefined, {
    Origin: 'https://ui.example',
    'Access-Control-Request-Method': 'PUT',
  });
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'GET,PUT');
});

test('topic tracking can be switched off', async () => {
  assert.equal((await call('PUT', '/connectors/x/topics/reset')).status, 403);
  const silent = await startWorker({ 'topic.tracking.enable': 'false' });
  const answer = await send(silent.url, 'GET', '/connectors/x/topics');
  assert.deepEqual(answer.json, { error_code: 403, message: 'Topic tracking is disabled.' });
  await silent.close();
});

test('/admin moves to its own listeners', async () => {
  const moved = await startWorker({ 'admin.listeners': 'http://127.0.0.1:0' });
  assert.equal((await send(moved.url, 'GET', '/admin/loggers')).status, 404);
  assert.equal(moved.api.urls.length, 1);
  await moved.close();
});

test('a listener that is taken is told by its address', async () => {
  await assert.rejects(startWorker({ listeners: worker.url }), {
    code: 'config.invalid',
    message: `cannot listen on ${worker.url}`,
  });
});

test('https listeners take a PEM keystore', async () => {
  const pem = fileURLToPath(new URL('../fixtures/tls/server.pem', import.meta.url));
  const properties = { listeners: 'https://127.0.0.1:0', 'listeners.https.ssl.keystore.location': pem };
  const secure = await startWorker({ ...properties, 'listeners.https.ssl.keystore.type': 'PEM' });
  const ca = readFileSync(pem);
  const status = await new Promise((resolve, reject) => {
    get(`${secure.url}/health`, { ca, agent: false }, (answer) => resolve(answer.resume().statusCode)).on(
      'error',
      reject,
    );
  });
  assert.equal(status, 200);
  assert.match(secure.url, /^https:/);
  await secure.close();
  await assert.rejects(startWorker(properties), {
    code: 'config.invalid',
    message: /keystore of type PEM or PKCS12/,
  });
});
