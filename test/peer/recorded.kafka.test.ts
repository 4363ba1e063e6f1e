import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testKafka } from '../services/kafka.ts';
import { testSchemaRegistry } from '../services/schema-registry.ts';
import { compare, describe as show } from './compare.ts';
import { explain } from './known-differences.ts';
import { record } from './record.ts';
import { recorded, recordedVariants } from './recorded.ts';
import { variantProperties } from './scenario.ts';
import { type Started, startDatabase, startOurs } from './servers.ts';

/** Recordings made at once, each on a PostgreSQL of its own: they wait more than they work. */
const LANES = 3;

const databases: Started[] = [];
const free: Started[] = [];
let ours: Started;
let kafka: string;
let prefix: string;
/** Of a start that goes on while the first recordings are made. */
let registry: Promise<string>;
before(async () => {
  ({ bootstrap: kafka, prefix } = await testKafka());
  registry = testSchemaRegistry();
  for (let i = 0; i < LANES; i++) databases.push(await startDatabase());
  free.push(...databases);
  ours = await startOurs(kafka);
});
after(async () => {
  await ours?.stop();
  for (const database of databases) await database.stop();
});

describe("the records are Debezium's", { concurrency: LANES }, () => {
  for (const variant of recordedVariants()) {
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
  const bench = { connect: ours.url, kafka, database };
  const needed = usesRegistry(variant) ? { registry: await registry } : {};
  const recording = await record({ ...bench, ...needed }, { variant, prefix: own, like });
  assert.equal(recording.about.failure, null);
  const result = compare(like, recording);
  const { unexplained, gone } = explain(variant, result.differences);
  assert.equal(unexplained.length, 0, show({ ...result, differences: unexplained }));
  assert.deepEqual(gone, [], 'known differences that no longer occur');
  assert.ok(result.left > 0);
}

function usesRegistry(variant: string): boolean {
  return Object.values(variantProperties(variant)).some((value) => /\$\{registry\}/.test(value ?? ''));
}
