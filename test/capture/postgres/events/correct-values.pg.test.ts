import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageWriter } from '../../../../src/record/envelope.ts';
import { ValueCollector } from '../../../../src/record/value-collector.ts';
import { testDatabase } from '../../../services/postgres.ts';
import { Capture, clientOf, configFor } from '../capture.ts';

/** The first row of `public.t` as read by a snapshot, by column, and the defaults of its schema. */
async function snapshotOf(sql: string, config: Readonly<Record<string, string>>) {
  const database = await testDatabase();
  const client = await clientOf(database.url);
  await client.query(sql);
  const capture = await Capture.open(
    configFor(database, { 'snapshot.mode': 'initial_only', sinks: 'kafka', ...config }),
  );
  try {
    for (;;) {
      const batch = await capture.next();
      assert.ok(batch !== null, 'the snapshot has a row');
      if (batch.rowCount === 0) continue;
      const table = batch.tables[0];
      const { fields } = capture.source.events!.of(table);
      const collector = new ValueCollector();
      new ImageWriter(table, fields, collector).write(batch, batch.after[0], false, -1, true);
      const values = collector.take() as unknown[];
      return {
        values: Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])),
        defaults: Object.fromEntries(fields.map(({ name, schema }) => [name, schema.default])),
      };
    }
  } finally {
    await capture.close();
    await client.end();
  }
}

const SQL = `create table t (id int primary key, d date, ts timestamp, n numeric(5,-2), times time[], bits bit(2)[],
    v int2vector, txt text default 'it''s', made timestamptz default now(), g int generated always as (id * 2) stored);
  insert into t(id, d, ts, n, times, bits, v) values (1, 'infinity', '-infinity', 12300, '{12:34:56.789012}', '{10}', '1 2')`;

test('values that Debezium is known to have wrong are its own by default', async () => {
  const { values, defaults } = await snapshotOf(SQL, { 'time.precision.mode': 'isostring' });
  assert.equal(values['d'], '+292278994-08-16Z');
  assert.equal(values['ts'], '-290308-12-21T19:59:27.6Z');
  assert.deepEqual(values['times'], ['12:34:56.789Z']);
  assert.equal(values['bits'], null);
  assert.deepEqual(values['v'], []);
  assert.equal(values['g'], 2);
  assert.equal(defaults['txt'], 'it');
  assert.equal(defaults['made'], '1970-01-01T00:00:00.000000Z');
});

test('icestream.correct.values has right ones instead', async () => {
  const { values, defaults } = await snapshotOf(SQL, {
    'time.precision.mode': 'isostring',
    'icestream.correct.values': 'true',
  });
  assert.equal(values['d'], 'infinity');
  assert.equal(values['ts'], '-infinity');
  assert.deepEqual(values['n'], { unscaled: 12300n, scale: 0 });
  assert.deepEqual(values['times'], ['12:34:56.789012Z']);
  assert.deepEqual(values['bits'], [Buffer.from([2])]);
  assert.deepEqual(values['v'], [1, 2]);
  assert.equal('g' in values, false);
  assert.equal(defaults['txt'], "it's");
  assert.equal(defaults['made'], undefined);
});
