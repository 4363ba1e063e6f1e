import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startKafka } from '../services/kafka.ts';
import { checkNumbers, type Endurance, publishNumbers } from './endurance.ts';

/** How many records; the broker is killed every minute meanwhile. */
const RECORDS = Number(process.env['ICESTREAM_TEST_ENDURANCE_RECORDS'] ?? 100_000_000);
const RESTART_INTERVAL_MS = 60_000;

const broker = await startKafka();
after(() => broker.stop());

for (const exactlyOnce of [false, true]) {
  const how = exactlyOnce ? 'O-6 with transactions' : 'without transactions';
  test(`${how} ${RECORDS} records are there once and in order, the broker killed every minute`, async () => {
    let restarting: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      restarting = restarting.then(() => broker.kill()).then(() => broker.restart());
    }, RESTART_INTERVAL_MS);
    const run: Endurance = {
      bootstrap: broker.bootstrap,
      prefix: `endurance_${exactlyOnce}`,
      records: RECORDS,
      exactlyOnce,
      onProgress: async () => {},
    };
    try {
      await publishNumbers(run);
    } finally {
      clearInterval(timer);
      await restarting;
    }
    assert.deepEqual(await checkNumbers(run), { records: RECORDS, missing: 0, repeated: 0 });
  });
}
