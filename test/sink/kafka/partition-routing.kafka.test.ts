import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../../harness/kafka-worker.ts';
import { Rig } from '../../harness/rig.ts';
import { readTopics } from '../../kafka/read-topics.ts';
import { testKafka } from '../../services/kafka.ts';

test('a partition that a transform chose is where the record goes, in a topic made as topic.creation says', {
  timeout: 90_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}routed`.replaceAll('-', '_');
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka',
      'topic.prefix': topicPrefix,
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.partitions': '5',
      transforms: 'route',
      'transforms.route.type': 'io.debezium.transforms.partitions.PartitionRouting',
      'transforms.route.partition.payload.fields': 'change.team',
      'transforms.route.partition.topic.num': '5',
    },
  });
  await rig.sql('CREATE TABLE players (id int PRIMARY KEY, team int NOT NULL)');
  await rig.start({ worker: jsonWorker(bootstrap) });
  await rig.caughtUp('INSERT INTO players SELECT g, g % 4 FROM generate_series(1, 40) g');
  await rig.service.stop();
  const records = await readTopics(bootstrap, [`${topicPrefix}.public.players`]);
  assert.equal(records.length, 40);
  for (const { partition, value } of records) {
    const { after } = JSON.parse(String(value)) as { after: { team: number } };
    // Java's hash of an Integer is the number itself.
    assert.equal(partition, after.team, `team ${after.team}`);
  }
});
