import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startKafka } from '../services/kafka.ts';
import { checkNumbers, type Endurance, publishNumbers } from './endurance.ts';

const RECORDS = 1_000_000;
const RESTARTS = 2;

const broker = await startKafka();
after(() => broker.stop());

test('O-6 a million records are there once and in order after the broker was killed twice', {
  timeout: 150_000,
}, async () => {
  let restarted = 0;
  let restarting: Promise<void> = Promise.resolve();
  const run: Endurance = {
    bootstrap: broker.bootstrap,
    prefix: 'endurance',
    records: RECORDS,
    exactlyOnce: true,
    onProgress: async (taken) => {
      if (restarted === RESTARTS || taken < ((restarted + 1) * RECORDS) / (RESTARTS + 1)) return;
      await restarting;
      restarted++;
      restarting = broker.kill().then(() => broker.restart());
    },
  };
  await publishNumbers(run);
  await restarting;
  assert.equal(restarted, RESTARTS);
  assert.deepEqual(await checkNumbers(run), { records: RECORDS, missing: 0, repeated: 0 });
  // A check that finds what is missing: numbers that were never published.
  const more = { ...run, records: RECORDS + 7 };
  assert.deepEqual(await checkNumbers(more), { records: RECORDS, missing: 7, repeated: 0 });
});
