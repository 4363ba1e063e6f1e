import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CONNECTOR, Rig } from '../../harness/rig.ts';
import { type ReadRecord, readTopics } from '../../kafka/read-topics.ts';
import { testKafka } from '../../services/kafka.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const SECRET = 'forty-two';

interface Bad {
  readonly rig: Rig;
  readonly topic: string;
  read(topic: string): Promise<ReadRecord[]>;
}

/** A table `parts` whose column `weight` is text, published with `config` over the defaults. */
async function start(t: TestContext, config: Readonly<Record<string, string>>): Promise<Bad> {
  const { bootstrap, prefix } = await testKafka();
  const topicPrefix = `${prefix}bad`.replaceAll('-', '_');
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka',
      'topic.prefix': topicPrefix,
      'iceberg.tables.namespace': 'bad',
      'iceberg.tables.name': '{table}',
      'key.converter': JSON_CONVERTER,
      'key.converter.schemas.enable': 'false',
      'value.converter': JSON_CONVERTER,
      'value.converter.schemas.enable': 'false',
      ...config,
    },
  });
  await rig.sql('CREATE TABLE parts (id int PRIMARY KEY, weight text)');
  await rig.start({ worker: { 'bootstrap.servers': bootstrap } });
  await rig.streaming();
  const read = (topic: string) => readTopics(bootstrap, [topic]);
  return { rig, topic: `${topicPrefix}.public.parts`, read };
}

/** `weight` as a number: whoever has no number there fails. */
const CAST = {
  transforms: 'unwrap,cast',
  'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.cast.type': 'org.apache.kafka.connect.transforms.Cast$Value',
  'transforms.cast.spec': 'weight:int32',
};

/** `orMore`: of what may come twice. */
async function counted(rig: Rig, name: string, count: number, orMore = false): Promise<void> {
  const seen = await rig.service.untilMetric(`kafka_connect_task_error_${name}`, count);
  if (!orMore) assert.equal(seen, count, name);
}

function headersOf({ headers }: ReadRecord): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]));
}

test('C-1 a record that a transform cannot take is left out, counted, logged without values, and a dead letter', {
  timeout: 90_000,
}, async (t) => {
  const deadLetters = `dead-${process.pid}-${Date.now()}`;
  const { rig, topic, read } = await start(t, {
    ...CAST,
    'errors.tolerance': 'all',
    'errors.log.enable': 'true',
    'errors.deadletterqueue.topic.name': deadLetters,
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  });
  await rig.sql(`INSERT INTO parts VALUES (1, '10'), (2, '${SECRET}'), (3, '30')`);
  await rig.sql("UPDATE parts SET weight = '11' WHERE id = 1");
  await rig.caughtUp("INSERT INTO parts VALUES (4, '40')");
  for (const name of ['total_record_failures', 'total_record_errors', 'total_records_skipped'])
    await counted(rig, name, 1);
  await counted(rig, 'total_errors_logged', 1);
  await counted(rig, 'deadletterqueue_produce_requests', 1);
  const log = rig.service.log();
  assert.match(
    log,
    /Error encountered in task shop-0 while performing TRANSFORMATION operation with class 'class org\.apache\.kafka\.connect\.transforms\.Cast\$Value'\./,
  );
  assert.doesNotMatch(log, new RegExp(SECRET));
  await rig.service.stop();
  const published = (await read(topic)).map(({ value }) => JSON.parse(String(value)));
  assert.deepEqual(published, [
    { id: 1, weight: 10 },
    { id: 3, weight: 30 },
    { id: 1, weight: 11 },
    { id: 4, weight: 40 },
  ]);
  const [dead, ...more] = await read(deadLetters);
  assert.deepEqual(more, []);
  const { payload } = JSON.parse(String(dead!.value)) as { payload: Record<string, unknown> };
  assert.deepEqual(
    [payload['op'], payload['before'], payload['after']],
    ['c', null, { id: 2, weight: SECRET }],
  );
  assert.deepEqual((JSON.parse(String(dead!.key)) as { payload: unknown }).payload, { id: 2 });
  const headers = headersOf(dead!);
  assert.equal(headers['__connect.errors.topic'], topic);
  assert.equal(headers['__connect.errors.partition'], '-1');
  assert.equal(headers['__connect.errors.connector.name'], CONNECTOR);
  assert.equal(headers['__connect.errors.task.id'], '0');
  assert.equal(headers['__connect.errors.stage'], 'TRANSFORMATION');
  assert.equal(headers['__connect.errors.class.name'], 'org.apache.kafka.connect.transforms.Cast$Value');
  assert.equal(headers['__connect.errors.exception.class.name'], 'transform.record');
  assert.ok(headers['__connect.errors.exception.message']);
  assert.match(headers['__connect.errors.exception.stacktrace']!, /\n\s+at /);
});

