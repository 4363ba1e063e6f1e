import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Converter } from '../../../src/convert/converter.ts';
import { loadConverter } from '../../../src/convert/registry.ts';
import type { ConnectHeader, ConnectRecord } from '../../../src/record/connect-record.ts';
import { EventClock } from '../../../src/record/envelope.ts';
import { planEvents } from '../../../src/sink/kafka/event-plan.ts';
import { GuardedEvents } from '../../../src/sink/kafka/guarded-events.ts';
import { RecordEncoder } from '../../../src/sink/kafka/record-encoder.ts';
import type { PartWriters } from '../../../src/sink/kafka/record-writer.ts';
import { SchemaWriters } from '../../../src/sink/kafka/schema-writers.ts';
import type { EventConverters, RecordTarget } from '../../../src/sink/kafka/table-events.ts';
import { TableRecords } from '../../../src/sink/kafka/table-records.ts';
import { type Chain, createChain } from '../../../src/transform/chain.ts';
import { batchOf, type RandomRow, type RandomTable, randomRows, randomTable } from './random-table.ts';

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';
const NANOS = 1_795_227_649_300_123_456n;
const HEADERS: readonly ConnectHeader[] = [
  { name: '__debezium.context.taskId', schema: { type: 'string', optional: false }, value: '0' },
];

type Config = Readonly<Record<string, string>>;

/** Configurations of single transforms that are planned wherever they do not fail. */
const PLANNED: readonly Config[] = [
  ...['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'].flatMap((mode) => [
    unwrap({ 'delete.tombstone.handling.mode': mode }),
    unwrap({
      'delete.tombstone.handling.mode': mode,
      'add.fields': 'op:operation,source.ts_ms,lsn,id,ts_ms,missing,snapshot,total_order,origin',
      'add.headers': 'op,table,transaction.total_order,source.snapshot,ts_ns,before',
    }),
  ]),
  unwrap({
    'delete.tombstone.handling.mode': 'rewrite',
    'replace.null.with.default': 'false',
    'add.fields': 'db',
  }),
  { type: `${KAFKA}RegexRouter`, regex: 'srv\\.(.*)', replacement: 'to.$1' },
  {
    type: `${DEBEZIUM}ByLogicalTableRouter`,
    'topic.regex': '(.*)orders',
    'topic.replacement': '$1all',
    'key.field.name': 'shard',
  },
  {
    type: `${DEBEZIUM}ByLogicalTableRouter`,
    'topic.regex': '(.*)orders',
    'topic.replacement': '$1all',
    'key.enforce.uniqueness': 'false',
  },
  { type: `${DEBEZIUM}SchemaChangeEventFilter`, 'schema.change.event.exclude.list': 'DROP' },
  { type: `${DEBEZIUM}ExtractSchemaToNewRecord` },
  { type: `${KAFKA}InsertHeader`, header: 'h', 'value.literal': '17' },
  { type: `${KAFKA}DropHeaders`, headers: '__debezium.newkey,__op,h' },
  { type: `${KAFKA}InsertField$Value`, 'static.field': 's', 'static.value': 'v', 'topic.field': 't!' },
  { type: `${KAFKA}ReplaceField$Value`, exclude: 'amount,op', renames: 'id:number' },
  { type: `${KAFKA}ReplaceField$Value`, include: 'name,after', 'replace.null.with.default': 'false' },
  { type: `${KAFKA}ReplaceField$Key`, renames: 'id:key' },
  { type: `${KAFKA}SetSchemaMetadata$Value`, 'schema.name': 'other' },
  { type: `${KAFKA}HoistField$Key`, field: 'k' },
  { type: `${KAFKA}ExtractField$Key`, field: 'id' },
  { type: `${KAFKA}ExtractField$Value`, field: 'after' },
  { type: `${KAFKA}ExtractField$Value`, field: 'name' },
  { type: `${KAFKA}ValueToKey`, fields: 'id,name' },
  masked({ fields: 'op,amount' }),
  masked({ fields: 'ts_ms,lsn', replacement: '300', 'replace.null.with.default': 'false' }),
  { type: `${KAFKA}Cast$Value`, spec: 'ts_ms:string,ts_us:int16,op:boolean' },
  {
    type: `${KAFKA}Cast$Value`,
    spec: 'amount:string,c3:float64,c4:int32',
    'replace.null.with.default': 'false',
  },
  { type: `${KAFKA}Cast$Key`, spec: 'id:string' },
  { type: `${KAFKA}Flatten$Value` },
  { type: `${KAFKA}Flatten$Key`, delimiter: '_' },
  { type: `${KAFKA}HeaderFrom$Value`, fields: 'name', headers: 'moved', operation: 'move' },
  { type: `${KAFKA}HeaderFrom$Key`, fields: 'id', headers: 'copied', operation: 'copy' },
];
/** Planned or not as the columns are: what may fail does so although nobody keeps the field. */
const DEPENDING: readonly Config[] = [
  { type: `${KAFKA}Cast$Value`, spec: 'name:int32,amount:int8,c4:boolean' },
  {
    type: `${KAFKA}Cast$Value`,
    spec: 'id:float32,name:string,c3:string',
    'replace.null.with.default': 'false',
  },
  { type: `${KAFKA}Cast$Key`, spec: 'id:int64' },
  masked({ fields: 'name', replacement: 'x' }),
  masked({ fields: 'id,amount,c5', 'replace.null.with.default': 'false' }),
];
const PREDICATES: Config = {
  predicates: 'tombstone,orders,moved',
  'predicates.tombstone.type': `${KAFKA}predicates.RecordIsTombstone`,
  'predicates.orders.type': `${KAFKA}predicates.TopicNameMatches`,
  'predicates.orders.pattern': 'srv.*',
  'predicates.moved.type': `${KAFKA}predicates.HasHeaderKey`,
  'predicates.moved.name': '__debezium.newkey',
};
const conditions: fc.Arbitrary<Config> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.record({
    predicate: fc.constantFrom('tombstone', 'orders', 'moved'),
    negate: fc.constantFrom('true', 'false'),
  }),
);
const filter: fc.Arbitrary<Config> = fc
  .constantFrom('tombstone', 'moved')
  .map((predicate) => ({ type: `${KAFKA}Filter`, predicate }));
