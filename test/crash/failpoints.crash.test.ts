import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FAILPOINTS, type Failpoint } from '../../src/base/failpoint.ts';
import { separateCatalog } from '../harness/catalog.ts';
import { LOAD_TABLES, Load, stepAfterCrash, stepOfLake } from '../harness/load.ts';
import { Rig } from '../harness/rig.ts';

/** What has to happen for a failpoint to be reached; the load alone where nothing is said. */
interface Scenario {
  readonly config?: Readonly<Record<string, string>>;
  readonly worker?: Readonly<Record<string, string>>;
  /** A catalog that commits one table after the other. */
  readonly rest?: true;
  /** Besides the load, until the process is gone. */
  provoke?(rig: Rig): Promise<unknown>;
}

/** Transactions beyond this are streamed while they run. */
const SMALL_DECODING = (rig: Rig) =>
  rig.sql(`ALTER DATABASE ${new URL(rig.url).pathname.slice(1)} SET logical_decoding_work_mem = '64kB'`);
const BIG_TRANSACTION = `BEGIN;
  INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 4000) i;
  SAVEPOINT a;
  INSERT INTO big SELECT i, 'undone' FROM generate_series(4001, 8000) i;
  UPDATE big SET t = 'undone' WHERE id % 3 = 0;
  ROLLBACK TO SAVEPOINT a;
  DELETE FROM big WHERE id % 5 = 0;
  UPDATE big SET t = 'kept' WHERE id % 7 = 0;
  COMMIT`;
const streamed: Scenario = { provoke: (rig) => rig.sql(BIG_TRANSACTION) };
/** More in one transaction than the sink may hold in memory. */
const spilled: Scenario = {
  worker: { 'icestream.memory.bytes': String(16 << 20) },
  provoke: (rig) =>
    rig.sql(
      `INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(10001, 90000) i ON CONFLICT DO NOTHING`,
    ),
};

const SCENARIOS: Partial<Record<Failpoint, Scenario>> = {
  'spool.written': streamed,
  'spool.releasing': streamed,
  'spool.released': streamed,
  'table.evolved': { provoke: (rig) => rig.sql('ALTER TABLE ledger ADD COLUMN extra int') },
  'spill.written': spilled,
  'sink.spilled': spilled,
  'spill.merged': spilled,
  'commit.member-done': { rest: true },
};

/** Reached once in a connector's life. */
const ONCE: readonly Failpoint[] = ['snapshot.slot-created'];
/** These are struck at a later time, too: in the middle of the snapshot, and while changes stream. */
const TIMES = [1, 4] as const;

for (const failpoint of FAILPOINTS) {
  for (const time of SCENARIOS[failpoint] === undefined && !ONCE.includes(failpoint) ? TIMES : [1]) {
    test(`O-3 kill -9 at ${failpoint}, time ${time}: the lake equals the source`, { timeout: 120_000 }, (t) =>
      crashAt(t, failpoint, time),
    );
  }
}

async function crashAt(t: TestContext, failpoint: Failpoint, time: number): Promise<void> {
  const scenario = SCENARIOS[failpoint] ?? {};
  const rig = await Rig.create(t, {
    config: { ...(scenario.rest ? (await separateCatalog(t)).config : {}), ...scenario.config },
  });
  const namespace = rig.namespace;
  await SMALL_DECODING(rig);
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await rig.sql('CREATE TABLE big (id int PRIMARY KEY, t text)');
  await load.walk(20);
  const service = await rig.start({ failpoint: `${failpoint}:${time}`, worker: scenario.worker });
  const gone = new AbortController();
  const crashed = service.crashed().finally(() => gone.abort());
  const walking = load.walkUntil(gone.signal);
  if (scenario.provoke !== undefined) {
    await rig.streaming();
    await scenario.provoke(rig);
  }
  await crashed;
  await walking;
  await rig.lake((lake) => stepAfterCrash(lake, namespace, !scenario.rest));

  // Every second time nothing local is left: what is known is known from the lake.
  if (time > 1 || scenario.rest) await rig.loseState();
  await rig.start({ worker: scenario.worker });
  await load.walk(20);
  await rig.caughtUp('UPDATE counters SET step = step');
  await rig.service.stop();
  await rig.requireEqual(...LOAD_TABLES, 'big');
  assert.equal(await rig.lake((lake) => stepOfLake(lake, namespace)), load.step);
}