test('a transform that fails stops the task with a trace that names stage and transform and shows no value', {
  timeout: 90_000,
}, async (t) => {
  const { rig, topic, read } = await start(t, CAST);
  await rig.sql(`INSERT INTO parts VALUES (1, '10'), (2, '${SECRET}'), (3, '30')`);
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /^transform\.record: Tolerance exceeded in error handler \(stage=TRANSFORMATION, /);
  assert.match(trace, /class=org\.apache\.kafka\.connect\.transforms\.Cast\$Value, transform=cast, topic=/);
  assert.match(trace, /\nCaused by: IcestreamError: /);
  assert.doesNotMatch(trace + rig.service.log(), new RegExp(SECRET));
  await rig.service.stop();
  const ids = (await read(topic)).map(({ value }) => (JSON.parse(String(value)) as { id: number }).id);
  assert.ok(!ids.includes(3), 'nothing goes on over the record');
});

test('errors.log.include.messages puts the record into the log', { timeout: 90_000 }, async (t) => {
  const { rig } = await start(t, {
    ...CAST,
    'errors.tolerance': 'all',
    'errors.log.enable': 'true',
    'errors.log.include.messages': 'true',
  });
  await rig.caughtUp(`INSERT INTO parts VALUES (2, '${SECRET}')`);
  assert.match(
    rig.service.log(),
    new RegExp(`, with record = ConnectRecord\\{topic='[^']+', .*key=Struct\\{id=2\\}.*weight=${SECRET}`),
  );
});

test('a converter that cannot represent a key stops the task; tolerated, it costs those records and no others', {
  timeout: 90_000,
}, async (t) => {
  const keys = { 'key.converter': 'org.apache.kafka.connect.converters.IntegerConverter' };
  const { rig, topic, read } = await start(t, keys);
  await rig.sql("INSERT INTO parts VALUES (1, 'one')");
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /^convert\.\w+: Tolerance exceeded in error handler \(stage=KEY_CONVERTER, /);
  assert.match(trace, /class=org\.apache\.kafka\.connect\.converters\.IntegerConverter/);
  await rig.sql('CREATE TABLE keyless (n int)');
  const config = { ...rig.config, ...keys, 'errors.tolerance': 'all' };
  await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, config);
  await rig.service.untilTask(CONNECTOR, 'RUNNING');
  await rig.caughtUp('INSERT INTO keyless VALUES (7)');
  // Nothing was committed before, so the row may come from the snapshot and from the log.
  await counted(rig, 'total_records_skipped', 1, true);
  await rig.service.stop();
  const [kept] = await read(topic.replace('parts', 'keyless'));
  assert.equal((JSON.parse(String(kept!.value)) as { after: { n: number } }).after.n, 7);
});

test('a record that Kafka cannot take costs the lake nothing', { timeout: 90_000 }, async (t) => {
  const { rig, topic, read } = await start(t, {
    sinks: 'kafka,iceberg',
    'errors.tolerance': 'all',
    'producer.override.max.request.size': '20000',
  });
  await rig.sql("INSERT INTO parts VALUES (1, 'light'), (2, repeat('x', 30000)), (3, 'light')");
  await rig.sql('UPDATE parts SET id = 5 WHERE id = 2');
  await rig.caughtUp("INSERT INTO parts VALUES (4, 'light')");
  // The insert, and of the key's change the event under the new key; the delete under the old one and its tombstone pass.
  await counted(rig, 'total_records_skipped', 2);
  await rig.service.stop();
  await rig.requireEqual('parts');
  const published = (await read(topic)).map(({ key, value }) => {
    return [
      (JSON.parse(String(key)) as { id: number }).id,
      value === null ? null : JSON.parse(String(value)).op,
    ];
  });
  assert.deepEqual(published, [
    [1, 'c'],
    [3, 'c'],
    [2, 'd'],
    [2, null],
    [4, 'c'],
  ]);
});

test('a record that is too large stops the task and names the property and the topic', {
  timeout: 90_000,
}, async (t) => {
  const { rig, topic } = await start(t, { 'producer.override.max.request.size': '20000' });
  await rig.sql("INSERT INTO parts VALUES (2, repeat('x', 30000))");
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(trace, /^kafka\.record-too-large: .* larger than 20000, .* max\.request\.size configuration/);
  assert.ok(trace.includes(`topic=${topic}`), trace);
  assert.match(trace, /Raise producer\.override\.max\.request\.size/);
});
