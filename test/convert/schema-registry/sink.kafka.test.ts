import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rig } from '../../harness/rig.ts';
import { until } from '../../harness/until.ts';
import { readTopics } from '../../kafka/read-topics.ts';
import { testKafka } from '../../services/kafka.ts';
import { startHttpProxy } from '../../services/proxy.ts';
import { confluentApi, testSchemaRegistry } from '../../services/schema-registry.ts';
import { decodeByText } from '../protobuf/decoded.ts';

test('Protobuf to Kafka: a registry that is down holds events back and loses none', {
  timeout: 120_000,
}, async (t) => {
  const [{ bootstrap, prefix }, registry] = await Promise.all([testKafka(), testSchemaRegistry()]);
  const topicPrefix = `${prefix}protobuf`.replaceAll('-', '_');
  const proxy = await startHttpProxy(registry);
  const config = {
    sinks: 'kafka',
    'topic.prefix': topicPrefix,
    'key.converter': 'io.confluent.connect.json.JsonSchemaConverter',
    'key.converter.schema.registry.url': confluentApi(proxy.url),
    'value.converter': 'io.confluent.connect.protobuf.ProtobufConverter',
    'value.converter.schema.registry.url': confluentApi(proxy.url),
    'value.converter.optional.for.nullables': 'true',
    'time.precision.mode': 'connect',
  };
  const rig = await Rig.create(t, { config });
  rig.cleanUp(() => proxy.close());
  await rig.sql(`CREATE TABLE t (id int PRIMARY KEY, price numeric(8,2), day date, at timestamp(3), tags text[], n int);
    INSERT INTO t VALUES (1, 12.50, '2024-02-29', '2024-02-29 12:34:56.789', '{a,b}', 0)`);
  await proxy.refuse();
  await rig.start({
    worker: { 'bootstrap.servers': bootstrap, 'offset.storage.topic': `${topicPrefix}_offsets` },
  });
  await until('the registry is missed', () => /convert\.registry/.test(rig.service.log()), {
    alive: () => rig.service.requireAlive(),
    detail: async () => rig.service.log(),
  });
  await proxy.heal();
  await rig.caughtUp('UPDATE t SET n = NULL WHERE id = 1');
  await rig.caughtUp('DELETE FROM t WHERE id = 1');
  await rig.service.stop();

  const topic = `${topicPrefix}.public.t`;
  const records = await readTopics(bootstrap, [topic]);
  const changes = await Promise.all(
    records.map(async ({ value }) => {
      if (value === null) return null;
      assert.deepEqual([value[0], value[5]], [0, 0]);
      const { schema } = await registered(registry, value.readInt32BE(1));
      return decodeByText(schema, `${topic}.Envelope`, value.subarray(6));
    }),
  );
  assert.deepEqual(
    changes.map((change) => change?.['op']),
    ['r', 'u', 'd', undefined],
  );
  assert.deepEqual(changes[0]!['after'], {
    id: 1,
    price: { value: Buffer.from([4, 226]), precision: 4, scale: 2 },
    day: { year: 2024, month: 2, day: 29 },
    at: { seconds: '1709210096', nanos: 789_000_000 },
    tags: ['a', 'b'],
    n: 0,
  });
  assert.ok(!('n' in (changes[1]!['after'] as object)), 'null is told from zero');
  for (const { key } of records) {
    assert.deepEqual(JSON.parse(String(key!.subarray(5))), { id: 1 });
    const { schema } = await registered(registry, key!.readInt32BE(1));
    assert.equal((JSON.parse(schema) as { title: string }).title, `${topic}.Key`);
  }
});

async function registered(url: string, id: number): Promise<{ schema: string }> {
  const response = await fetch(`${confluentApi(url)}/schemas/ids/${id}`);
  assert.ok(response.ok, `${response.status}`);
  return (await response.json()) as { schema: string };
}
