import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ask, type Exchange, exchanges, view } from './replay.ts';
import { send, startWorker, until } from './worker.ts';

const NOT_OFFERED = 'a plugin that is not offered (no Kafka, no other database yet)';
const FILE_STREAM = 'its connector is a FileStream one, which needs Kafka';
const SEES_FILE_STREAM = 'the recorded list holds FileStream connectors';
const NO_PAGE = "the status as recorded, without the HTML page of Connect's web server";
const NO_DATABASE = 'no database is asked here; shown in validation.pg.test.ts';

/** Exchanges whose answers differ, each with the reason and the status that this worker answers with. */
const EXCEPTIONS: ReadonlyMap<string, { reason: string; status: number }> = new Map(
  [
    except(NOT_OFFERED, 404, 'plugin-config-mariadb', 'plugin-config-iceberg', 'plugin-config-mysql'),
    except(NOT_OFFERED, 404, 'plugin-config-mongodb', 'plugin-config-smt-unwrap'),
    except(NOT_OFFERED, 500, 'validate-mariadb-min', 'validate-iceberg-min'),
    except(NO_DATABASE, 200, 'validate-pg-unreachable'),
    except(
      FILE_STREAM,
      400,
      'create-intvalue',
      'create-stopped',
      'create-with-slash',
      'put-config-create-201',
    ),
    except(FILE_STREAM, 400, 'put-sink-failed', 'sink-topics-and-regex', 'sink-no-topics'),
    except(
      FILE_STREAM,
      404,
      'status-stopped-initial',
      'offsets-fs-source',
      'offsets-fs-patch',
      'offsets-fs-after',
    ),
    except(
      FILE_STREAM,
      404,
      'status-failed',
      'offsets-sink',
      'stop-sink',
      'offsets-sink-patch',
      'offsets-sink-get2',
    ),
    except(FILE_STREAM, 404, 'delete-rs2', 'delete-newput', 'delete-failsink'),
    except(SEES_FILE_STREAM, 200, 'list-expand-status', 'list-expand-both', 'list-expand-bogus'),
    except(NO_PAGE, 400, 'status-slash', 'delete-slash'),
  ].flat(),
);

function except(
  reason: string,
  status: number,
  ...labels: string[]
): [string, { reason: string; status: number }][] {
  return labels.map((label) => [label, { reason, status }]);
}

const VALUES = { host: '127.0.0.1', port: '5432', user: 'postgres', password: 'secret', run: '_r1' };
const worker = await startWorker();
after(() => worker.close());
const offered = new Set(['io.debezium.connector.postgresql.PostgresConnector']);
const recorded = exchanges({ ...VALUES, connect: worker.url });

test('the recording is complete', () => {
  assert.equal(recorded.length, 133);
  const labels = new Set(recorded.map(({ label }) => label));
  assert.deepEqual(
    [...EXCEPTIONS.keys()].filter((label) => !labels.has(label)),
    [],
  );
});

for (const exchange of recorded) {
  const { n, label, request, timing } = exchange;
  const exception = EXCEPTIONS.get(label);
  const note = exception === undefined ? '' : ` (${exception.reason})`;
  test(`${n} ${label}: ${request.method} ${request.path}${note}`, async () => {
    await reach(exchange);
    const expected = view(exchange, exchange.response, offered);
    const deadline = Date.now() + (exchange.poll && exception === undefined ? 5000 : 0);
    let actual = view(exchange, await ask(worker.url, exchange), offered);
    while (!same(actual, expected) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      actual = view(exchange, await ask(worker.url, exchange), offered);
    }
    if (exception !== undefined) assert.equal(actual.status, exception.status);
    else if (timing !== undefined)
      assert.ok(actual.status < 500, `the answer depends on the moment: ${timing}`);
    else assert.deepEqual(actual, expected);
  });
}

/** Waits for what the recording had waited for: a state of a connector and its tasks. */
async function reach({ await: wanted }: Exchange): Promise<void> {
  if (wanted === undefined || !wanted.connector.startsWith('resttest')) return;
  const states = wanted.state === 'STOPPED' ? [] : [wanted.state];
  await until(
    () => send(worker.url, 'GET', `/connectors/${wanted.connector}/status`),
    ({ json }) => {
      const tasks = json.tasks?.map((task: { state: string }) => task.state) ?? [];
      return json.connector?.state === wanted.state && tasks.join() === states.join();
    },
  );
}

function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}
