import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { LOAD_TABLES, Load, stepOfLake } from '../harness/load.ts';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { Service } from '../harness/service.ts';
import { until } from '../harness/until.ts';
import { startTcpProxy } from '../services/proxy.ts';

const BEACON = 'UPDATE counters SET step = step';

test('O-6 a second instance waits for the slot, and takes over when the first has gone', {
  timeout: 120_000,
}, async (t) => {
  const rig = await Rig.create(t);
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  const first = await rig.start();
  await rig.caughtUp(BEACON);
  const second = await Service.start({ folder: join(rig.folder, 'second') });
  t.after(() => second.kill());
  await second.connector(CONNECTOR, rig.config);
  await until('the second one waits', () => /slot is in use, waiting/.test(second.log()), {
    detail: () => second.log(),
    timeoutMs: 20_000,
  });
  await load.walk(50);
  await rig.caughtUp(BEACON);
  await rig.lake((lake) => stepOfLake(lake, rig.namespace));
  await first.kill();
  await load.walk(50);
  rig.adopt(second);
  await rig.caughtUp(BEACON);
  await second.stop();
  await rig.requireEqual(...LOAD_TABLES);
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
});

test('O-6 an instance that lost its slot to another while it was frozen commits nothing more', {
  timeout: 150_000,
}, async (t) => {
  const rig = await Rig.create(t);
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(20);
  // The first one's connections go through a proxy, so that the server can lose sight of it while it has rows to commit.
  const proxy = await startTcpProxy(new URL(rig.url).host);
  t.after(() => proxy.close());
  const direct = { ...rig.config };
  Object.assign(rig.config, {
    'database.hostname': '127.0.0.1',
    'database.port': String(proxy.port),
    'iceberg.control.commit.interval-ms': '3000',
  });
  const first = await rig.start();
  await rig.caughtUp(BEACON);
  // Rows that it has read and not committed: its next commit is due in up to three seconds.
  await load.walk(100);
  await until(
    'the first one has read them',
    async () => ((await first.tables(CONNECTOR)).get('public.steps')?.rows_streamed ?? 0) >= 200,
  );
  first.signal('SIGSTOP');
  proxy.cut();
  const second = await Service.start({ folder: join(rig.folder, 'second') });
  t.after(() => second.kill());
  await second.connector(CONNECTOR, direct);
  rig.adopt(second);
  await load.walk(50);
  await rig.caughtUp(BEACON);
  await load.walk(10);
  await rig.caughtUp(BEACON);
  // Now the first one wakes up in the middle of what it was doing.
  first.signal('SIGCONT');
  await until('the first one is fenced, or waits for the slot', async () =>
    /iceberg\.fenced|slot is in use|postgres\.connect/.test(first.log()),
  );
  await load.walk(50);
  await rig.caughtUp(BEACON);
  await first.kill();
  await second.stop();
  await rig.requireEqual(...LOAD_TABLES);
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
});
