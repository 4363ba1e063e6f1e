import assert from 'node:assert/strict';
import { test } from 'node:test';
import { branchHead } from '../../src/iceberg/metadata.ts';
import { proxiedCatalog, separateCatalog } from '../harness/catalog.ts';
import { LOAD_TABLES, Load, stepOfLake } from '../harness/load.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { commitChange } from '../iceberg/lake.ts';
import type { FaultAction, FaultSpec } from '../services/proxy.ts';

const BEACON = 'UPDATE counters SET step = step';
/** One table's commit, or that of several together. */
const COMMIT = { method: 'POST', path: /\/tables\/[^/]+$|transactions\/commit$/ } as const;
const QUICK = { 'iceberg.catalog.rest.client.socket-timeout-ms': '1000' };

async function finish(rig: Rig, load: Load): Promise<void> {
  await load.walk(10);
  await rig.caughtUp(BEACON);
  await rig.service.stop();
  await rig.requireEqual(...LOAD_TABLES);
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
}

test('a catalog that is down at the start and in between is waited for, and named', {
  timeout: 150_000,
}, async (t) => {
  const { proxy, config } = await proxiedCatalog(t);
  const rig = await Rig.create(t, { config });
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  await proxy.refuse();
  await rig.start();
  const trace = await rig.service.untilTask(CONNECTOR, 'RESTARTING');
  assert.match(trace, /iceberg\.catalog-unreachable: /);
  assert.match(trace, new RegExp(`127\\.0\\.0\\.1:${proxy.port}`));
  assert.match(trace, /Check iceberg\.catalog\.uri/);
  await proxy.heal();
  await rig.caughtUp(BEACON);
  await proxy.refuse();
  await load.walk(100);
  await until('the service has noticed', () => /catalog-unreachable.*trying again/.test(rig.service.log()));
  await proxy.heal();
  await finish(rig, load);
});

const ACTIONS: readonly FaultAction[] = [
  { status: 500 },
  { status: 502 },
  { status: 503 },
  { status: 504 },
  'cut',
  { status: 429 },
  { status: 409, body: '{"error":{"message":"stale","type":"CommitFailedException","code":409}}' },
];

for (const [kind, make] of [
  ['tables together', proxiedCatalog],
  ['table by table', separateCatalog],
] as const) {
  test(`O-5 a commit of ${kind} that fails before or after it was carried out happens once`, {
    timeout: 120_000,
  }, async (t) => {
    const { proxy, config } = await make(t);
    const rig = await Rig.create(t, { config });
    const load = await Load.create(rig.url);
    t.after(() => load.close());
    await load.walk(20);
    await rig.start();
    await rig.caughtUp(BEACON);
    for (const when of ['before', 'after'] as const) {
      for (const action of ACTIONS) {
        // The second table of a commit, where they come one by one: the first is done by then.
        const skip = kind === 'table by table' ? 1 : 0;
        const fault = proxy.fault({ ...COMMIT, when, action, skip, times: 2 } satisfies FaultSpec);
        await load.walk(5);
        await fault.struck;
        fault.remove();
        await rig.caughtUp(BEACON);
      }
    }
    assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
    await finish(rig, load);
  });
}

test('O-4 a catalog that fails between member tables, and the service killed there: nothing lost, nothing twice', {
  timeout: 150_000,
}, async (t) => {
  const { proxy, config } = await separateCatalog(t);
  const rig = await Rig.create(t, { config });
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  for (const table of LOAD_TABLES) {
    await rig.start();
    await rig.caughtUp(BEACON);
    const path = new RegExp(`/tables/${table}$`);
    const fault = proxy.fault({
      method: 'POST',
      path,
      when: 'before',
      action: { status: 503 },
      times: Number.POSITIVE_INFINITY,
    });
    await load.walk(20);
    await until('the others have it', () => fault.hits > 1, { alive: () => rig.service.requireAlive() });
    await rig.service.kill();
    await load.walk(5);
    await rig.loseState();
    fault.remove();
  }
  await rig.start();
  await finish(rig, load);
});

test('a catalog that does not answer within its time is asked again', { timeout: 120_000 }, async (t) => {
  const { proxy, config } = await proxiedCatalog(t);
  const rig = await Rig.create(t, { config: { ...config, ...QUICK } });
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  await rig.start();
  await rig.caughtUp(BEACON);
  for (const when of ['before', 'after'] as const) {
    const fault = proxy.fault({ ...COMMIT, when, action: { delayMs: 2500 } });
    await load.walk(5);
    await fault.struck;
    await rig.caughtUp(BEACON);
  }
  await finish(rig, load);
});

