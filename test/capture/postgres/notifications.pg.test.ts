import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { parsePostgresConfig } from '../../../src/capture/postgres/config.ts';
import type { PostgresOffset } from '../../../src/capture/postgres/offset.ts';
import { testDatabase } from '../../services/postgres.ts';
import { Capture, clientOf, configFor } from './capture.ts';

let client: Client;
let config: Record<string, string>;

before(async () => {
  const database = await testDatabase();
  client = await clientOf(database.url);
  await client.query(
    `create table public.a (id int primary key, v text); insert into public.a select i, 'v' from generate_series(1, 3) i;
     create table public.empty (id int primary key);
     create table public.keyless (id int); insert into public.keyless values (1);
     create table public.large (id int primary key); insert into public.large select generate_series(1, 100000)`,
  );
  config = configFor(database, {
    'slot.name': database.name,
    'publication.name': database.name,
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': 'told',
  });
});

after(() => client.end());

/** What was told so far: id (if it is a signal's), type, and data without the connector's name. */
function told(capture: Capture): [id: string, what: string, data: Record<string, string>][] {
  return capture.batches
    .flatMap(({ notifications = [] }) => notifications)
    .map(({ id, type, aggregateType, data }) => {
      const { connector_name: connector, ...rest } = data;
      assert.equal(connector, 'p');
      return [/^[0-9a-f-]{36}$/.test(id) ? '' : id, `${aggregateType} ${type}`, rest];
    });
}

async function untilTold(capture: Capture, what: string): Promise<void> {
  while (!told(capture).some(([, said]) => said === what)) await capture.next();
}

const execute = (tables: readonly string[], type = 'incremental') =>
  JSON.stringify({ 'data-collections': tables, type });

test('an incremental snapshot tells what it reads, what it cannot read, and that it was held or ended', async () => {
  const capture = await Capture.open(config);
  await untilTold(capture, 'Initial Snapshot SKIPPED');
  const { source } = capture;
  const tables = ['public.a', 'public.empty', 'public.keyless', 'public.gone'];
  source.signal!('s1', 'execute-snapshot', execute(tables));
  await untilTold(capture, 'Incremental Snapshot COMPLETED');
  const left = (from: number) => tables.slice(from).join(',');
  const scanned = (at: number, rows: string, status: string) => [
    's1',
    'Incremental Snapshot TABLE_SCAN_COMPLETED',
    {
      scanned_collection: tables[at],
      total_rows_scanned: rows,
      status,
      data_collections: left(at),
    },
  ];
  assert.deepEqual(told(capture), [
    ['', 'Initial Snapshot SKIPPED', {}],
    ['s1', 'Incremental Snapshot STARTED', { data_collections: left(0) }],
    [
      's1',
      'Incremental Snapshot IN_PROGRESS',
      {
        current_collection_in_progress: 'public.a',
        maximum_key: '3',
        data_collections: left(0),
        last_processed_key: '3',
      },
    ],
    scanned(0, '3', 'SUCCEEDED'),
    scanned(1, '0', 'EMPTY'),
    scanned(2, '0', 'NO_PRIMARY_KEY'),
    scanned(3, '0', 'UNKNOWN_SCHEMA'),
    ['s1', 'Incremental Snapshot COMPLETED', {}],
  ]);
  assert.equal(capture.offset!.progress, null);
  // A signal for what cannot be read is over at once.
  source.signal!('s2', 'execute-snapshot', execute(['public.gone']));
  capture.batches.length = 0;
  await untilTold(capture, 'Incremental Snapshot COMPLETED');
  assert.equal(told(capture).length, 3);
  await capture.close();
});

test('a table that the server refuses to read for a signal is passed over, the next one is read', async () => {
  const capture = await Capture.open(config);
  await untilTold(capture, 'Initial Snapshot SKIPPED');
  const data = {
    'data-collections': ['public.large', 'public.a'],
    'additional-conditions': [{ 'data-collection': 'public.large', filter: 'missing = 1' }],
  };
  capture.source.signal!('s3', 'execute-snapshot', JSON.stringify(data));
  await untilTold(capture, 'Incremental Snapshot COMPLETED');
  const scans = told(capture).filter(([, what]) => what.endsWith('TABLE_SCAN_COMPLETED'));
  assert.deepEqual(
    scans.map(([, , { scanned_collection: table, total_rows_scanned: rows, status }]) => [
      table,
      rows,
      status,
    ]),
    [
      ['public.large', '0', 'SQL_EXCEPTION'],
      ['public.a', '3', 'SUCCEEDED'],
    ],
  );
  await capture.close();
});

