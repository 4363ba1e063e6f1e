import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'icestream-main-'));
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const workerFile = join(folder, 'worker.properties');
writeFileSync(
  workerFile,
  `listeners = http://127.0.0.1:0\nicestream.state.dir=${folder}/state\nplugin.path=/x\n`,
);

interface Run {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
  /** Resolves with the exit code and signal. */
  readonly ended: Promise<unknown[]>;
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  const output = { out: '', err: '' };
  child.stdout!.on('data', (text) => (output.out += text));
  child.stderr!.on('data', (text) => (output.err += text));
  return { child, output, ended: once(child, 'close') };
}

/** The URL that the ready line names. */
async function ready({ child, output, ended }: Run): Promise<string> {
  while (!output.out.includes('\n')) {
    const [first] = (await Promise.race([once(child.stdout!, 'data'), ended])) as unknown[];
    if (typeof first === 'number') throw new Error(`ended with ${first}: ${output.err}`);
  }
  return /http:\/\/[^,\s]+/.exec(output.out)![0];
}

test('it says in one line that it is ready, and ends with 0 when asked to', async () => {
  const run = start(workerFile);
  const url = await ready(run);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.ended, [0, null]);
  assert.equal(run.output.out.trim().split('\n').length, 1);
  assert.match(run.output.err, /plugin\.path is ignored/);
});

test('a second process does not start on the same state', async () => {
  const first = start(workerFile);
  await ready(first);
  const second = start(workerFile);
  assert.deepEqual(await second.ended, [1, null]);
  assert.match(
    second.output.err,
    /^icestream: another process uses the state directory.*\nStop the other process/m,
  );
  first.child.kill('SIGTERM');
  await first.ended;
});

test('what is wrong with the files is said before anything starts', async () => {
  const bad = join(folder, 'bad.properties');
  writeFileSync(bad, 'listeners=nonsense');
  const wrongWorker = start(bad);
  assert.deepEqual(await wrongWorker.ended, [1, null]);
  assert.match(wrongWorker.output.err, /^icestream: listeners "nonsense" is not of the form/);
  const connector = join(folder, 'connector.json');
  writeFileSync(connector, '{"name":');
  const wrongConnector = start(workerFile, connector);
  assert.deepEqual(await wrongConnector.ended, [1, null]);
  assert.match(wrongConnector.output.err, /connector\.json is not JSON/);
  const missing = start(join(folder, 'nope.properties'));
  assert.deepEqual(await missing.ended, [1, null]);
  assert.match(missing.output.err, /nope\.properties/);
});

test('a database that never answers does not hold up a stop', async () => {
  const silent = createServer();
  const asked = once(silent, 'connection');
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const connector = join(folder, 'waits.json');
  const database = {
    'database.hostname': '127.0.0.1',
    'database.port': port,
    'database.user': 'u',
    'database.dbname': 'd',
  };
  const config = {
    'connector.class': 'PostgresConnector',
    'topic.prefix': 'p',
    'plugin.name': 'pgoutput',
    ...database,
  };
  writeFileSync(connector, JSON.stringify({ name: 'waits', config }));
  const run = start(workerFile, connector);
  const [socket] = (await asked) as [Socket];
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.ended, [0, null]);
  socket.destroy();
  silent.close();
});

test('a connector that is refused ends the process with its errors', async () => {
  const connector = join(folder, 'refused.json');
  writeFileSync(
    connector,
    JSON.stringify({ name: 'r', config: { 'connector.class': 'PostgresConnector', 'tasks.max': 1 } }),
  );
  const run = start(workerFile, connector);
  assert.deepEqual(await run.ended, [1, null]);
  assert.match(run.output.err, /The 'topic\.prefix' value is invalid: A value is required/);
});
