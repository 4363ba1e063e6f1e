import {
  type Case,
  type CaseRecord,
  caseList,
  int32,
  int64,
  type Json,
  plain,
  type Schema,
  string,
  struct,
  text,
} from './record.ts';

const { cases, debezium } = caseList();

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

export const OUTBOX_CASES: readonly Case[] = cases;