const anySteps = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...PLANNED, ...DEPENDING), conditions)
        .map(([a, b]) => ({ ...a, ...b })),
    },
    filter,
  ),
  { maxLength: 4 },
);

/** What fails does so, though nobody keeps the field. */
const droppedAfterCast: readonly Config[] = [
  unwrap({ 'delete.tombstone.handling.mode': 'drop' }),
  { type: `${KAFKA}Cast$Value`, spec: 'name:int32' },
  { type: `${KAFKA}ReplaceField$Value`, exclude: 'name' },
];
/** Where `name` is text, whose cast may fail, mostly the one. */
function stepsFor({ columns }: RandomTable): fc.Arbitrary<readonly Config[]> {
  if (columns[1]?.schema.type !== 'string') return anySteps;
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(droppedAfterCast) },
    { weight: 1, arbitrary: anySteps },
  );
}

const json = (config: Config) => converter('org.apache.kafka.connect.json.JsonConverter', config);
const simple = await converter('org.apache.kafka.connect.storage.SimpleHeaderConverter', {});
const CONVERTERS: readonly EventConverters[] = [
  { key: await json({}), value: await json({}), header: simple, classes: classes() },
  {
    key: await json({ 'schemas.enable': 'false' }),
    value: await json({ 'schemas.enable': 'false', 'replace.null.with.default': 'false' }),
    header: await json({}),
    classes: classes(),
  },
];

/** What becomes of one record: where it goes with which bytes, 'dropped' or 'failed'. */
type Outcome = readonly (string | number | null)[] | 'dropped' | 'failed';

