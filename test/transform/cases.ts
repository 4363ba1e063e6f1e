/** A record that real transforms were run on, test/transform/record-cases.ts says how. */
export interface Case {
  readonly name: string;
  readonly steps: readonly { readonly type: string; readonly config: Readonly<Record<string, string>> }[];
  readonly record: CaseRecord;
}

/** Keys, values and headers as JsonConverter writes them with schemas; null: neither schema nor value. */
export interface CaseRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Schema = { readonly [name: string]: Json };

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';

const int32 = (more: Schema = {}): Schema => ({ type: 'int32', optional: false, ...more });
const int64 = (more: Schema = {}): Schema => ({ type: 'int64', optional: false, ...more });
const string = (more: Schema = {}): Schema => ({ type: 'string', optional: true, ...more });
const of = (type: string, more: Schema = {}): Schema => ({ type, optional: true, ...more });
const struct = (
  name: string | null,
  fields: Readonly<Record<string, Schema>>,
  more: Schema = {},
): Schema => ({
  type: 'struct',
  fields: Object.entries(fields).map(([field, schema]) => ({ ...schema, field })),
  optional: false,
  ...(name !== null && { name }),
  ...more,
});
const text = (schema: Schema | null, payload: Json): string => JSON.stringify({ schema, payload });

const TIMESTAMP = int64({ optional: true, name: 'org.apache.kafka.connect.data.Timestamp', version: 1 });
const DATE = int32({ optional: true, name: 'org.apache.kafka.connect.data.Date', version: 1 });
const TIME = int32({ optional: true, name: 'org.apache.kafka.connect.data.Time', version: 1 });
const DECIMAL = of('bytes', {
  name: 'org.apache.kafka.connect.data.Decimal',
  version: 1,
  parameters: { scale: '2' },
});

const FLAT = struct(
  'db.Flat',
  {
    id: int64(),
    small: of('int8'),
    short: of('int16'),
    num: int32({ optional: true, default: 7 }),
    single: of('float'),
    real: of('double'),
    yes: of('boolean'),
    name: string({ default: 'dflt' }),
    blob: of('bytes'),
    price: DECIMAL,
    at: TIMESTAMP,
    day: DATE,
    clock: TIME,
    tags: of('array', { items: string() }),
    word: string(),
  },
  { version: 3, doc: 'a flat row', optional: true },
);
/** Integers beyond 2^53 do not survive JSON.stringify, so the values stay below. */
const FLAT_VALUE = {
  id: 9007199254740991,
  small: -5,
  short: 300,
  num: null,
  single: 1.5,
  real: -2.75,
  yes: true,
  name: null,
  blob: 'AP8Q',
  price: 'ASw=',
  at: 1709210096789,
  day: 19782,
  clock: 45296789,
  tags: ['a', null],
  word: '-12',
};
const NESTED = struct('db.Nested', {
  id: int32(),
  inner: struct(
    'db.Inner',
    { a: string({ default: 'x' }), deep: struct('db.Deep', { b: int32() }, { optional: true }) },
    { optional: true },
  ),
  none: struct(null, { c: string({ optional: false }), d: int32({ default: 4 }) }, { optional: true }),
  'dotted.name': string(),
});
const NESTED_VALUE = { id: 1, inner: { a: null, deep: { b: 2 } }, none: null, 'dotted.name': 'dot' };
const MAP = { id: 1, name: 'n', real: 1.5, nothing: null, inner: { a: 'x', b: { c: true } } };

const KEY = struct('db.Key', { id: int64() });
const plain: CaseRecord = {
  topic: 'srv.inv.orders',
  partition: null,
  key: text(KEY, { id: 1 }),
  value: text(FLAT, FLAT_VALUE),
  timestamp: 1709210096789,
  headers: [['h1', text(string({ optional: false }), 'one')]],
};
const nested = { ...plain, value: text(NESTED, NESTED_VALUE) };
const untyped = { ...plain, key: text(null, { id: 5 }), value: text(null, MAP) };
const tombstone = { ...plain, value: null };
const nothing = { ...plain, value: text(FLAT, null) };
const whole = (schema: Schema, payload: Json): CaseRecord => ({ ...plain, value: text(schema, payload) });

const cases: Case[] = [];

function kafka(
  type: string,
  config: Readonly<Record<string, string>>,
  records: Readonly<Record<string, CaseRecord>>,
) {
  add(KAFKA + type, config, records);
}

function debezium(
  type: string,
  config: Readonly<Record<string, string>>,
  records: Readonly<Record<string, CaseRecord>>,
) {
  add(DEBEZIUM + type, config, records);
}

function add(
  type: string,
  config: Readonly<Record<string, string>>,
  records: Readonly<Record<string, CaseRecord>>,
) {
  for (const [name, record] of Object.entries(records))
    cases.push({ name: `${type} ${JSON.stringify(config)} on ${name}`, steps: [{ type, config }], record });
}