for (const status of [401, 403]) {
  test(`a catalog that refuses with ${status} fails the task with what to check; after mending nothing is missing`, {
    timeout: 120_000,
  }, async (t) => {
    const { proxy, config } = await proxiedCatalog(t);
    const rig = await Rig.create(t, { config });
    const load = await Load.create(rig.url);
    t.after(() => load.close());
    await rig.start();
    await rig.caughtUp(BEACON);
    const body = JSON.stringify({
      error: { message: 'not you', type: 'NotAuthorizedException', code: status },
    });
    const fault = proxy.fault({ when: 'before', action: { status, body }, times: Number.POSITIVE_INFINITY });
    await load.walk(5);
    const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
    assert.match(trace, /iceberg\.catalog-refused: .*status=\d+.*not you/s);
    assert.match(trace, /Check the credentials and rights of the catalog/);
    fault.remove();
    await rig.service.request('POST', `/connectors/${CONNECTOR}/tasks/0/restart`);
    await finish(rig, load);
  });
}

test('O-5 commits of another writer in between are built upon', { timeout: 120_000 }, async (t) => {
  const rig = await Rig.create(t);
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  await rig.start();
  await rig.caughtUp(BEACON);
  await rig.lake(async (lake) => {
    for (let i = 0; i < 5; i++) {
      for (const table of LOAD_TABLES)
        await commitChange(lake.catalog, await lake.table(`${rig.namespace}.${table}`), {
          dataFiles: [],
          summary: { writer: 'another' },
        });
      await load.walk(3);
      await rig.caughtUp(BEACON);
    }
    // Before a service has written for the first time, too.
    await rig.service.stop();
    for (const table of LOAD_TABLES)
      await commitChange(lake.catalog, await lake.table(`${rig.namespace}.${table}`), {
        dataFiles: [],
        summary: { writer: 'another' },
      });
    await rig.start();
    await rig.caughtUp(BEACON);
    await commitChange(lake.catalog, await lake.table(`${rig.namespace}.steps`), {
      dataFiles: [],
      summary: { writer: 'another' },
    });
    await finish(rig, load);
    const { metadata } = await lake.table(`${rig.namespace}.steps`);
    assert.equal(metadata.snapshots!.filter(({ summary }) => summary['writer'] === 'another').length, 7);
  });
});

const BEHIND_OUR_BACK: Readonly<Record<string, (rig: Rig) => Promise<void>>> = {
  'rolled back': (rig) =>
    rig.lake(async (lake) => {
      const table = await lake.table(`${rig.namespace}.ledger`);
      const parent = branchHead(table.metadata)!['parent-snapshot-id']!;
      const update = {
        action: 'set-snapshot-ref',
        'ref-name': 'main',
        type: 'branch',
        'snapshot-id': parent,
      } as const;
      await lake.catalog.commit([{ ident: table.ident, requirements: [], updates: [update] }]);
    }),
  dropped: (rig) => rig.lake((lake) => lake.catalog.drop({ namespace: [rig.namespace], name: 'ledger' })),
  'dropped and created again': (rig) =>
    rig.lake(async (lake) => {
      const { ident, metadata } = await lake.table(`${rig.namespace}.ledger`);
      await lake.catalog.drop(ident);
      await lake.catalog.create({
        ident,
        schema: metadata.schemas[0],
        specs: metadata['partition-specs'],
        properties: {},
      });
    }),
};

for (const [what, happen] of Object.entries(BEHIND_OUR_BACK)) {
  for (const running of [true, false]) {
    test(`O-5 a lake table ${what} while the service is ${running ? 'running' : 'stopped'} stops alone, with its own error`, {
      timeout: 120_000,
    }, async (t) => {
      const rig = await Rig.create(t);
      const load = await Load.create(rig.url);
      t.after(() => load.close());
      await load.walk(20);
      await rig.start();
      await rig.caughtUp(BEACON);
      await load.walk(20);
      await rig.caughtUp(BEACON);
      if (!running) await rig.service.stop();
      await happen(rig);
      if (!running) await rig.start();
      await load.walk(20);
      const reason = await rig.service.untilTable(CONNECTOR, 'public.ledger', 'needs-resnapshot');
      assert.match(reason, new RegExp(`iceberg\\.table-replaced: .*${rig.namespace}\\.ledger was ${what}`));
      await rig.caughtUp(BEACON);
      assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
      await rig.requireEqual('counters', 'steps');
      // It is still known after a crash, and L-5: starting again reads it anew.
      await rig.service.kill();
      await rig.loseState();
      await rig.start();
      await load.walk(20);
      await rig.service.untilTable(CONNECTOR, 'public.ledger', 'ok');
      await finish(rig, load);
    });
  }
}