test('S-3: a planned chain writes the bytes that records through the chain have', async () => {
  let planned = 0;
  let sent = 0;
  const scenario = randomTable.chain((random) =>
    fc.tuple(
      fc.constant(random),
      randomRows(random),
      stepsFor(random),
      fc.constantFrom(...CONVERTERS),
      fc.record({ tombstones: fc.boolean(), inTransaction: fc.boolean(), headers: fc.boolean() }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(scenario, async ([random, rows, chosen, converters, options]) => {
      const config = configOf(chosen);
      const settings = { ...options, headers: options.headers ? HEADERS : [] };
      const slow = await throughRecords(random, rows, createChain(config), converters, settings);
      const fast = await throughPlan(random, rows, createChain(config), converters, settings);
      if (fast === null) return;
      planned++;
      sent += slow.flat().filter((outcome) => typeof outcome !== 'string').length;
      assert.deepEqual(
        fast,
        slow.map((outcomes) => outcomes.filter((outcome) => outcome !== 'dropped')),
      );
    }),
    { numRuns: 600 },
  );
  // Many chains fail by what they are put together of, and then records are made to say so.
  assert.ok(planned > 200, `${planned} planned`);
  assert.ok(sent > 1000, `${sent} sent`);
});

for (const config of PLANNED) {
  test(`S-3: planned: ${JSON.stringify(config)}`, () => {
    const [random] = fc.sample(
      randomTable.filter(({ form, columns }) => form.key !== null && columns.length > 2),
      { numRuns: 1, seed: 1 },
    );
    // What reads rows is configured behind what makes rows, and leaves out what has none.
    const isOfRows =
      /name|'id'|"fields":"id/.test(JSON.stringify(config)) && !config['type']!.endsWith('State');
    const chain = isOfRows
      ? configOf([
          unwrap({ 'delete.tombstone.handling.mode': 'drop' }),
          { ...config, predicate: 'tombstone', negate: 'true' },
        ])
      : configOf([config]);
    const options = { headers: HEADERS, tombstones: true, transactions: true, transform: createChain(chain) };
    // Six shapes of rows, and the halves of a change of the key; each in a transaction or not.
    assert.equal(planEvents(random!.form, options)?.kinds.size, 16);
  });
}

const UNPLANNED: readonly Config[] = [
  unwrap({ 'route.by.field': 'name' }),
  unwrap({ 'drop.fields.header.name': 'drop' }),
  { type: `${KAFKA}TimestampConverter$Value`, field: 'ts_ms', 'target.type': 'string', format: 'yyyy' },
  {
    type: `${DEBEZIUM}partitions.PartitionRouting`,
    'partition.payload.fields': 'op',
    'partition.topic.num': '3',
  },
  { type: `${DEBEZIUM}ExtractChangedRecordState`, 'header.changed.name': 'changed' },
  { type: `${KAFKA}ExtractField$Value`, field: 'missing' },
];
for (const config of UNPLANNED) {
  test(`S-3: looks at values, so records are made: ${JSON.stringify(config)}`, () => {
    const [random] = fc.sample(randomTable, { numRuns: 1, seed: 1 });
    const transform = createChain(configOf([config]));
    const options = { headers: HEADERS, tombstones: true, transactions: true, transform };
    assert.equal(planEvents(random!.form, options), null);
  });
}

interface Settings {
  readonly headers: readonly ConnectHeader[];
  readonly tombstones: boolean;
  readonly inTransaction: boolean;
}

/** Outcomes by row. */
async function throughRecords(
  { table, form }: RandomTable,
  rows: readonly RandomRow[],
  chain: Chain,
  converters: EventConverters,
  { headers, tombstones, inTransaction }: Settings,
): Promise<Outcome[][]> {
  const out: Outcome[] = [];
  const encoder = new RecordEncoder(converters, writersOf(converters), targetOf(out));
  const options = { headers, tombstones, skippedOps: new Set<number>(), clock: clockAt(NANOS) };
  const records = new TableRecords(table, form, options);
  const batch = batchOf(table, rows);
  const orders = counter();
  const outcomes: Outcome[][] = [];
  for (const [row, { snapshot }] of rows.entries()) {
    const made: ConnectRecord[] = [];
    records.write(batch, row, { snapshot, transaction: inTransaction ? orders : null }, made);
    for (const record of made) await sendRecord(record, chain, encoder, out);
    outcomes.push(out.splice(0));
  }
  return outcomes;
}

async function sendRecord(record: ConnectRecord, chain: Chain, encoder: RecordEncoder, out: Outcome[]) {
  try {
    const transformed = await chain.apply(record);
    if (transformed === null) out.push('dropped');
    else await encoder.send(transformed);
  } catch {
    out.push('failed');
  }
}

/** The same without what is dropped; null: not planned. */
async function throughPlan(
  { table, form }: RandomTable,
  rows: readonly RandomRow[],
  chain: Chain,
  converters: EventConverters,
  { headers, tombstones, inTransaction }: Settings,
): Promise<Outcome[][] | null> {
  const plan = planEvents(form, { headers, tombstones, transactions: true, transform: chain });
  if (plan === null) return null;
  const out: Outcome[] = [];
  const writers = writersOf(converters);
  const encoder = new RecordEncoder(converters, writers, targetOf(out));
  const clock = clockAt(NANOS);
  const skippedOps = new Set<number>();
  const options = { plan, clock, skippedOps, writers };
  const makeRecords = () => new TableRecords(table, form, { headers, tombstones, skippedOps, clock });
  const events = await GuardedEvents.open(table, form, options, makeRecords, targetOf(out));
  const batch = batchOf(table, rows);
  const orders = counter();
  const outcomes: Outcome[][] = [];
  for (const [row, { snapshot }] of rows.entries()) {
    const left = events.write(batch, row, { snapshot, transaction: inTransaction ? orders : null });
    for (const record of left ?? []) await sendRecord(record, chain, encoder, out);
    outcomes.push(out.splice(0).filter((outcome) => outcome !== 'dropped'));
  }
  return outcomes;
}

function targetOf(out: Outcome[]): RecordTarget {
  return {
    send(topic, key, value, headers, partition, head) {
      const whole = value && head ? Buffer.concat([head.bytes, value]) : value;
      out.push(bytesOf([topic, key, whole, headers, partition]));
    },
  };
}

function clockAt(nanos: bigint): EventClock {
  const clock = new EventClock();
  clock.set(nanos);
  return clock;
}

function writersOf({ key, value, header }: EventConverters): PartWriters {
  return {
    key: new SchemaWriters(key),
    value: new SchemaWriters(value),
    header: new SchemaWriters(header),
  };
}

function counter() {
  let order = 0;
  return () => ({ id: '7:1', totalOrder: ++order, collectionOrder: order });
}

function bytesOf(sent: readonly unknown[]): Outcome {
  return [0, 1, 2, 3, 4].map((i) => {
    const part = sent[i];
    if (part instanceof Uint8Array) return Buffer.from(part).toString('latin1');
    return (part as string | number | null | undefined) ?? null;
  });
}

function configOf(chosen: readonly Config[]): Record<string, string> {
  const config: Record<string, string> = {
    ...PREDICATES,
    transforms: chosen.map((_, i) => `t${i}`).join(','),
  };
  chosen.forEach((step, i) => {
    for (const [name, value] of Object.entries(step)) config[`transforms.t${i}.${name}`] = value;
  });
  return config;
}

function unwrap(config: Config): Config {
  return { type: `${DEBEZIUM}ExtractNewRecordState`, ...config };
}

/** It fails on tombstones. */
function masked(config: Config): Config {
  return { type: `${KAFKA}MaskField$Value`, predicate: 'tombstone', negate: 'true', ...config };
}

async function converter(name: string, config: Config): Promise<Converter> {
  return (await loadConverter(name))!.create(config, false);
}

function classes(): EventConverters['classes'] {
  return { key: '', value: '', header: '' };
}
