import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { LOAD_TABLES, Load, stepAfterCrash, stepOfLake } from '../harness/load.ts';
import { Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** A generator that gives the same numbers for the same seed, so that a failing run can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * kill -9 after a random number of steps of the load, `kills` times, each time with or without local state, and now and
 * then before the service has got anywhere. After every kill the lake holds one state of the source, in the end all.
 */
export async function killAtRandom(t: TestContext, kills: number, seed: number): Promise<void> {
  t.diagnostic(`seed ${seed}`);
  const next = random(seed);
  const rig = await Rig.create(t);
  const load = await Load.create(rig.url);
  t.after(() => load.close());
  await load.walk(50);
  const done = new AbortController();
  const walking = load.walkUntil(done.signal);
  for (let kill = 0; kill < kills; kill++) {
    const service = await rig.start();
    const steps = load.step + Math.floor(next() ** 2 * 600);
    await until(`step ${steps}`, () => load.step >= steps, { alive: () => service.requireAlive() });
    await service.kill();
    await rig.lake((lake) => stepAfterCrash(lake, rig.namespace));
    if (next() < 0.3) await rig.loseState();
  }
  done.abort();
  await walking;
  await rig.start();
  await rig.caughtUp('UPDATE counters SET step = step');
  await rig.service.stop();
  await rig.requireEqual(...LOAD_TABLES);
  assert.equal(await rig.lake((lake) => stepOfLake(lake, rig.namespace)), load.step);
}