const usual = { plain, untyped, tombstone, nothing };
const keeps = { 'replace.null.with.default': 'false' };

kafka('RegexRouter', { regex: '(\\w+)\\.inv\\.(.*)', replacement: '$2-of-$1' }, { plain });
kafka('RegexRouter', { regex: 'srv|srv\\.inv\\.orders', replacement: 'x' }, { plain });
kafka('RegexRouter', { regex: 'nope', replacement: 'x' }, { plain });
// biome-ignore lint/suspicious/noTemplateCurlyInString: a group of the pattern
kafka('RegexRouter', { regex: '(?<db>.*)\\.orders', replacement: '\\${db}$12' }, { plain });
kafka('ReplaceField$Value', { include: 'id,name,num' }, usual);
kafka('ReplaceField$Value', { exclude: 'id,blob', renames: 'name:title,num:number' }, usual);
kafka('ReplaceField$Value', { exclude: 'id', ...keeps }, usual);
kafka('ReplaceField$Key', { renames: 'id:key' }, usual);
kafka('InsertField$Value', { 'topic.field': 't!', 'partition.field': 'p?', 'timestamp.field': 'ts' }, usual);
kafka(
  'InsertField$Value',
  { 'static.field': 's', 'static.value': 'v', ...keeps },
  { ...usual, partitioned: { ...plain, partition: 3 } },
);
kafka(
  'InsertField$Value',
  { 'timestamp.field': 'ts!', 'partition.field': 'p' },
  { untimed: { ...plain, timestamp: null, partition: 2 } },
);
kafka('InsertField$Key', { 'static.field': 's', 'static.value': 'v' }, usual);
kafka('InsertField$Value', { 'static.field': 'id', 'static.value': 'v' }, { plain });
kafka('ValueToKey', { fields: 'name,id' }, usual);
kafka('ValueToKey', { fields: 'missing' }, { plain, untyped });
kafka('ExtractField$Value', { field: 'num' }, usual);
kafka('ExtractField$Value', { field: 'num', ...keeps }, { plain });
kafka('ExtractField$Value', { field: 'missing' }, usual);
kafka('ExtractField$Value', { field: 'inner.deep.b', 'field.syntax.version': 'V2' }, { nested });
kafka('ExtractField$Value', { field: 'inner.a', 'field.syntax.version': 'V2' }, { nested, untyped });
kafka('ExtractField$Value', { field: 'none.c', 'field.syntax.version': 'V2' }, { nested });
kafka('ExtractField$Value', { field: '`dotted.name`', 'field.syntax.version': 'V2' }, { nested });
kafka('ExtractField$Value', { field: 'dotted.name' }, { nested });
kafka('ExtractField$Key', { field: 'id' }, usual);
kafka('HoistField$Value', { field: 'row' }, usual);
kafka('HoistField$Key', { field: 'k' }, usual);
for (const type of ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'])
  for (const field of ['id', 'small', 'num', 'single', 'real', 'yes', 'word', 'price', 'at', 'day', 'clock'])
    kafka('Cast$Value', { spec: `${field}:${type}` }, { plain });
kafka('Cast$Value', { spec: 'blob:string,num:string', ...keeps }, { plain });
kafka('Cast$Value', { spec: 'blob:int32' }, { plain });
kafka('Cast$Value', { spec: 'tags:string' }, { plain });
kafka('Cast$Value', { spec: 'name:int32' }, { plain });
kafka('Cast$Value', { spec: 'id:string,real:int32' }, { untyped, tombstone, nothing });
for (const type of ['int8', 'int64', 'boolean', 'string', 'float32'])
  for (const number of [0, 1e-5, 127.9, 128, -1e10, 1e20, 123456789.125])
    kafka('Cast$Value', { spec: type }, { [`double ${number}`]: whole(of('double', { name: 'n' }), number) });
kafka(
  'Cast$Value',
  { spec: 'int32' },
  { text: whole(string(), '17'), bad: whole(string(), 'x'), padded: whole(string(), ' 1') },
);
kafka('Cast$Value', { spec: 'float64' }, { text: whole(string(), ' 1.5e3f '), bad: whole(string(), '1,5') });
kafka('Cast$Value', { spec: 'boolean' }, { text: whole(string(), 'TRUE'), other: whole(string(), 'yes') });
kafka(
  'Cast$Value',
  { spec: 'string' },
  { midnight: whole(TIMESTAMP, 1709164800000), early: whole(TIMESTAMP, 1000) },
);
kafka(
  'Flatten$Value',
  {},
  { nested, plain: { ...plain, value: text(FLAT, FLAT_VALUE) }, untyped, tombstone },
);
kafka('Flatten$Value', { delimiter: '_' }, { nested });
for (const target of ['string', 'unix', 'Date', 'Time', 'Timestamp'])
  for (const field of ['at', 'day', 'clock', 'id', 'word'])
    kafka(
      'TimestampConverter$Value',
      { field, 'target.type': target, format: 'yyyy-MM-dd HH:mm:ss.SSS' },
      { plain },
    );
for (const precision of ['seconds', 'milliseconds', 'microseconds', 'nanoseconds']) {
  const config = { 'target.type': 'unix', 'unix.precision': precision };
  kafka('TimestampConverter$Value', config, {
    at: whole(TIMESTAMP, -1500),
    past: whole(int64(), -1709210096789),
  });
  kafka(
    'TimestampConverter$Value',
    { 'target.type': 'Timestamp', 'unix.precision': precision },
    { unix: whole(int64(), 1709210096789) },
  );
}
for (const format of [
  'yyyyMMdd',
  'yy-M-d H:m:s.S',
  'yyyy-MM-dd',
  "yyyy-MM-dd'T'HH:mm:ss.SSSX",
  'EEE, d MMM yyyy hh:mm:ss a z',
  'EEEE MMMM dd, yyyy',
  'DDD/yyyy',
  'kk:mm K',
  "h 'o''clock' a",
  'yyyy-MM-dd HH:mm:ss Z',
  'YYYY',
  'ww',
]) {
  kafka(
    'TimestampConverter$Value',
    { 'target.type': 'string', format },
    {
      at: whole(TIMESTAMP, 1709210096789),
      night: whole(TIMESTAMP, 1704067200000),
      noon: whole(TIMESTAMP, 946728000005),
      old: whole(TIMESTAMP, -86400000 * 400),
    },
  );
}
for (const [format, given] of [
  ['yyyy-MM-dd', '2024-02-29'],
  ['yyyy-MM-dd', '2024-2-9 rest'],
  ['yyyy-MM-dd', '2024-13-45'],
  ['yyyyMMddHHmmss', '20240229123456'],
  ['yyyyMMddHHmmssSSS', '20240229123456789'],
  ['yyyy-MM-dd', 'bad'],
  ['yy-MM-dd', '70-01-02'],
  ['yy-MM-dd', '30-01-02'],
  ['yyyy', '24'],
  ['d MMM yyyy', '3 jan 2020'],
  ['EEE, d MMMM yyyy', 'Monday, 3 June 2020'],
  ["yyyy-MM-dd'T'HH:mm:ssX", '2024-02-29T12:00:00+02'],
  ["yyyy-MM-dd'T'HH:mm:ssXXX", '2024-02-29T12:00:00-02:30'],
  ["yyyy-MM-dd'T'HH:mm:ssZ", '2024-02-29T12:00:00+0130'],
  ['HH:mm:ss.SSS', '12:34:56.7'],
  ['hh:mm a', '12:05 AM'],
  ['hh:mm a', '12:05 pm'],
  ['kk:mm', '24:05'],
  ['yyyy-MM-dd', ' 2024-01-01'],
  ['yyyy DDD', '2024 60'],
  ['yyyy-MM-dd HH:mm:ss z', '2024-01-01 00:00:00 GMT+02:00'],
  ['yyyy-MM-dd HH:mm:ss z', '2024-01-01 00:00:00 UTC'],
  ['yyyy-MM-dd HH:mm', '2024-01-01  1:2'],
] as const)
  kafka(
    'TimestampConverter$Value',
    { 'target.type': 'Timestamp', format },
    { [given]: whole(string(), given) },
  );
kafka(
  'TimestampConverter$Value',
  { field: 'at', 'target.type': 'string', format: 'yyyy' },
  { untyped: { ...plain, value: text(null, { at: 1709210096789 }) }, tombstone, nothing },
);
kafka(
  'MaskField$Value',
  { fields: 'id,small,short,num,single,real,yes,name,tags,word,at,day,clock' },
  { plain, tombstone, nothing },
);
kafka('MaskField$Value', { fields: 'name,word,nothing' }, { untyped });
kafka('MaskField$Value', { fields: 'blob' }, { plain });
for (const replacement of ['42', 'x', '1.5', '300'])
  for (const field of ['id', 'small', 'num', 'single', 'real', 'yes', 'name', 'word', 'at', 'tags'])
    kafka('MaskField$Value', { fields: field, replacement }, { plain });
kafka('SetSchemaMetadata$Value', { 'schema.name': 'other', 'schema.version': '9' }, usual);
kafka('SetSchemaMetadata$Value', { 'schema.version': '2', ...keeps }, { plain, number: whole(int32(), 1) });
kafka('SetSchemaMetadata$Key', { 'schema.name': 'k' }, usual);
kafka('HeaderFrom$Value', { fields: 'name,id', headers: 'hn,hi', operation: 'move' }, usual);
kafka('HeaderFrom$Value', { fields: 'num', headers: 'h1', operation: 'copy', ...keeps }, usual);
kafka('HeaderFrom$Value', { fields: 'missing', headers: 'h', operation: 'copy' }, { plain });
kafka('HeaderFrom$Key', { fields: 'id', headers: 'kid', operation: 'move' }, usual);
for (const literal of [
  'text',
  '1',
  '300',
  '70000',
  '5000000000',
  '1.5',
  '1.1',
  'true',
  'null',
  '2024-02-29',
  '12:34:56.789Z',
  '2024-02-29T12:34:56.789Z',
  '[1,2]',
  '["a","b"]',
  '"quoted"',
  '{"a":1}',
  '-5',
  '1e3',
  '0x1',
  ' x ',
  '12345678901234567890',
  '[1,"a"]',
  '[]',
])
  kafka('InsertHeader', { header: 'h2', 'value.literal': literal }, { plain });
kafka('DropHeaders', { headers: 'h1,other' }, { plain });
kafka(
  'TimestampRouter',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Kafka's own placeholders
  { 'topic.format': 'x-${topic}-${timestamp}', 'timestamp.format': 'yyyy-MM' },
  { plain, untimed: { ...plain, timestamp: null } },
);
kafka('Filter', {}, { plain });

const ROW = struct(
  'srv.inv.orders.Value',
  {
    id: int32(),
    name: string({ default: 'dflt' }),
    total: DECIMAL,
    at: int64({ optional: true, name: 'io.debezium.time.MicroTimestamp', version: 1 }),
    ms: int64({ optional: true, name: 'io.debezium.time.Timestamp', version: 1 }),
    ns: int64({ optional: true, name: 'io.debezium.time.NanoTimestamp', version: 1 }),
    tz: string({ name: 'io.debezium.time.ZonedTimestamp', version: 1 }),
    day: int32({ optional: true, name: 'io.debezium.time.Date', version: 1 }),
    topic: string(),
    real: of('double'),
    yes: of('boolean'),
    blob: of('bytes'),
    tags: of('array', { items: string() }),
  },
  { optional: true },
);
const SOURCE = struct('io.debezium.connector.postgresql.Source', {
  version: string({ optional: false }),
  name: string({ optional: false }),
  ts_ms: int64(),
  snapshot: string({ default: 'false' }),
  db: string({ optional: false }),
  schema: string({ optional: false }),
  table: string({ optional: false }),
  txId: int64({ optional: true }),
  lsn: int64({ optional: true }),
});
const TRANSACTION = struct(
  'event.block',
  { id: string({ optional: false }), total_order: int64(), data_collection_order: int64() },
  { optional: true, version: 1 },
);
const ENVELOPE = struct(
  'srv.inv.orders.Envelope',
  {
    before: ROW,
    after: ROW,
    source: SOURCE,
    transaction: TRANSACTION,
    op: string({ optional: false }),
    ts_ms: int64({ optional: true }),
  },
  { version: 2 },
);
const OLD = {
  id: 1,
  name: 'old',
  total: 'ASw=',
  at: 1709210096789123,
  ms: 1709210096789,
  ns: 1709210096789123,
  tz: '2024-02-29T12:34:56.789100Z',
  day: 19782,
  topic: 'by-field',
  real: 1.5,
  yes: true,
  blob: null,
  tags: ['a', 'é'],
};
const NEW = {
  ...OLD,
  name: null,
  total: 'AMg=',
  at: 1720000000000000,
  tz: '2024-07-03T10:26:40Z',
  topic: 'new-topic',
  tags: ['b'],
};
const block = {
  version: '3.5',
  name: 'srv',
  ts_ms: 1709210096000,
  snapshot: null,
  db: 'd',
  schema: 'inv',
  table: 'orders',
  txId: 5,
  lsn: 99,
};
const transaction = { id: '5:99', total_order: 1, data_collection_order: 1 };
const event = (op: string, before: Json, after: Json, more: Schema = {}): CaseRecord => ({
  ...plain,
  value: text(ENVELOPE, {
    before,
    after,
    source: block,
    transaction: null,
    op,
    ts_ms: 1709210097000,
    ...more,
  }),
  key: text(struct('srv.inv.orders.Key', { id: int32() }), { id: 1 }),
});
const dropList = ['drop', text(of('array', { items: string() }), ['name', 'id'])] as const;
const events = {
  read: event('r', null, NEW),
  create: event('c', null, NEW, { transaction }),
  update: event('u', OLD, NEW),
  delete: event('d', OLD, null),
  truncate: event('t', null, null),
  tombstone: { ...event('d', OLD, null), value: null },
  other: plain,
};
const withHeader = Object.fromEntries(
  Object.entries(events).map(([name, record]) => [
    name,
    { ...record, headers: [...record.headers, dropList] },
  ]),
);

for (const mode of ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone']) {
  const config = { 'delete.tombstone.handling.mode': mode };
  debezium('ExtractNewRecordState', config, events);
  const adds = {
    'add.fields': 'op:operation,source.ts_ms,lsn,id,ts_ms,missing',
    'add.headers': 'op,table,transaction.total_order,source.snapshot',
  };
  debezium(
    'ExtractNewRecordState',
    { ...config, ...adds, 'add.fields.prefix': 'f_', 'add.headers.prefix': 'h.' },
    events,
  );
  debezium('ExtractNewRecordState', { ...config, 'route.by.field': 'topic' }, events);
  const drops = { 'drop.fields.header.name': 'drop', 'add.fields': 'op' };
  debezium('ExtractNewRecordState', { ...config, ...drops }, withHeader);
  debezium(
    'ExtractNewRecordState',
    { ...config, ...drops, 'drop.fields.keep.schema.compatible': 'false', 'drop.fields.from.key': 'true' },
    withHeader,
  );
}
debezium('ExtractNewRecordState', { 'route.by.field': 'id' }, { update: events.update });
debezium('ExtractNewRecordState', { 'route.by.field': 'missing' }, { update: events.update });
debezium('ExtractNewRecordState', { 'add.fields': 'nope.field' }, { update: events.update });
debezium('ExtractNewRecordState', { 'add.fields': 'transaction.id,total_order,source.db:database' }, events);
debezium('ExtractNewRecordState', { 'delete.tombstone.handling.mode': 'zz' }, { update: events.update });

debezium('ByLogicalTableRouter', { 'topic.regex': '(.*)orders(.*)', 'topic.replacement': '$1all$2' }, events);
debezium(
  'ByLogicalTableRouter',
  { 'topic.regex': '(.*)orders', 'topic.replacement': '$1all', 'key.enforce.uniqueness': 'false' },
  events,
);
debezium(
  'ByLogicalTableRouter',
  {
    'topic.regex': '(.*)orders',
    'topic.replacement': '$1all',
    'key.field.name': 'shard',
    'key.field.regex': '(.*)\\.(.*)\\.orders',
    'key.field.replacement': '$2',
  },
  events,
);
debezium('ByLogicalTableRouter', { 'topic.regex': 'nope', 'topic.replacement': 'x' }, events);
debezium(
  'ByLogicalTableRouter',
  { 'topic.regex': '(.*)orders', 'topic.replacement': '1-$1all', 'schema.name.adjustment.mode': 'avro' },
  events,
);
debezium(
  'ByLogicalTableRouter',
  {
    'topic.regex': '(.*)orders',
    'topic.replacement': '1_-$1all',
    'schema.name.adjustment.mode': 'avro_unicode',
  },
  events,
);
debezium(
  'ByLogicalTableRouter',
  { 'topic.regex': '(.*)orders', 'topic.replacement': 'x', 'key.field.regex': 'a' },
  events,
);

const OUTBOX_ROW = struct(
  'srv.inv.outbox.Value',
  {
    id: string({ optional: false, name: 'io.debezium.data.Uuid', version: 1 }),
    aggregatetype: string({ optional: false }),
    aggregateid: string({ optional: false }),
    type: string({ optional: false }),
    payload: string({ name: 'io.debezium.data.Json', version: 1 }),
    at: int64({ optional: true, name: 'io.debezium.time.MicroTimestamp', version: 1 }),
    part: int32({ optional: true }),
    ver: int32({ optional: true }),
    tenant: string({ default: 'none' }),
  },
  { optional: true },
);
const OUTBOX = struct('srv.inv.outbox.Envelope', {
  before: OUTBOX_ROW,
  after: OUTBOX_ROW,
  source: struct('io.debezium.connector.postgresql.Source', {
    connector: string({ optional: false }),
    table: string({ optional: false }),
  }),
  op: string({ optional: false }),
  ts_ms: int64({ optional: true }),
});
const outboxRow = (payload: Json, more: Schema = {}): Json => ({
  id: '1111',
  aggregatetype: 'Order',
  aggregateid: '42',
  type: 'Created',
  payload,
  at: 1709210096789123,
  part: 2,
  ver: 7,
  tenant: null,
  ...more,
});
const outbox = (op: string, payload: Json, more: Schema = {}): CaseRecord => ({
  ...plain,
  topic: 'srv.inv.outbox',
  value: text(OUTBOX, {
    before: op === 'c' ? null : outboxRow(payload, more),
    after: op === 'd' ? null : outboxRow(payload, more),
    source: { connector: 'postgresql', table: 'outbox' },
    op,
    ts_ms: 1709210097000,
  }),
});
const DOCUMENT =
  '{"b":1,"a":"x","1":true,"long":5000000000,"real":1.5,"big":1e2,"none":null,"items":[{"x":1},{"y":null,"x":2},{"z":"s"}],"list":[1,2],"empty":[],"deep":{"c":{"d":[["a"]]}}}';
const outboxEvents = {
  create: outbox('c', '{"x":1}'),
  read: outbox('r', 'plain text'),
  update: outbox('u', '{"x":1}'),
  delete: outbox('d', '{"x":1}'),
  'empty payload': outbox('c', '  '),
  'null payload': outbox('c', null),
  document: outbox('c', DOCUMENT),
  tombstone: { ...plain, value: null },
  other: plain,
};
const router = (
  config: Readonly<Record<string, string>>,
  records: Readonly<Record<string, CaseRecord>> = outboxEvents,
) => debezium('outbox.EventRouter', config, records);
router({});
router({ 'table.fields.additional.placement': 'type:header:eventType,tenant:header,part:partition' });
router({ 'table.fields.additional.placement': 'type:envelope:kind,tenant:envelope' });
router({
  'table.fields.additional.placement': 'type:envelope',
  'table.field.event.schema.version': 'ver',
  'table.field.event.timestamp': 'at',
});
router({
  'route.tombstone.on.empty.payload': 'true',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a group of the pattern
  'route.topic.replacement': 'ev.$1.${routedByValue}',
  'route.topic.regex': '(?<routedByValue>O.*)',
});
router({
  'route.by.field': 'type',
  'table.field.event.key': 'tenant',
  'table.field.event.id': 'aggregateid',
  'table.field.event.payload': 'type',
});
router({ 'table.expand.json.payload': 'true' });
router({
  'table.expand.json.payload': 'true',
  'table.json.payload.null.behavior': 'optional_bytes',
  'table.fields.additional.placement': 'type:envelope',
});
router({ 'table.field.event.payload': 'missing' });
router({ 'table.fields.additional.placement': 'missing:header' }, { create: outboxEvents.create });
router(
  {
    'table.fields.additional.placement': 'missing:header',
    'table.fields.additional.error.on.missing': 'false',
  },
  { create: outboxEvents.create },
);
router({ 'table.op.invalid.behavior': 'fatal' }, { update: outboxEvents.update });
router({ 'table.field.event.timestamp': 'ver' }, { create: outboxEvents.create });
for (const payload of [
  '[1,2]',
  '{"a":[1,"x"]}',
  '{"a":[[]]}',
  '{"a":[null]}',
  '{"a":12345678901234567890}',
  '{bad',
  '"text"',
  '{}',
  '{"a":{"b":[{"c":[]}]}}',
  '{"a":[1,5000000000]}',
  '{"a":[{"b":1},{"b":1}]}',
  '{"a":[{"b":null},{"b":1}]}',
  '{"dup":1,"dup":"x"}',
  ' {"a":1}',
  '{"a":[1.5,2.25]}',
  '{"a":[true,null]}',
  '{"é":"\\u00e9\\n"}',
])
  for (const nulls of ['ignore', 'optional_bytes'])
    router(
      { 'table.expand.json.payload': 'true', 'table.json.payload.null.behavior': nulls },
      { [payload]: outbox('c', payload) },
    );

for (const hash of ['java', 'murmur'])
  for (const fields of [
    'after.id',
    'change.name',
    'before.name,after.name',
    'change.total',
    'change.at',
    'change.tz',
    'source.table,change.id',
    'op',
    'missing',
    'change.real',
    'change.yes',
    'change.tags',
    'change.nope.deep',
  ])
    debezium(
      'partitions.PartitionRouting',
      { 'partition.payload.fields': fields, 'partition.topic.num': '7919', 'partition.hash.function': hash },
      events,
    );
for (const hash of ['java', 'murmur'])
  for (const name of [
    '',
    'a',
    'sixteen letters!',
    'seventeen letters',
    'é',
    'naïve café – long enough for two blocks',
    '😀',
    'x'.repeat(40),
  ])
    debezium(
      'partitions.PartitionRouting',
      {
        'partition.payload.fields': 'after.name',
        'partition.topic.num': '2147483647',
        'partition.hash.function': hash,
      },
      { [`'${name}'`]: event('c', null, { ...NEW, name }) },
    );

const changedHeaders = { 'header.changed.name': 'changed', 'header.unchanged.name': 'unchanged' };
debezium('ExtractChangedRecordState', changedHeaders, events);
debezium('ExtractChangedRecordState', { 'header.changed.name': 'changed' }, events);
debezium(
  'HeaderToValue',
  { headers: 'h1,absent', fields: 'first,second', operation: 'move' },
  { ...events, tombstone },
);
debezium('HeaderToValue', { headers: 'h1', fields: 'source.h', operation: 'copy' }, events);
debezium('HeaderToValue', { headers: 'h1', fields: 'op.h', operation: 'copy' }, { update: events.update });
debezium('HeaderToValue', { headers: 'h1', fields: 'x.h', operation: 'copy' }, { update: events.update });
for (const [name, record] of Object.entries(events)) {
  const steps: Case['steps'] = [
    { type: `${DEBEZIUM}ExtractChangedRecordState`, config: changedHeaders },
    {
      type: `${DEBEZIUM}HeaderToValue`,
      config: { headers: 'changed', fields: 'changed', operation: 'move' },
    },
    {
      type: `${DEBEZIUM}ExtractNewRecordState`,
      config: { 'add.fields': 'op,changed', 'delete.tombstone.handling.mode': 'rewrite' },
    },
  ];
  cases.push({ name: `changed fields into the row on ${name}`, steps, record });
}
for (const zone of ['America/New_York', 'Europe/Berlin', '+05:30', '-08:00', 'UTC', 'nowhere'])
  debezium('TimezoneConverter', { 'converted.timezone': zone }, events);
for (const list of [
  'source:orders',
  'source:orders:at',
  'topic:srv.inv.orders:after.tz',
  'orders:before.ms',
  'orders:source.ts_ms',
  'other',
  'source:orders:at,orders:ns',
  'orders',
])
  for (const kind of ['include.list', 'exclude.list'])
    debezium(
      'TimezoneConverter',
      { 'converted.timezone': 'Europe/Berlin', [kind]: list },
      { update: events.update, delete: events.delete },
    );
for (const tz of [
  '2024-03-31T00:59:59Z',
  '2024-03-31T02:30:00Z',
  '2024-10-27T02:30:00Z',
  '2024-01-01T10:00:00+02:00',
  '1890-01-01T00:00:00Z',
  '2024-06-01T00:00:00.100000Z',
])
  debezium(
    'TimezoneConverter',
    { 'converted.timezone': 'Europe/Berlin' },
    { [tz]: event('c', null, { ...NEW, tz, ms: Date.parse(tz), at: Date.parse(tz) * 1000 }) },
  );

const MESSAGE = struct('io.debezium.connector.postgresql.MessageValue', {
  op: string({ optional: false }),
  ts_ms: int64({ optional: true }),
  source: SOURCE,
  message: struct('io.debezium.connector.postgresql.Message', { prefix: string(), content: of('bytes') }),
});
const message = (content: string): CaseRecord => ({
  ...plain,
  value: text(MESSAGE, {
    op: 'm',
    ts_ms: 5,
    source: block,
    message: { prefix: 'p', content: Buffer.from(content).toString('base64') },
  }),
});
for (const config of [{}, { 'fields.null.include': 'true' }] as Record<string, string>[])
  add('io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent', config, {
    object: message('{"id":"1","n":null,"list":[1]}'),
    array: message('[1]'),
    text: message('hello'),
    other: plain,
  });

const columnOf = (name: string, type: string, more: Readonly<Record<string, string>> = {}): Schema => ({
  parameters: {
    '__debezium.source.column.name': name,
    '__debezium.source.column.type': type,
    ...Object.fromEntries(
      Object.entries(more).map(([key, value]) => [`__debezium.source.column.${key}`, value]),
    ),
  },
});
/** An envelope of rows with these fields; images that hold `row`. */
const eventOf = (fields: Readonly<Record<string, Schema>>, more: Schema = {}) => {
  const row = struct('srv.inv.shapes.Value', fields, { optional: true, ...more });
  const envelope = struct(
    'srv.inv.shapes.Envelope',
    {
      before: row,
      after: row,
      source: SOURCE,
      op: string({ optional: false }),
      ts_ms: int64({ optional: true, default: 5 }),
    },
    { version: 1 },
  );
  return (op: string, before: Json, after: Json): CaseRecord => ({
    ...plain,
    value: text(envelope, { before, after, source: block, op, ts_ms: null }),
  });
};

const described = eventOf({
  id: int32(columnOf('id', 'INT4', { length: '10', scale: '0' })),
  title: string({
    default: 'none',
    ...columnOf('Title', 'VARCHAR', { length: '40', comment: 'what it is' }),
  }),
});
const describedEvents = {
  create: described('c', null, { id: 1, title: null }),
  update: described('u', { id: 1, title: 'a' }, { id: 1, title: 'b' }),
  delete: described('d', { id: 1, title: 'a' }, null),
  truncate: described('t', null, null),
  'no types': events.update,
  tombstone,
  other: plain,
};
debezium('ExtractSchemaToNewRecord', {}, describedEvents);
debezium('ExtractSchemaToNewRecord', { 'schema.name.adjustment.mode': 'avro' }, describedEvents);

const geometry = (more: Schema = {}) =>
  struct(
    'io.debezium.data.geometry.Geometry',
    { wkb: of('bytes', { optional: false }), srid: int32({ optional: true }) },
    { version: 1, optional: true, ...more },
  );
const GEOMETRIES = {
  id: int32({ default: 3, optional: true }),
  g: geometry(),
  list: of('array', { items: geometry() }),
  map: of('map', { keys: { type: 'string', optional: false }, values: geometry() }),
  nested: struct('n', { g: geometry({ optional: true }) }, { optional: true }),
  point: struct(
    'io.debezium.data.geometry.Point',
    {
      x: of('double', { optional: false }),
      y: of('double', { optional: false }),
      wkb: of('bytes'),
      srid: int32({ optional: true }),
    },
    { version: 1, optional: true },
  ),
};
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const [ONE, TWO, THREE] = ['000000000000f03f', '0000000000000040', '0000000000000840'];
/** Little end first, except the last. */
const SHAPES: Readonly<Record<string, string>> = {
  point: `0101000000${ONE}${TWO}`,
  'point with srid': `0101000020e6100000${ONE}${TWO}`,
  'point with z': `0101000080${ONE}${TWO}${THREE}`,
  'point with z, m and srid': `01010000e0e6100000${ONE}${TWO}${THREE}${ONE}`,
  'empty line': '010200000000000000',
  line: `010200000002000000${ONE}${TWO}${TWO}${THREE}`,
  polygon: `01030000000100000002000000${ONE}${TWO}${TWO}${THREE}`,
  points: `0104000000020000000101000000${ONE}${TWO}0101000000${TWO}${THREE}`,
  lines: `010500000001000000010200000001000000${ONE}${TWO}`,
  polygons: `01060000000100000001030000000100000001000000${ONE}${TWO}`,
  collection: `0107000020e6100000020000000101000000${ONE}${TWO}010200000001000000${TWO}${THREE}`,
  'big end in little': '010400000001000000000000000' + '13ff00000000000004000000000000000',
  'big end': '00000000013ff00000000000004000000000000000',
  'more behind': `0101000000${ONE}${TWO}ffff`,
  'cut off': `0101000000${ONE}`,
  'no such kind': `0111000000${ONE}${TWO}`,
};
const shaped = eventOf(GEOMETRIES);
const shapes: Record<string, CaseRecord> = { tombstone, untyped, truncate: shaped('t', null, null) };
for (const [name, hex] of Object.entries(SHAPES)) {
  for (const srid of [4326, 27700, null]) {
    const g = { wkb: base64(hex), srid };
    const row = { id: null, g, list: null, map: null, nested: null, point: null };
    shapes[`${name} ${srid}`] = shaped('c', null, row);
  }
}
const everywhere = { wkb: base64(SHAPES['point']!), srid: 4326 };
shapes['everywhere'] = shaped('u', null, {
  id: null,
  g: null,
  list: [everywhere, null],
  map: { a: everywhere },
  nested: { g: everywhere },
  point: { x: 1, y: 2, ...everywhere },
});
for (const config of [{}, { format: 'ewkb' }, { format: ' EWKB ' }, { format: 'other' }] as Record<
  string,
  string
>[])
  debezium('GeometryFormatTransformer', config, shapes);
for (const config of [{}, { srids: '27700' }, { srids: '1,4326' }, { srids: 'x' }] as Record<
  string,
  string
>[])
  debezium('SwapGeometryCoordinates', config, shapes);

const vector = (name: string, items: Schema, more: Schema = {}): Schema =>
  of('array', { items, name: `io.debezium.data.${name}`, version: 1, ...more });
const vectors = eventOf({
  id: int32({ optional: true, default: 3 }),
  floats: vector('FloatVector', of('float', { optional: false })),
  doubles: vector('DoubleVector', of('double', { optional: true }), { optional: false }),
  sparse: struct(
    'io.debezium.data.SparseDoubleVector',
    {
      dimensions: of('int16', { optional: false }),
      vector: of('map', {
        keys: of('int16', { optional: false }),
        values: of('double', { optional: false }),
        optional: false,
      }),
    },
    { version: 1, optional: true, doc: 'Sparse double vector' },
  ),
});
const sparse = {
  dimensions: 25,
  vector: [
    [11, 1.5],
    [2, 1e10],
    [1, 0.1],
  ],
} as Json;
debezium(
  'VectorToJsonConverter',
  {},
  {
    create: vectors('c', null, {
      id: null,
      floats: [1.1, 2, 3.4028235e38, 1e-3],
      doubles: [1.1, 2, 1e21, null],
      sparse,
    }),
    update: vectors(
      'u',
      { id: 1, floats: [], doubles: [], sparse: null },
      { id: 1, floats: null, doubles: [-0.5], sparse },
    ),
    row: whole(
      struct('srv.inv.v.Value', {
        v: vector('DoubleVector', of('double', { optional: false })),
        n: struct('n', { v: vector('FloatVector', of('float')) }),
      }),
      { v: [1, 2], n: { v: [0.1] } },
    ),
    truncate: vectors('t', null, null),
    tombstone,
    untyped,
    other: plain,
  },
);

export const CASES: readonly Case[] = cases;