test('pause, resume and stop are told with the id of the signal that asked, also after a restart', async () => {
  let capture = await Capture.open(config);
  capture.source.signal!('first', 'execute-snapshot', execute(['public.large', 'public.a']));
  await capture.until(1);
  capture.source.signal!('x', 'pause-snapshot', '');
  await untilTold(capture, 'Incremental Snapshot PAUSED');
  const json = JSON.parse(JSON.stringify(capture.offset)) as Record<string, string>;
  const { offsets } = capture.source;
  await capture.close();

  capture = await Capture.open(config, offsets.parse(json, 0) as PostgresOffset);
  capture.source.signal!('y', 'pause-snapshot', '');
  capture.source.signal!('y', 'resume-snapshot', '');
  await untilTold(capture, 'Incremental Snapshot RESUMED');
  capture.source.signal!('z', 'stop-snapshot', '{"data-collections": ["public.a"]}');
  await untilTold(capture, 'Incremental Snapshot ABORTED');
  capture.source.signal!('z', 'stop-snapshot', '{}');
  while (capture.offset?.progress) await capture.next();
  const both = { data_collections: 'public.large,public.a' };
  assert.deepEqual(
    told(capture).filter(([, what]) => !/PROGRESS/.test(what)),
    [
      ['', 'Initial Snapshot SKIPPED', {}],
      ['first', 'Incremental Snapshot RESUMED', both],
      ['first', 'Incremental Snapshot ABORTED', { data_collections: 'public.a' }],
      ['first', 'Incremental Snapshot COMPLETED', {}],
      ['', 'Incremental Snapshot ABORTED', { data_collections: 'public.large' }],
    ],
  );
  await capture.close();
});

test('a blocking snapshot is told as an initial one; what is read for a sink alone is not', async () => {
  const capture = await Capture.open(config);
  capture.source.reread!(['public.a'], 'replace');
  await capture.until(3);
  capture.source.signal!('b', 'execute-snapshot', execute(['public.empty', 'public.keyless'], 'blocking'));
  await untilTold(capture, 'Initial Snapshot COMPLETED');
  const types = told(capture).map(([, what, data]) => `${what} ${data['total_rows_scanned'] ?? ''}`);
  assert.deepEqual(types, [
    'Initial Snapshot SKIPPED ',
    'Initial Snapshot STARTED ',
    'Initial Snapshot IN_PROGRESS ',
    'Initial Snapshot TABLE_SCAN_COMPLETED 0',
    'Initial Snapshot IN_PROGRESS ',
    'Initial Snapshot TABLE_SCAN_COMPLETED 1',
    'Initial Snapshot COMPLETED ',
  ]);
  await capture.close();
});

test('a snapshot with several threads tells of chunks', async () => {
  const capture = await Capture.open({
    ...config,
    'slot.name': `${config['slot.name']}_threads`,
    'snapshot.mode': 'initial',
    'snapshot.max.threads': '2',
    'table.include.list': 'public\\.(a|keyless)',
    'slot.drop.on.stop': 'true',
  });
  await untilTold(capture, 'Initial Snapshot COMPLETED');
  const all = told(capture).map(([, what, data]) => [what.replace('Initial Snapshot ', ''), data] as const);
  const of = (table: string) =>
    all.filter(([, data]) =>
      [data['scanned_collection'], data['current_collection_in_progress']].includes(table),
    );
  for (const [table, rows] of [
    ['public.a', '3'],
    ['public.keyless', '1'],
  ] as const) {
    const data_collections = 'public.a,public.keyless';
    const place = { chunk_index: '0', total_chunks: '1' };
    assert.deepEqual(of(table), [
      ['IN_PROGRESS', { current_collection_in_progress: table, data_collections: 'public.keyless,public.a' }],
      [
        'TABLE_CHUNK_IN_PROGRESS',
        { current_collection_in_progress: table, ...place, total_rows_scanned: '0' },
      ],
      [
        'TABLE_CHUNK_COMPLETED',
        { scanned_collection: table, ...place, data_collections, status: 'SUCCEEDED' },
      ],
      [
        'TABLE_SCAN_COMPLETED',
        { scanned_collection: table, total_rows_scanned: rows, status: 'SUCCEEDED', data_collections },
      ],
    ]);
  }
  await capture.close();
});

test('a snapshot that fails says so before its error', async () => {
  const capture = await Capture.open({
    ...config,
    'slot.name': `${config['slot.name']}_failing`,
    'snapshot.mode': 'initial',
    'snapshot.select.statement.overrides': 'public.a',
    'snapshot.select.statement.overrides.public.a': 'select id, 1 / (id - id) from public.a',
    'slot.drop.on.stop': 'true',
  });
  await assert.rejects(capture.until(1_000_000), { code: 'postgres.query' });
  assert.equal(told(capture)[0]![1], 'Initial Snapshot STARTED');
  assert.deepEqual(told(capture).slice(-2), [
    [
      '',
      'Initial Snapshot TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', status: 'SQL_EXCEPTION' },
    ],
    ['', 'Initial Snapshot ABORTED', {}],
  ]);
  await capture.close();
});

test('a topic is demanded where the sink is a channel, in the words of the original; JMX is noted', () => {
  const { errors } = parsePostgresConfig({ ...config, 'notification.sink.topic.name': '' });
  assert.deepEqual(Object.fromEntries(errors), {
    'notification.sink.topic.name': [
      'Notification topic name must be provided when kafka notification channel is enabled',
    ],
  });
  const { warnings } = parsePostgresConfig({
    ...config,
    'notification.enabled.channels': 'log,jmx,nonsense',
    'signal.enabled.channels': 'source,jmx',
  });
  assert.deepEqual(warnings, [
    'signal.enabled.channels: jmx is accepted, but there is no JMX here',
    'notification.enabled.channels: jmx is accepted, but there is no JMX here',
    'notification.enabled.channels: no channel is called nonsense',
  ]);
});
