import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { after, before, test } from 'node:test';
import { startHttpProxy, startTcpProxy } from './proxy.ts';

let upstream: Server;
let target = '';
const carriedOut: string[] = [];

before(async () => {
  upstream = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      carriedOut.push(`${request.method} ${request.url} ${body}`);
      response.end(`did ${body}`);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  target = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
});
after(() => {
  upstream.closeAllConnections();
  upstream.close();
});

const post = (url: string, body: string) =>
  fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(5_000) });
const causeCode = (error: unknown) => ((error as Error).cause as { code?: string })?.code;

test('what matches no fault passes unchanged', async () => {
  await using proxy = await disposable(startHttpProxy(target));
  const answer = await post(`${proxy.url}/a?b=c`, 'one');
  assert.equal(await answer.text(), 'did one');
  assert.deepEqual(
    proxy.requests.map((it) => `${it.method} ${it.path}`),
    ['POST /a?b=c'],
  );
});

test('a fault before forwarding keeps the request from the server, one after does not', async () => {
  await using proxy = await disposable(startHttpProxy(target));
  carriedOut.length = 0;
  proxy.fault({ path: /x/, when: 'before', action: { status: 503, body: 'no' } });
  proxy.fault({ path: /x/, when: 'after', action: 'cut' });
  const refused = await post(`${proxy.url}/x`, 'first');
  assert.deepEqual([refused.status, await refused.text()], [503, 'no']);
  await assert.rejects(post(`${proxy.url}/x`, 'second'), (error) => causeCode(error) === 'ECONNRESET');
  assert.equal(await (await post(`${proxy.url}/x`, 'third')).text(), 'did third');
  assert.deepEqual(carriedOut, ['POST /x second', 'POST /x third']);
});

test('skip lets requests pass first, times strikes again, struck tells when', async () => {
  await using proxy = await disposable(startHttpProxy(target));
  const fault = proxy.fault({ method: 'POST', when: 'before', action: { status: 500 }, skip: 1, times: 2 });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await post(proxy.url, '')).status);
  await fault.struck;
  assert.deepEqual([statuses, fault.hits], [[200, 500, 500, 200], 2]);
});

test('refuse closes the port until heal', async () => {
  await using proxy = await disposable(startHttpProxy(target));
  await proxy.refuse();
  await assert.rejects(post(proxy.url, ''), (error) => causeCode(error) === 'ECONNREFUSED');
  await proxy.heal();
  assert.equal((await post(proxy.url, '')).status, 200);
});

test('a stalled proxy answers nothing until heal', async () => {
  await using proxy = await disposable(startHttpProxy(target));
  proxy.stall();
  const waiting = post(proxy.url, 'late');
  const aborted = fetch(proxy.url, { signal: AbortSignal.timeout(50) });
  await assert.rejects(aborted, { name: 'TimeoutError' });
  await proxy.heal();
  assert.equal(await (await waiting).text(), 'did late');
});

test('a TCP proxy passes bytes both ways, cuts and goes on', async () => {
  const echo = createTcpServer((socket) => void socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  await using proxy = await disposable(
    startTcpProxy(`127.0.0.1:${(echo.address() as { port: number }).port}`),
  );
  const first = connect(proxy.port, '127.0.0.1');
  const reset = new Promise((resolve) =>
    first.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  );
  first.write('ping');
  assert.equal(String(await new Promise((resolve) => first.once('data', resolve))), 'ping');
  proxy.cut();
  assert.equal(await reset, 'ECONNRESET');
  const second = connect(proxy.port, '127.0.0.1');
  const large = Buffer.alloc(5_000_000, 7);
  second.end(large);
  let received = 0;
  for await (const chunk of second) received += (chunk as Buffer).length;
  assert.equal(received, large.length);
  echo.close();
});

async function disposable<P extends { close(): Promise<void> }>(
  starting: Promise<P>,
): Promise<P & AsyncDisposable> {
  const proxy = await starting;
  return Object.assign(proxy, { [Symbol.asyncDispose]: () => proxy.close() });
}
