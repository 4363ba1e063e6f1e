import {
  type CaseRecord,
  DECIMAL,
  int32,
  int64,
  type Json,
  of,
  plain,
  type Schema,
  string,
  struct,
  text,
} from './record.ts';

export const ROW = struct(
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
export const SOURCE = struct('io.debezium.connector.postgresql.Source', {
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
export const TRANSACTION = struct(
  'event.block',
  { id: string({ optional: false }), total_order: int64(), data_collection_order: int64() },
  { optional: true, version: 1 },
);
export const ENVELOPE = struct(
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
export const OLD = {
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
export const NEW = {
  ...OLD,
  name: null,
  total: 'AMg=',
  at: 1720000000000000,
  tz: '2024-07-03T10:26:40Z',
  topic: 'new-topic',
  tags: ['b'],
};
export const block = {
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
export const transaction = { id: '5:99', total_order: 1, data_collection_order: 1 };
export const event = (op: string, before: Json, after: Json, more: Schema = {}): CaseRecord => ({
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
export const dropList = ['drop', text(of('array', { items: string() }), ['name', 'id'])] as const;
export const events = {
  read: event('r', null, NEW),
  create: event('c', null, NEW, { transaction }),
  update: event('u', OLD, NEW),
  delete: event('d', OLD, null),
  truncate: event('t', null, null),
  tombstone: { ...event('d', OLD, null), value: null },
  other: plain,
};
export const withHeader = Object.fromEntries(
  Object.entries(events).map(([name, record]) => [
    name,
    { ...record, headers: [...record.headers, dropList] },
  ]),
);
export const columnOf = (
  name: string,
  type: string,
  more: Readonly<Record<string, string>> = {},
): Schema => ({
  parameters: {
    '__debezium.source.column.name': name,
    '__debezium.source.column.type': type,
    ...Object.fromEntries(
      Object.entries(more).map(([key, value]) => [`__debezium.source.column.${key}`, value]),
    ),
  },
});
/** An envelope of rows with these fields; images that hold `row`. */
export const eventOf = (fields: Readonly<Record<string, Schema>>, more: Schema = {}) => {
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
