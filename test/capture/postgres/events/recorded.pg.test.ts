import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { recorded } from '../../../peer/recorded.ts';
import { changes, connectorConfig, schemaSql } from '../../../peer/scenario.ts';
import { type TestDatabase, testDatabase } from '../../../services/postgres.ts';
import { Capture, clientOf } from '../capture.ts';
import { comparable, type RenderedEvent, renderEvents } from './render.ts';

const PREFIX = 'forms';

let database: TestDatabase;

before(async () => {
  // The recordings are of this release, which has the extensions too.
  database = await testDatabase(15);
});

/** Events by topic, of the snapshot and of the changes that came after it. */
async function captured(variant: string): Promise<Map<string, RenderedEvent[]>> {
  // One session each: the changes make temporary tables.
  const client = await clientOf(database.url);
  await client.query(schemaSql());
  const config = connectorConfig(variant, {
    host: database.host,
    port: String(database.port),
    user: database.user,
    password: 'unused',
    dbname: database.name,
    prefix: PREFIX,
    slot: `${database.name}_${variant.replace(/\W/g, '_')}`,
  });
  const capture = await Capture.open(config);
  const byTopic = new Map<string, RenderedEvent[]>();
  const take = async (isSnapshot: boolean): Promise<boolean> => {
    const batch = await capture.next();
    assert.ok(batch !== null);
    for (const event of await renderEvents(batch, capture.source.events!, isSnapshot ? 'true' : 'false')) {
      byTopic.set(event.topic, [...(byTopic.get(event.topic) ?? []), event]);
    }
    return batch.tableMarks.some((mark) => mark.last === true);
  };
  try {
    while (!(await take(true)));
    for (const sql of changes()) {
      // Signals and their windows are the sink's matter.
      if (!/pg_sleep|dbz_signal/.test(sql)) await client.query(sql);
    }
    const end = `${PREFIX}.inv.orders`;
    while (!byTopic.get(end)?.some(({ value }) => value.includes('"who":"after"'))) await take(false);
  } finally {
    await capture.close();
    await client.end();
  }
  return byTopic;
}

for (const variant of [
  'base',
  'decimal-string',
  'decimal-double',
  'time-connect',
  'time-isostring',
  'time-microseconds',
  'time-nanoseconds',
  'time-adaptive_time_microseconds',
]) {
  test(`events are Debezium's, byte for byte: ${variant}`, async () => {
    const { about, records } = recorded(variant);
    const wanted = new Map<string, string[]>();
    for (const { topic, keyRaw, valueRaw } of records) {
      const table = topic.slice(about.prefix.length);
      if (!/^\.(public|inv)\./.test(table) || table === '.public.dbz_signal' || !valueRaw) continue;
      if (valueRaw.includes('"snapshot":"incremental"')) continue;
      const event = `${keyRaw ?? null} ${comparable(valueRaw, about.prefix)}`.replaceAll(
        `"${about.prefix}.`,
        '"PREFIX.',
      );
      wanted.set(table, [...(wanted.get(table) ?? []), event]);
    }
    const events = await captured(variant);
    const got = new Map(
      [...events].map(([topic, list]) => [
        topic.slice(PREFIX.length),
        list.map(({ key, value }) =>
          `${key} ${comparable(value, PREFIX)}`.replaceAll(`"${PREFIX}.`, '"PREFIX.'),
        ),
      ]),
    );
    assert.deepEqual([...got.keys()].sort(), [...wanted.keys()].sort());
    for (const [table, list] of wanted) {
      got.get(table)!.forEach((event, i) => {
        assert.equal(event, list[i], `${table} event ${i}`);
      });
      assert.equal(got.get(table)!.length, list.length, table);
    }
  });
}
