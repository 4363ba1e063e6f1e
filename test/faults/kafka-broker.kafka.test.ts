import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CONNECTOR } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { startKafka } from '../services/kafka.ts';
import { freePorts } from '../services/process.ts';
import { createAcls, deleteTopic } from './kafka-admin.ts';
import { KafkaLoad } from './kafka-load.ts';

// Whoever comes without a login may everything; `guest` what no rule forbids.
const [port] = await freePorts(1);
const startBroker = () =>
  startKafka({
    port: port!,
    sasl: { user: 'guest', password: 'guest' },
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });
const bootstrap = `127.0.0.1:${port}`;
let broker: Awaited<ReturnType<typeof startKafka>> | null = null;
after(() => broker?.stop());

const SMALL_TOPICS = {
  'topic.creation.default.replication.factor': '1',
  'topic.creation.default.partitions': '1',
};

test('a connector that is created while no broker answers waits, says so, and begins when one does', {
  timeout: 90_000,
}, async (t) => {
  const load = await KafkaLoad.create(t, { bootstrap, topicPrefix: 'early' });
  const { rig } = load;
  await rig.start({ worker: load.worker });
  await until('the log says so', () => /no kafka broker answers/.test(rig.service.log()));
  assert.deepEqual(
    { ...(await rig.service.task(CONNECTOR)), worker_id: '', version: '' },
    { id: 0, state: 'UNASSIGNED', worker_id: '', version: '' },
  );
  await load.walkSteps(50);
  broker = await startBroker();
  await rig.service.untilTask(CONNECTOR, 'RUNNING');
  await load.caughtUp();
  await rig.service.stop();
  const records = await readTopics(bootstrap, [load.topic]);
  const last = records.map(({ value }) => (JSON.parse(String(value)) as { after: { n: number } }).after.n);
  assert.equal(Math.max(...last), 51);
});

test('a right that is missing stops the task with the topic and the operation; tolerated, it costs that topic alone', {
  timeout: 90_000,
}, async (t) => {
  const load = await KafkaLoad.create(t, {
    bootstrap: broker!.saslBootstrap,
    topicPrefix: 'rights',
    worker: {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': 'any.LoginModule required username="guest" password="guest";',
    },
  });
  const { rig } = load;
  await createAcls(bootstrap, [
    { user: 'guest', topic: 'rights.public.closed', operation: 'write', permission: 'deny' },
    { user: 'guest', topic: 'rights.public.closed', operation: 'describe', permission: 'allow' },
    { user: 'ANONYMOUS', topic: 'rights.public.closed', operation: 'write', permission: 'allow' },
  ]);
  await rig.sql('CREATE TABLE closed (id int PRIMARY KEY)');
  await load.start();
  await rig.sql('INSERT INTO closed SELECT generate_series(1, 10)');
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(
    trace,
    /^kafka\.rights: TOPIC_AUTHORIZATION_FAILED \(operation Write, topic rights\.public\.closed, partition 0\)/,
  );
  const config = { ...rig.config, 'errors.tolerance': 'all', 'errors.log.enable': 'true' };
  await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, config);
  await load.walkSteps(50);
  await rig.sql('INSERT INTO closed SELECT generate_series(11, 20)');
  await load.walkSteps(50);
  await load.caughtUp();
  const log = rig.service.log();
  assert.match(log, /Error encountered in task shop-0 while performing KAFKA_PRODUCE operation/);
  assert.equal(await rig.service.untilMetric('kafka_connect_task_error_total_records_skipped', 20), 20);
  await rig.service.stop();
  await load.requirePublished(true, bootstrap);
  assert.deepEqual(await readTopics(bootstrap, ['rights.public.closed']), []);
});

test('what a topic takes as too large stops the task and names both; tolerated, it costs that record alone', {
  timeout: 90_000,
}, async (t) => {
  const config = { ...SMALL_TOPICS, 'topic.creation.default.max.message.bytes': '4000' };
  const load = await KafkaLoad.create(t, { bootstrap, topicPrefix: 'large', config });
  const { rig } = load;
  await rig.sql('CREATE TABLE bodies (id int PRIMARY KEY, body text)');
  await load.start();
  await rig.sql(
    "INSERT INTO bodies SELECT g, repeat('x', CASE WHEN g IN (3, 8) THEN 9000 ELSE 10 END) FROM generate_series(1, 12) g",
  );
  const trace = await rig.service.untilTask(CONNECTOR, 'FAILED');
  assert.match(
    trace,
    /^kafka\.record-too-large: MESSAGE_TOO_LARGE \(topic large\.public\.bodies, partition 0\)/,
  );
  assert.match(trace, /producer\.override\.max\.request\.size and the max\.message\.bytes of the topic/);
  await rig.service.request('PUT', `/connectors/${CONNECTOR}/config`, {
    ...rig.config,
    'errors.tolerance': 'all',
  });
  await load.caughtUp();
  await rig.service.stop();
  const records = await readTopics(bootstrap, ['large.public.bodies']);
  const ids = records.map(({ key }) => (JSON.parse(String(key)) as { id: number }).id);
  // What went out before the task stopped goes out again.
  assert.deepEqual(ids.slice(-10), [1, 2, 4, 5, 6, 7, 9, 10, 11, 12]);
});

test('a topic that is deleted while it is written to is made again, and what follows is there in order', {
  timeout: 90_000,
}, async (t) => {
  const load = await KafkaLoad.create(t, { bootstrap, topicPrefix: 'deleted', config: SMALL_TOPICS });
  const { rig } = load;
  await load.start();
  let isOver = false;
  const walking = load.walk(() => isOver);
  await deleteTopic(bootstrap, load.topic);
  await until('the log says so', () =>
    /a kafka topic is gone and is made again/.test(rig.service.log()),
  ).finally(() => {
    isOver = true;
  });
  await walking;
  await load.walkSteps(200);
  await load.caughtUp();
  assert.equal((await rig.service.task(CONNECTOR)).state, 'RUNNING');
  await rig.service.stop();
  await load.requireLatest();
});
