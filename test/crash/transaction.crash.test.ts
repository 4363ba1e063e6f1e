import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Failpoint } from '../../src/base/failpoint.ts';
import { CONNECTOR, connect, Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** Savepoints rolled back at the begin, within and at the end; a key inserted, undone and inserted again. */
const BODY = [
  `INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 20000) i`,
  'SAVEPOINT a',
  `DELETE FROM big WHERE id <= 10000`,
  `INSERT INTO big SELECT i, 'undone' FROM generate_series(20001, 30000) i`,
  'SAVEPOINT b',
  `UPDATE big SET t = 'undone twice'`,
  'ROLLBACK TO SAVEPOINT b',
  'ROLLBACK TO SAVEPOINT a',
  `INSERT INTO big SELECT i, 'second try' FROM generate_series(20001, 25000) i`,
  'SAVEPOINT c',
  `UPDATE big SET t = 'kept' WHERE id % 3 = 0`,
  'RELEASE SAVEPOINT c',
  `DELETE FROM big WHERE id % 5 = 0`,
  'SAVEPOINT d',
  `UPDATE big SET id = -id WHERE id % 7 = 0`,
  'ROLLBACK TO SAVEPOINT d',
];

for (const failpoint of [
  'spool.written:5',
  'spool.releasing:3',
] as const satisfies `${Failpoint}:${number}`[]) {
  test(`P-1 kill -9 at ${failpoint} of a streamed transaction with ROLLBACK TO SAVEPOINT: its kept rows arrive, once`, {
    timeout: 150_000,
  }, async (t) => {
    const rig = await Rig.create(t);
    await rig.sql(
      `ALTER DATABASE ${new URL(rig.url).pathname.slice(1)} SET logical_decoding_work_mem = '64kB'`,
    );
    await rig.sql('CREATE TABLE big (id int PRIMARY KEY, t text); CREATE TABLE other (id int PRIMARY KEY)');
    const service = await rig.start({ failpoint });
    await rig.streaming();
    const writer = await connect(rig.url);
    t.after(() => writer.end());
    await writer.query('BEGIN');
    for (const [i, statement] of BODY.entries()) {
      await writer.query(statement);
      // Others commit meanwhile: their rows come before those of the long transaction.
      if (service.running) await rig.sql(`INSERT INTO other VALUES (${i})`);
    }
    await writer.query('COMMIT');
    await service.crashed();
    const again = await rig.start();
    await rig.caughtUp('INSERT INTO other VALUES (1000)');
    assert.deepEqual(
      await readdir(join(rig.folder, 'service', 'state'), { recursive: true }).then((names) =>
        names.filter((name) => name.endsWith('.transaction')),
      ),
      [],
    );
    await again.stop();
    await rig.requireEqual('big', 'other');
  });
}

test('P-1 a streamed transaction that is rolled back, or whose session dies, leaves nothing', {
  timeout: 120_000,
}, async (t) => {
  const rig = await Rig.create(t);
  await rig.sql(
    `ALTER DATABASE ${new URL(rig.url).pathname.slice(1)} SET logical_decoding_work_mem = '64kB'`,
  );
  await rig.sql('CREATE TABLE big (id int PRIMARY KEY, t text); CREATE TABLE other (id int PRIMARY KEY)');
  const service = await rig.start();
  await rig.streaming();
  const spooled = () => service.request('GET', `/connectors/${CONNECTOR}/tables`);
  await spooled();
  for (const end of ['ROLLBACK', 'die'] as const) {
    const writer = await connect(rig.url);
    const { rows } = await writer.query('SELECT pg_backend_pid() AS pid');
    await writer.query('BEGIN');
    await writer.query(BODY[0]);
    if (end === 'die') await rig.sql(`SELECT pg_terminate_backend(${rows[0].pid}, 5000)`);
    else await writer.query(end);
    await writer.end().catch(() => undefined);
  }
  await rig.caughtUp('INSERT INTO other VALUES (1)');
  await until('the spool is empty', async () => {
    const names = await readdir(join(rig.folder, 'service', 'state'), { recursive: true });
    return !names.some((name) => name.endsWith('.transaction'));
  });
  await service.stop();
  await rig.requireEqual('big', 'other');
});
