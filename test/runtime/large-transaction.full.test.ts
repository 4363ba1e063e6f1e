import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rig } from '../harness/rig.ts';

const ROWS = Number(process.env['ICESTREAM_TEST_ROWS'] ?? 50_000_000);
const LIMIT_MB = 512;
const SUMS =
  'count(*)::text AS rows, count(DISTINCT id)::text AS keys, sum(id)::text AS ids, sum(v)::text AS total';

test(`L-4 P-1 one transaction of ${ROWS} rows arrives whole, within ${LIMIT_MB} MB`, {
  timeout: 7_000_000,
}, async (t) => {
  const rig = await Rig.create(t, { config: { 'snapshot.mode': 'no_data' } });
  await rig.sql('CREATE TABLE big (id bigint PRIMARY KEY, v int NOT NULL, note text)');
  const service = await rig.start();
  await rig.caughtUp(`INSERT INTO big VALUES (0, 0, 'first')`);
  // Updates of rows of the same transaction: the merge must find them, wherever they were set aside.
  await rig.sql(`BEGIN;
    INSERT INTO big SELECT g, g % 1000, 'row ' || g FROM generate_series(1, ${ROWS}) g;
    UPDATE big SET v = v + 1 WHERE id % 50 = 0;
    COMMIT`);
  await rig.caughtUp(`INSERT INTO big VALUES (-1, 0, 'last')`, 6_000_000);
  const peak = Math.round(service.peakRssMb);
  t.diagnostic(`peak memory ${peak} MB`);
  const expected = await rig.sql(`SELECT ${SUMS} FROM big`);
  const found = await rig.lake((lake) => lake.query(`${rig.namespace}.big`, SUMS));
  assert.deepEqual(found, expected);
  assert.ok(peak <= LIMIT_MB, `${peak} MB`);
});
