import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CONNECTOR, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { run } from '../services/cache.ts';

/** A file system of so many megabytes, which needs root; it goes with the test. */
async function smallDisk(rig: Rig, name: string, megabytes: number) {
  const path = join(rig.folder, name);
  await mkdir(path);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  rig.cleanUp(() => run('umount', ['-l', path]));
  return { path, grow: (to: number) => run('mount', ['-o', `remount,size=${to}m`, path]) };
}

/** Bytes that no compression makes smaller, 16 kB a row. */
const NOISE = (from: number, to: number) =>
  `INSERT INTO noise SELECT i, (SELECT decode(string_agg(md5(random()::text || i || j), ''), 'hex') FROM generate_series(1, 1024) j) FROM generate_series(${from}, ${to}) i`;

async function rigWithNoise(t: TestContext, config: Record<string, string> = {}): Promise<Rig> {
  const rig = await Rig.create(t, { config });
  await rig.sql('CREATE TABLE noise (id int PRIMARY KEY, b bytea); CREATE TABLE small (id int PRIMARY KEY)');
  await rig.sql(NOISE(1, 10));
  return rig;
}

test('a full disk under the warehouse is named and waited for; with room again nothing is missing', {
  timeout: 150_000,
}, async (t) => {
  const rig = await rigWithNoise(t);
  const disk = await smallDisk(rig, 'warehouse', 4);
  await rig.start();
  await rig.caughtUp('INSERT INTO small VALUES (1)');
  await rig.sql(NOISE(11, 600));
  await until('the full disk is told', async () => /storage\.full/.test(rig.service.log()), {
    detail: () => rig.service.log(),
  });
  const trace = await rig.service.untilTask(CONNECTOR, 'RESTARTING', /storage\.full/);
  assert.match(trace, /ENOSPC|no space/i);
  assert.match(trace, /Free disk space; writing goes on by itself/);
  assert.match(trace, /warehouse/);
  await rig.sql('INSERT INTO small VALUES (2); DELETE FROM noise WHERE id % 3 = 0');
  await disk.grow(200);
  await rig.caughtUp('INSERT INTO small VALUES (3)');
  await rig.requireEqual('noise', 'small');
});

test('a full disk under the state directory, while a transaction is spooled or rows are set aside, is named and waited for', {
  timeout: 150_000,
}, async (t) => {
  const rig = await rigWithNoise(t);
  await rig.sql(
    `ALTER DATABASE ${new URL(rig.url).pathname.slice(1)} SET logical_decoding_work_mem = '64kB'`,
  );
  const disk = await smallDisk(rig, 'state', 6);
  const worker = { 'icestream.memory.bytes': String(16 << 20) };
  await rig.start({ stateDir: disk.path, worker });
  await rig.caughtUp('INSERT INTO small VALUES (1)');
  await rig.sql(NOISE(11, 1500));
  const trace = await rig.service.untilTask(CONNECTOR, 'RESTARTING', /storage\.full/);
  assert.match(trace, /spooled/);
  assert.match(trace, /Free disk space; writing goes on by itself/);
  // Room for the spool, not for what the sink sets aside besides.
  await disk.grow(35);
  await until('the sink meets the full disk', () => /storage\.full[^\n]*\.spill/.test(rig.service.log()), {
    detail: () => rig.service.log(),
  });
  await disk.grow(400);
  await rig.caughtUp('INSERT INTO small VALUES (2)', 60_000);
  await rig.requireEqual('noise', 'small');
});

test('P-1 a transaction beyond icestream.spool.max.bytes fails the task with what to raise', {
  timeout: 120_000,
}, async (t) => {
  const rig = await rigWithNoise(t, { 'icestream.spool.max.bytes': '1000000' });
  await rig.sql(
    `ALTER DATABASE ${new URL(rig.url).pathname.slice(1)} SET logical_decoding_work_mem = '64kB'`,
  );
  await rig.start();
  await rig.caughtUp('INSERT INTO small VALUES (1)');
  await rig.sql(NOISE(11, 200));
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /postgres\.spool-full: .*bytesMax=1000000/);
  assert.match(trace, /raise icestream\.spool\.max\.bytes or split the transaction/);
  await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, {
    ...rig.config,
    'icestream.spool.max.bytes': '100000000',
  });
  await rig.caughtUp('INSERT INTO small VALUES (2)');
  await rig.requireEqual('noise', 'small');
});
