import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testKafka } from '../services/kafka.ts';
import { compare, describe } from './compare.ts';
import { explain } from './known-differences.ts';
import { record } from './record.ts';
import { recorded, recordedVariants } from './recorded.ts';
import { type Started, startDatabase, startOurs } from './servers.ts';

const started: Started[] = [];
let bootstrap: string;
let prefix: string;
before(async () => {
  ({ bootstrap, prefix } = await testKafka());
  started.push(await startDatabase(), await startOurs(bootstrap));
});
after(async () => {
  for (const server of started) await server.stop();
});

// Avro's variant needs a schema registry.
for (const variant of recordedVariants().filter((it) => it !== 'avro')) {
  test(`${variant}: the records are Debezium's`, async () => {
    const [database, ours] = started.map((it) => it.url);
    const like = recorded(variant);
    const own = `${prefix}${variant}`.replaceAll('-', '_');
    const recording = await record(
      { connect: ours!, kafka: bootstrap, database: database! },
      { variant, prefix: own, like },
    );
    assert.equal(recording.about.failure, null);
    const result = compare(like, recording);
    const { unexplained, gone } = explain(variant, result.differences);
    assert.equal(unexplained.length, 0, describe({ ...result, differences: unexplained }));
    assert.deepEqual(gone, [], 'known differences that no longer occur');
    assert.ok(
      result.compared >= like.records.filter((it) => !it.topic.startsWith('__')).length - unexplained.length,
    );
  });
}
