import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { POSTGRES, type Response, send, startWorker, type TestWorker, until } from './worker.ts';

const worker = await startWorker();
after(() => worker.close());

const call = (method: string, path: string, body?: unknown) => send(worker.url, method, path, body);
const statusOf = (name: string, of: TestWorker = worker) => send(of.url, 'GET', `/connectors/${name}/status`);
const taskState = (answer: Response) => answer.json?.tasks?.[0]?.state;

function reaches(name: string, state: string, of: TestWorker = worker): Promise<Response> {
  return until(
    () => statusOf(name, of),
    (answer) => taskState(answer) === state,
  );
}

async function create(
  name: string,
  behaviour: string,
  more: Record<string, string> = {},
  initial = 'RUNNING',
  of = worker,
) {
  const config = { ...POSTGRES, 'topic.prefix': name, 'fake.behaviour': behaviour, ...more };
  const answer = await send(of.url, 'POST', '/connectors', { name, config, initial_state: initial });
  assert.equal(answer.status, 201, answer.text);
}

async function stop(name: string): Promise<void> {
  await call('PUT', `/connectors/${name}/stop`);
  await until(
    () => statusOf(name),
    ({ json }) => json.tasks.length === 0,
  );
}

async function storedOffset(name: string) {
  const answer = await until(
    () => call('GET', `/connectors/${name}/offsets`),
    ({ json }) => json.offsets?.length > 0,
  );
  return answer.json.offsets[0].offset;
}

test('a transient failure restarts the task by itself', async () => {
  await create('heals', 'fail-backoff run', { 'retriable.restart.connector.wait.ms': '10' });
  await reaches('heals', 'RUNNING');
  const metrics = await call('GET', '/metrics');
  assert.match(metrics.text, /icestream_task_restarts_total\{connector="heals",task="0"\} 1/);
});

test('while it waits it is RESTARTING, with the trace', async () => {
  await create('waits', 'fail-backoff', { 'retriable.restart.connector.wait.ms': '60000' });
  const answer = await reaches('waits', 'RESTARTING');
  assert.equal(answer.json.connector.state, 'RUNNING', 'the connector itself has nothing to restart');
  assert.equal(answer.json.tasks[0].trace, 'postgres.connect: trace 0');
  assert.equal((await call('GET', '/health/tasks')).status, 503);
  assert.equal((await call('GET', '/health')).status, 200, 'the worker itself is well');
  await call('DELETE', '/connectors/waits');
});

test('errors.max.retries ends the restarts, a durable offset counts them anew', async () => {
  await create('gives-up', 'fail-backoff', {
    'retriable.restart.connector.wait.ms': '1',
    'errors.max.retries': '2',
  });
  const answer = await reaches('gives-up', 'FAILED');
  assert.equal(answer.json.tasks[0].trace, 'postgres.connect: trace 2', 'the third attempt was the last');
  const words = 'durable-then-fail durable-then-fail durable-then-fail durable-then-fail run';
  await create('goes-on', words, { 'retriable.restart.connector.wait.ms': '1', 'errors.max.retries': '1' });
  await reaches('goes-on', 'RUNNING');
  await until(
    () => call('GET', '/connectors/goes-on/offsets'),
    ({ json }) => json.offsets[0]?.offset.attempt === 4,
  );
});

test('what an operator must mend stays FAILED until it is restarted by hand', async () => {
  await create('broken', 'fail-operator run');
  const failed = await reaches('broken', 'FAILED');
  assert.equal(failed.json.connector.state, 'RUNNING');
  assert.equal((await call('GET', '/connectors/broken/tasks/0/status')).json.trace, 'postgres.auth: trace 0');
  const answer = await call('POST', '/connectors/broken/restart?includeTasks=true&onlyFailed=true');
  assert.deepEqual([answer.status, answer.json.tasks[0].state], [202, 'RESTARTING']);
  assert.equal('trace' in answer.json.tasks[0], false);
  await reaches('broken', 'RUNNING');
});

