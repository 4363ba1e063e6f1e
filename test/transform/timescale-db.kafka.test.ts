import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonWorker } from '../harness/kafka-worker.ts';
import { Rig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { testKafka } from '../services/kafka.ts';

/** The columns of TimescaleDB's catalog that are read, and tables where its chunks would be. */
const CATALOG = `
  CREATE SCHEMA _timescaledb_catalog;
  CREATE TABLE _timescaledb_catalog.hypertable (id int PRIMARY KEY, schema_name name, table_name name);
  CREATE TABLE _timescaledb_catalog.chunk
    (id int PRIMARY KEY, hypertable_id int REFERENCES _timescaledb_catalog.hypertable, schema_name name, table_name name);
  CREATE TABLE _timescaledb_catalog.continuous_agg
    (mat_hypertable_id int REFERENCES _timescaledb_catalog.hypertable, user_view_schema name, user_view_name name);
  INSERT INTO _timescaledb_catalog.hypertable VALUES
    (1, 'public', 'conditions'), (2, '_timescaledb_internal', '_materialized_hypertable_2');
  INSERT INTO _timescaledb_catalog.continuous_agg VALUES (2, 'public', 'conditions_summary');
  CREATE SCHEMA _timescaledb_internal;
  CREATE TABLE _timescaledb_internal.bookkeeping (id int PRIMARY KEY);
  CREATE TABLE public.plain (id int PRIMARY KEY)`;

const chunk = (id: number, hypertable: number) => `
  CREATE TABLE _timescaledb_internal._hyper_${hypertable}_${id}_chunk (id int PRIMARY KEY);
  INSERT INTO _timescaledb_catalog.chunk
    VALUES (${id}, ${hypertable}, '_timescaledb_internal', '_hyper_${hypertable}_${id}_chunk')`;

test('TimescaleDb: rows of chunks go out as those of their hypertable or aggregate, of chunks made later too', {
  timeout: 90_000,
}, async (t) => {
  const { bootstrap, prefix } = await testKafka();
  const [from, to] = [`${prefix}chunks`, `${prefix}tables`].map((name) => name.replaceAll('-', '_'));
  const rig = await Rig.create(t, { config: { sinks: 'kafka', 'topic.prefix': from! } });
  Object.assign(rig.config, {
    'schema.include.list': 'public,_timescaledb_internal',
    'topic.creation.default.replication.factor': '1',
    'topic.creation.default.partitions': '1',
    transforms: 'timescale',
    'transforms.timescale.type': 'io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb',
    'transforms.timescale.target.topic.prefix': to!,
  });
  for (const name of ['hostname', 'port', 'user', 'password', 'dbname'])
    rig.config[`transforms.timescale.database.${name}`] = rig.config[`database.${name}`]!;
  await rig.sql(`${CATALOG}; ${chunk(1, 1)}; ${chunk(2, 2)}`);
  await rig.start({ worker: jsonWorker(bootstrap) });
  await rig.streaming();
  await rig.sql('INSERT INTO _timescaledb_internal._hyper_1_1_chunk VALUES (1)');
  await rig.sql('DELETE FROM _timescaledb_internal._hyper_1_1_chunk');
  await rig.sql('INSERT INTO _timescaledb_internal._hyper_2_2_chunk VALUES (2)');
  await rig.sql(`${chunk(3, 1)}; INSERT INTO _timescaledb_internal._hyper_1_3_chunk VALUES (3)`);
  await rig.sql('INSERT INTO _timescaledb_internal.bookkeeping VALUES (4)');
  await rig.caughtUp('INSERT INTO plain VALUES (5)');
  await until('the chunk of no hypertable is told of', () =>
    rig.service.log().includes('a chunk is of no hypertable'),
  );
  await rig.service.stop();

  const topics = [`${to}.public.conditions`, `${to}.public.conditions_summary`, `${from}.public.plain`];
  const left = ['bookkeeping', '_hyper_1_1_chunk'].map((name) => `${from}._timescaledb_internal.${name}`);
  const records = await readTopics(bootstrap, [...topics, ...left]);
  const seen = records.map(({ topic, key, value, headers }) => {
    const { op = null, source } = JSON.parse(String(value)) ?? {};
    const own = headers.filter(([name]) => name.startsWith('__debezium_timescaledb_'));
    return [
      topic.replace(from!, 'from').replace(to!, 'to'),
      JSON.parse(String(key)).id,
      op,
      source === undefined ? null : `${source.schema}.${source.table}`,
      own.map(([name, text]) => `${name.slice('__debezium_timescaledb_'.length)}=${text}`).join(' '),
    ];
  });
  const inFirst = 'chunk_table=_hyper_1_1_chunk chunk_schema=_timescaledb_internal';
  const expected = [
    ['to.public.conditions', 1, 'c', 'public.conditions', inFirst],
    ['to.public.conditions', 1, 'd', 'public.conditions', inFirst],
    ['to.public.conditions', 3, 'c', 'public.conditions', inFirst.replace('1_1', '1_3')],
    [
      'to.public.conditions_summary',
      2,
      'c',
      'public.conditions_summary',
      `${inFirst.replace('1_1', '2_2')} hypertable_table=_materialized_hypertable_2 hypertable_schema=_timescaledb_internal`,
    ],
    ['from.public.plain', 5, 'c', 'public.plain', ''],
    ['from._timescaledb_internal.bookkeeping', 4, 'c', '_timescaledb_internal.bookkeeping', ''],
    // As in Debezium, whose tombstones have the headers of their deletes.
    ['from._timescaledb_internal._hyper_1_1_chunk', 1, null, null, inFirst],
  ];
  const sorted = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).sort();
  assert.deepEqual(sorted(seen), sorted(expected));
});
