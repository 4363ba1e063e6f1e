import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testKafka } from '../services/kafka.ts';
import { compare, describe as show } from './compare.ts';
import { explain } from './known-differences.ts';
import { record } from './record.ts';
import { recorded, recordedVariants } from './recorded.ts';
import { type Started, startDatabase, startOurs } from './servers.ts';

/** Recordings made at once, each on a PostgreSQL of its own: they wait more than they work. */
const LANES = 3;

const databases: Started[] = [];
const free: Started[] = [];
let ours: Started;
let kafka: string;
let prefix: string;
before(async () => {
  ({ bootstrap: kafka, prefix } = await testKafka());
  for (let i = 0; i < LANES; i++) databases.push(await startDatabase());
  free.push(...databases);
  ours = await startOurs(kafka);
});
after(async () => {
  await ours?.stop();
  for (const database of databases) await database.stop();
});

describe("the records are Debezium's", { concurrency: LANES }, () => {
  // Avro's variant needs a schema registry.
  for (const variant of recordedVariants().filter((it) => it !== 'avro')) {
    test(variant, async () => {
      const database = free.pop()!;
      try {
        await compareWithRecorded(variant, database.url);
      } finally {
        free.push(database);
      }
    });
  }
});

async function compareWithRecorded(variant: string, database: string): Promise<void> {
  const like = recorded(variant);
  const own = `${prefix}${variant}`.replaceAll('-', '_');
  const recording = await record({ connect: ours.url, kafka, database }, { variant, prefix: own, like });
  assert.equal(recording.about.failure, null);
  const result = compare(like, recording);
  const { unexplained, gone } = explain(variant, result.differences);
  assert.equal(unexplained.length, 0, show({ ...result, differences: unexplained }));
  assert.deepEqual(gone, [], 'known differences that no longer occur');
  assert.ok(result.left > 0);
}
