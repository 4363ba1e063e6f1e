import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadSource } from '../../src/capture/registry.ts';
import { testDatabase } from '../services/postgres.ts';
import { freePorts } from '../services/process.ts';
import { ask, exchanges, view } from './replay.ts';
import { POSTGRES, send, startWorker } from './worker.ts';

const database = await testDatabase();
const worker = await startWorker({}, (await loadSource('PostgresConnector'))!);
after(() => worker.close());

const offered = new Set<string>();
const values = { host: '127.0.0.1', port: String(database.port), user: database.user, password: 'x' };
const recorded = exchanges({ ...values, run: '_v', connect: worker.url });

for (const label of ['validate-pg-ok', 'validate-pg-unreachable', 'validate-pg-bad-values'] as const) {
  test(`as recorded, with a database: ${label}`, async () => {
    const exchange = recorded.find((each) => each.label === label)!;
    // The recorded database has a name of its own; ours is the one that the test was given.
    const body = { ...(exchange.request.body as Record<string, string>), 'database.dbname': database.name };
    const asked = { ...exchange, request: { ...exchange.request, body } };
    assert.deepEqual(
      view(asked, await ask(worker.url, asked), offered),
      view(asked, exchange.response, offered),
    );
  });
}

test('what only a connection shows is an error of a property, and nothing is created', async () => {
  const [closed] = await freePorts(1);
  const good = {
    ...POSTGRES,
    'database.hostname': database.host,
    'database.port': String(database.port),
    'database.user': database.user,
  };
  for (const [wrong, message] of [
    [{ 'database.dbname': 'no_such_database' }, /no_such_database/],
    [{ 'database.dbname': database.name, 'database.port': String(closed) }, /Connection to .*refused/],
  ] as const) {
    const answer = await send(worker.url, 'POST', '/connectors', {
      name: 'wrong',
      config: { ...good, ...wrong },
    });
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /contains the following 1 error\(s\):/);
    assert.match(answer.json.message, message);
  }
  assert.deepEqual((await send(worker.url, 'GET', '/connectors')).json, []);
});