test('a thread that dies fails its task and nothing else', async () => {
  for (const [name, behaviour, trace] of [
    ['throws', 'throw run', /^task\.crashed: .*Caused by: Error: thrown in the thread\n\tat /s],
    ['exits', 'exit run', /^task\.crashed: .*the task's thread ended with code 3/s],
    ['leaves', 'leave run', /^task\.crashed: .*without saying why/s],
  ] as const) {
    await create(name, behaviour);
    const answer = await reaches(name, 'FAILED');
    assert.match(answer.json.tasks[0].trace, trace);
    assert.equal((await call('POST', `/connectors/${name}/tasks/0/restart`)).status, 204);
    await reaches(name, 'RUNNING');
  }
});

test('S-2 a task that uses up its memory fails, the process lives', async () => {
  await create('hungry', 'memory');
  const answer = await reaches('hungry', 'FAILED');
  assert.match(answer.json.tasks[0].trace, /^task\.out-of-memory: /);
  await call('DELETE', '/connectors/hungry');
});

test('a task whose work is done is shown RUNNING', async () => {
  await create('done', 'finish');
  await reaches('done', 'RUNNING');
});

test('pausing keeps the task, stopping gives it up, and either waits for the next process', async () => {
  const first = await startWorker();
  for (const [name, initial] of [
    ['paused', 'PAUSED'],
    ['stopped', 'STOPPED'],
    ['started', 'RUNNING'],
  ] as const)
    await create(name, 'run', {}, initial, first);
  const check = async (of: TestWorker) => {
    await reaches('paused', 'PAUSED', of);
    await reaches('started', 'RUNNING', of);
    const paused = (await statusOf('paused', of)).json;
    assert.equal(paused.connector.state, 'PAUSED');
    const stopped = (await statusOf('stopped', of)).json;
    assert.deepEqual([stopped.connector.state, stopped.tasks], ['STOPPED', []]);
  };
  await check(first);
  await first.close('keep');
  const second = await startWorker({ 'icestream.state.dir': first.stateDir });
  await check(second);
  await send(second.url, 'PUT', '/connectors/paused/resume');
  await reaches('paused', 'RUNNING', second);
  await second.close();
});

test('a new configuration restarts the task from its last durable offset', async () => {
  await create('changes', 'run');
  assert.deepEqual(await storedOffset('changes'), { lsn: 100, epoch: 0, resumed: null, attempt: 0 });
  const answer = await call('PATCH', '/connectors/changes/config', {
    'max.batch.size': 5,
    'fake.behaviour': null,
  });
  assert.equal(answer.json.config['max.batch.size'], '5');
  assert.equal('fake.behaviour' in answer.json.config, false);
  await until(
    () => call('GET', '/connectors/changes/offsets'),
    ({ json }) => json.offsets[0].offset.attempt === 1,
  );
  assert.equal((await storedOffset('changes')).resumed, 100);
});

test('O-2 offsets change only when stopped, and the task sees a higher epoch', async () => {
  await create('moved', 'run');
  await storedOffset('moved');
  const partition = { server: 'moved' };
  assert.equal(
    (await call('PATCH', '/connectors/moved/offsets', { offsets: [{ partition, offset: { lsn: 7 } }] }))
      .status,
    400,
  );
  await stop('moved');
  assert.equal(
    (await call('PATCH', '/connectors/moved/offsets', { offsets: [{ partition, offset: { lsn: 7 } }] }))
      .status,
    200,
  );
  await call('PUT', '/connectors/moved/resume');
  await until(
    () => call('GET', '/connectors/moved/offsets'),
    ({ json }) => json.offsets[0].offset.attempt === 1,
  );
  assert.deepEqual(await storedOffset('moved'), { lsn: 101, epoch: 1, resumed: 7, attempt: 1 });
  await stop('moved');
  assert.equal((await call('DELETE', '/connectors/moved/offsets')).status, 200);
  assert.deepEqual((await call('GET', '/connectors/moved/offsets')).json, { offsets: [] });
  await call('PUT', '/connectors/moved/resume');
  assert.deepEqual(await storedOffset('moved'), { lsn: 102, epoch: 2, resumed: null, attempt: 2 });
});

test('an offset that a number cannot hold exactly is kept as text', async () => {
  await create('precise', 'run', {}, 'STOPPED');
  const body = '{"offsets":[{"partition":{"server":"precise"},"offset":{"lsn":9223372036854775807}}]}';
  assert.equal((await call('PATCH', '/connectors/precise/offsets', body)).status, 200);
  assert.equal((await storedOffset('precise')).lsn, '9223372036854775807');
  for (const offset of ['{"a":{"b":1}}', '[1]', '"x"'])
    assert.equal(
      (
        await call(
          'PATCH',
          '/connectors/precise/offsets',
          `{"offsets":[{"partition":{"s":1},"offset":${offset}}]}`,
        )
      ).status,
      400,
    );
});

test('a deleted connector is gone at once; of its name only the offsets stay', async () => {
  await create('reborn', 'ignore-stop');
  await storedOffset('reborn');
  assert.equal((await call('DELETE', '/connectors/reborn')).status, 204);
  assert.equal((await statusOf('reborn')).status, 404);
  // Its thread ignores the stop, so the new task has to wait until that thread has been ended.
  await create('reborn', 'run');
  await reaches('reborn', 'RUNNING');
  await until(
    () => call('GET', '/connectors/reborn/offsets'),
    ({ json }) => json.offsets[0].offset.resumed === 100,
  );
});

test('config provider references are shown as written and resolved for the task', async () => {
  process.env['ICESTREAM_TEST_PREFIX'] = 'resolved';
  await create('refers', 'run', { 'topic.prefix': '$' + '{env:ICESTREAM_TEST_PREFIX}' });
  await reaches('refers', 'RUNNING');
  assert.equal(
    (await call('GET', '/connectors/refers/config')).json['topic.prefix'],
    '$' + '{env:ICESTREAM_TEST_PREFIX}',
  );
  const { json } = await until(
    () => call('GET', '/connectors/refers/topics'),
    (answer) => answer.json.refers.topics.length > 0,
  );
  assert.deepEqual(json.refers.topics, ['resolved.public.t']);
  delete process.env['ICESTREAM_TEST_PREFIX'];
  assert.equal((await call('POST', '/connectors/refers/tasks/0/restart')).status, 204);
  const failed = await reaches('refers', 'FAILED');
  assert.match(failed.json.tasks[0].trace, /^config\.provider: .*ICESTREAM_TEST_PREFIX/);
});

test('a signal reaches the task', async () => {
  await create('listens', 'run');
  await reaches('listens', 'RUNNING');
  const body = { id: 's1', type: 'execute-snapshot', data: { 'data-collections': ['public.t'] } };
  assert.deepEqual((await call('POST', '/connectors/listens/signals', body)).json, { id: 's1' });
  await until(
    () => call('GET', '/connectors/listens/topics'),
    ({ json }) => json.listens.topics.includes('s1.execute-snapshot.{"data-collections":["public.t"]}'),
  );
  assert.equal((await call('POST', '/connectors/listens/signals', { id: 's2' })).status, 400);
  assert.equal((await call('POST', '/connectors/nope/signals', body)).status, 404);
  await stop('listens');
  assert.equal((await call('POST', '/connectors/listens/signals', body)).status, 409);
});

test('tables and metrics tell what the task measured', async () => {
  await create('gauged', 'run');
  await until(
    () => call('GET', '/connectors/gauged/tables'),
    ({ json }) => json.tables.length === 1,
  );
  const { json } = await call('GET', '/connectors/gauged/tables');
  assert.deepEqual(json.tables[0], {
    table: 'public.t',
    state: 'ok',
    snapshot: { rows: 2, total: null, done: false },
    rows_streamed: 5,
    rows_written: 0,
    deletes_written: 0,
    bytes_written: 0,
    files_written: 0,
    commits: 0,
    valid_through: '2023-11-14T22:13:20.000Z',
  });
  const { text } = await call('GET', '/metrics');
  for (const line of [
    'debezium_metrics_MilliSecondsBehindSource{context="streaming",name="gauged",plugin="postgres"} 42',
    'debezium_metrics_TotalNumberOfEventsSeen{context="streaming",name="gauged",plugin="postgres"} 7',
    'debezium_metrics_RowsScanned{context="snapshot",name="gauged",plugin="postgres",table="public.t"} 2',
    'kafka_connect_connector_status{connector="gauged",task="0",status="running"} 1',
    'kafka_connect_worker_connector_running_task_count{connector="gauged"} 1',
    'icestream_commits_total{connector="gauged",task="0"} 3',
    'icestream_table_streamed_rows_total{connector="gauged",table="public.t"} 5',
    'icestream_table_state{connector="gauged",table="public.t",state="ok"} 1',
  ])
    assert.ok(text.split('\n').includes(line), line);
  assert.match(text, /^process_resident_memory_bytes \d+/m);
});

test('the metrics are one family after the other, each with its type once', async () => {
  const { text } = await call('GET', '/metrics');
  const types = text.split('\n').filter((line) => line.startsWith('# TYPE '));
  assert.equal(new Set(types).size, types.length);
  const names = text
    .split('\n')
    .filter((line) => /^(debezium|kafka|icestream)/.test(line))
    .map((line) => line.split(/[ {]/)[0]!);
  const runs = names.filter((name, i) => name !== names[i - 1]);
  assert.equal(new Set(runs).size, runs.length);
});

test('an unknown property is accepted and logged with the nearest known name', async () => {
  await create('mistyped', 'run', {
    'tabel.include.list': 'a.b',
    'transforms.x.y': 'z',
    'database.sslmode': 'prefer',
  });
  const notes = worker.logged
    .map((line) => JSON.parse(line))
    .filter(({ msg, connector }) => msg === 'unknown property' && connector === 'mistyped');
  assert.deepEqual(
    notes.map(({ key, nearest }) => [key, nearest]),
    [
      ['fake.behaviour', null],
      ['tabel.include.list', 'table.include.list'],
    ],
  );
});

test('topics are those of the tables that had rows', async () => {
  await create('topical', 'run');
  const { json } = await until(
    () => call('GET', '/connectors/topical/topics'),
    (answer) => answer.json.topical.topics.length > 0,
  );
  assert.deepEqual(json.topical.topics, ['topical.public.t']);
});

test('nothing logs a password', async () => {
  await create('secretive', 'fail-operator', { 'database.password': 'hunter2-in-the-log' });
  await reaches('secretive', 'FAILED');
  assert.ok(worker.logged.length > 0);
  assert.equal(worker.logged.join('').includes('hunter2-in-the-log'), false);
});
