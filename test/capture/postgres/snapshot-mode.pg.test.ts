import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Client } from 'pg';
import type { PostgresOffset } from '../../../src/capture/postgres/offset.ts';
import { MAY_EXIST } from '../../../src/record/batch.ts';
import { testDatabase } from '../../services/postgres.ts';
import { Capture, clientOf, configFor } from './capture.ts';
import type { PlainRow } from './plain.ts';

let client: Client;
let base: Record<string, string>;

beforeEach(async () => {
  const database = await testDatabase();
  client = await clientOf(database.url);
  await client.query('CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1), (2)');
  base = configFor(database, {
    'slot.name': database.name,
    'publication.name': database.name,
    'snapshot.mode': 'initial',
  });
});

afterEach(() => client.end());

interface Run {
  /** `r1 r2 c3`; a streamed row that the snapshot may have had already bears a star. */
  readonly rows: string;
  readonly offset: PostgresOffset | null;
  /** The source had nothing more to give. */
  readonly ended: boolean;
}

/** One run until it ends by itself, or until row `live` has come, which is inserted once the stream stands. */
async function run(config: Record<string, string>, from: PostgresOffset | null, live: number): Promise<Run> {
  const capture = await Capture.open({ ...base, ...config }, from);
  const inserted = insertWhenStreaming(live);
  const isLive = ({ op, after }: PlainRow) => op === 'c' && after!['id'] === live;
  try {
    let ended = false;
    while (!ended && !capture.rows.some(isLive)) ended = (await capture.next()) === null;
    if (capture.offset !== null) capture.source.ack(capture.offset);
    return { rows: capture.rows.map(printed).join(' '), offset: capture.offset, ended };
  } finally {
    await capture.close();
    inserted.stop();
    await inserted.done;
  }
}

const printed = ({ op, after, flags }: PlainRow) => `${op}${after!['id']}${flags & MAY_EXIST ? '*' : ''}`;

/** A slot is active while it is made, too; only a walsender that streams gets what is written from now on. */
function insertWhenStreaming(id: number): { stop(): void; done: Promise<void> } {
  let isStopped = false;
  const done = (async () => {
    while (!isStopped) {
      const { rowCount } = await client.query(
        `SELECT FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
         WHERE s.slot_name = $1 AND r.state IN ('catchup', 'streaming')`,
        [base['slot.name']],
      );
      if (rowCount === 0) continue;
      await client.query('INSERT INTO item VALUES ($1)', [id]);
      return;
    }
  })();
  const stop = () => {
    isStopped = true;
  };
  return { stop, done };
}

const dropSlot = () => client.query('SELECT pg_drop_replication_slot($1)', [base['slot.name']]);

const based = (data: boolean, stream: boolean, onError = false) => ({
  'snapshot.mode': 'configuration_based',
  'snapshot.mode.configuration.based.snapshot.data': String(data),
  'snapshot.mode.configuration.based.start.stream': String(stream),
  'snapshot.mode.configuration.based.snapshot.on.data.error': String(onError),
});
const named = (mode: string) => ({ 'snapshot.mode': mode });

/** Rows 1 and 2 are there before the first start, 4 comes between the runs, 3 and 5 while they stream. */
for (const [name, config, first, second] of [
  ['initial', named('initial'), 'r1 r2 c3', 'c4 c5'],
  ['exported, by its new name initial', named('exported'), 'r1 r2 c3', 'c4 c5'],
  ['initial_only', named('initial_only'), 'r1 r2', ''],
  ['no_data', named('no_data'), 'c3', 'c4 c5'],
  ['never, by its new name no_data', named('never'), 'c3', 'c4 c5'],
  ['schema_only, by its new name no_data', named('schema_only'), 'c3', 'c4 c5'],
  ['when_needed', named('when_needed'), 'r1 r2 c3', 'c4 c5'],
  ['always', named('always'), 'r1 r2 c3', 'r1 r2 r3 r4 c4* c5'],
  ['configuration_based, data and stream', based(true, true), 'r1 r2 c3', 'c4 c5'],
  ['configuration_based, data alone', based(true, false), 'r1 r2', ''],
  ['configuration_based, stream alone', based(false, true), 'c3', 'c4 c5'],
  ['configuration_based, nothing', based(false, false), '', ''],
] as const) {
  const shown = (rows: string) => (rows === '' ? 'nothing' : rows);
  test(`L-6 snapshot.mode ${name}: ${shown(first)}, then ${shown(second)}`, { timeout: 60_000 }, async () => {
    const one = await run(config, null, 3);
    assert.equal(one.rows, first);
    assert.equal(one.ended, !first.endsWith('c3'));
    await client.query('INSERT INTO item VALUES (4)');
    const two = await run(config, one.offset, 5);
    assert.equal(two.rows, second);
    assert.equal(two.ended, !second.endsWith('c5'));
  });
}

for (const [name, config, after] of [
  ['initial', named('initial'), null],
  ['no_data', named('no_data'), null],
  ['when_needed', named('when_needed'), 'r1 r2 r3 r4 c5'],
  ['always', named('always'), 'r1 r2 r3 r4 c5'],
  ['configuration_based', based(true, true), null],
  ['configuration_based with snapshot.on.data.error', based(true, true, true), 'r1 r2 r3 r4 c5'],
] as const) {
  const what = after === null ? 'the slot is missed' : 'all is read anew';
  test(`L-6 snapshot.mode ${name} without its slot: ${what}`, { timeout: 60_000 }, async () => {
    const one = await run(config, null, 3);
    await dropSlot();
    await client.query('INSERT INTO item VALUES (4)');
    if (after === null) {
      await assert.rejects(run(config, one.offset, 5), { code: 'postgres.slot-lost' });
      return;
    }
    const two = await run(config, one.offset, 5);
    assert.equal(two.rows, after);
  });
}

test('snapshot.mode custom is refused, with what to do', { timeout: 60_000 }, async () => {
  await assert.rejects(run(named('custom'), null, 3), (error: { code: string; hint: string }) => {
    assert.equal(error.code, 'config.invalid');
    assert.match(error.hint, /configuration_based/);
    return true;
  });
});
