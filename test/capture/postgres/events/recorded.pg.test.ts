import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Recording, readRecording } from '../../../peer/recording.ts';
import { type TestDatabase, testDatabase } from '../../../services/postgres.ts';
import { Capture, clientOf } from '../capture.ts';
import { comparable, type RenderedEvent, renderEvents } from './render.ts';

/** A folder's tables, changes and recordings of real Debezium. */
interface Scenario {
  readonly sql: (file: string) => string;
  readonly recording: (variant: string) => Recording;
  /** True for the last change's event. */
  readonly isLast: (event: RenderedEvent) => boolean;
}

/** What the whole connector is compared with; here only what one row's event is made of. */
const GENERAL: Scenario = {
  sql: (file) => fixture(`peer/postgres/${file}`),
  recording: (variant) => readRecording(path(`peer/recordings/postgres-${variant}.jsonl.zst`)),
  isLast: ({ topic, value }) => topic.endsWith('inv.orders') && value.includes('"who":"after"'),
};

/** Types, defaults and modes that the general one lacks. */
const TYPES: Scenario = {
  sql: (file) => fixture(`events/${file}`),
  recording: (variant) => readRecording(path(`events/${variant}.jsonl.zst`)),
  isLast: ({ topic, value }) => topic.endsWith('keyed') && value.includes('"v":"z"'),
};

/** Masked keys, which are not masked, and keys of tables without a primary key. */
const KEYS: Scenario = {
  sql: (file) => fixture(`events/keys/${file}`),
  recording: (variant) => readRecording(path(`events/keys/${variant}.jsonl.zst`)),
  isLast: ({ topic, value }) => topic.endsWith('un4') && value.includes('"op":"c"'),
};

function path(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
}

function fixture(name: string): string {
  return readFileSync(path(name), 'utf8');
}

let database: TestDatabase;

before(async () => {
  // The recordings are of this release, which has the extensions, too.
  database = await testDatabase(15);
});

const GENERAL_VARIANTS = [
  'base',
  'decimal-string',
  'decimal-double',
  'time-connect',
  'time-isostring',
  'time-microseconds',
  'time-nanoseconds',
  'time-adaptive_time_microseconds',
];
for (const variant of GENERAL_VARIANTS) {
  test(`events are Debezium's, byte for byte: ${variant}`, () => compare(GENERAL, variant));
}

const TYPES_VARIANTS = ['types', 'types-text', 'types-unknown', 'types-url'];
for (const variant of TYPES_VARIANTS) {
  test(`events are Debezium's, byte for byte: ${variant}`, () => compare(TYPES, variant));
}

test("keys are Debezium's, byte for byte", () => compare(KEYS, 'keys'));

async function compare(scenario: Scenario, variant: string): Promise<void> {
  const recording = scenario.recording(variant);
  const wanted = recordedEvents(recording);
  const got = await capturedEvents(scenario, configOf(recording));
  assert.deepEqual([...got.keys()].sort(), [...wanted.keys()].sort());
  for (const [table, events] of wanted) {
    got.get(table)!.forEach((event, i) => {
      assert.equal(event, events[i], `${table} event ${i}`);
    });
    assert.equal(got.get(table)!.length, events.length, table);
  }
}

/** What they were recorded with, but where the database is. */
function configOf({ about }: Recording): Record<string, string> {
  const slot = `${database.name}_${about.variant.replace(/\W/g, '_')}`;
  return {
    ...about.config,
    'database.hostname': database.host,
    'database.port': String(database.port),
    'database.user': database.user,
    'database.dbname': database.name,
    'slot.name': slot,
    'publication.name': slot,
  };
}

/** By topic without the prefix; tombstones and what others than the tables' changes make are not asked for. */
function recordedEvents({ about, records }: Recording): Map<string, string[]> {
  const events = new Map<string, string[]>();
  for (const { topic, keyRaw, valueRaw } of records) {
    const table = topic.slice(about.prefix.length);
    if (!/^[.-](public|inv)[.-]/.test(table) || table === '.public.dbz_signal' || !valueRaw) continue;
    if (valueRaw.includes('"snapshot":"incremental"')) continue;
    add(events, table, comparable(`${keyRaw ?? null} ${valueRaw}`));
  }
  return events;
}

async function capturedEvents(
  scenario: Scenario,
  config: Readonly<Record<string, string>>,
): Promise<Map<string, string[]>> {
  // One session each: the changes make temporary tables.
  const client = await clientOf(database.url);
  await client.query(scenario.sql('schema.sql'));
  const capture = await Capture.open(config);
  const events = new Map<string, string[]>();
  let isLast = false;
  const take = async (isSnapshot: boolean): Promise<boolean> => {
    const batch = await capture.next();
    assert.ok(batch !== null);
    for (const event of await renderEvents(batch, capture.source.events!, isSnapshot ? 'true' : 'false')) {
      const text = comparable(`${event.key} ${event.value}`);
      add(events, event.topic.slice(config['topic.prefix'].length), text);
      isLast ||= scenario.isLast(event);
    }
    return batch.tableMarks.some(({ last }) => last === true);
  };
  try {
    while (!(await take(true)));
    for (const sql of scenario.sql('changes.sql').trim().split('\n--;;\n')) {
      // Signals and their windows are the sink's matter.
      if (!/pg_sleep|dbz_signal/.test(sql)) await client.query(sql);
    }
    while (!isLast) await take(false);
  } finally {
    await capture.close();
    await client.end();
  }
  return events;
}

function add(events: Map<string, string[]>, table: string, event: string): void {
  const list = events.get(table);
  if (list === undefined) events.set(table, [event]);
  else list.push(event);
}
