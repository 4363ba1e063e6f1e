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

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Schema = { readonly [name: string]: Json };

export const KAFKA = 'org.apache.kafka.connect.transforms.';
export const DEBEZIUM = 'io.debezium.transforms.';

export const int32 = (more: Schema = {}): Schema => ({ type: 'int32', optional: false, ...more });
export const int64 = (more: Schema = {}): Schema => ({ type: 'int64', optional: false, ...more });
export const string = (more: Schema = {}): Schema => ({ type: 'string', optional: true, ...more });
export const of = (type: string, more: Schema = {}): Schema => ({ type, optional: true, ...more });
export const struct = (
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
export const text = (schema: Schema | null, payload: Json): string => JSON.stringify({ schema, payload });

export const TIMESTAMP = int64({
  optional: true,
  name: 'org.apache.kafka.connect.data.Timestamp',
  version: 1,
});
export const DATE = int32({ optional: true, name: 'org.apache.kafka.connect.data.Date', version: 1 });
export const TIME = int32({ optional: true, name: 'org.apache.kafka.connect.data.Time', version: 1 });
export const DECIMAL = of('bytes', {
  name: 'org.apache.kafka.connect.data.Decimal',
  version: 1,
  parameters: { scale: '2' },
});

export const FLAT = struct(
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
export const FLAT_VALUE = {
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
export const NESTED = struct('db.Nested', {
  id: int32(),
  inner: struct(
    'db.Inner',
    { a: string({ default: 'x' }), deep: struct('db.Deep', { b: int32() }, { optional: true }) },
    { optional: true },
  ),
  none: struct(null, { c: string({ optional: false }), d: int32({ default: 4 }) }, { optional: true }),
  'dotted.name': string(),
});
export const NESTED_VALUE = { id: 1, inner: { a: null, deep: { b: 2 } }, none: null, 'dotted.name': 'dot' };
export const MAP = { id: 1, name: 'n', real: 1.5, nothing: null, inner: { a: 'x', b: { c: true } } };

export const KEY = struct('db.Key', { id: int64() });
export const plain: CaseRecord = {
  topic: 'srv.inv.orders',
  partition: null,
  key: text(KEY, { id: 1 }),
  value: text(FLAT, FLAT_VALUE),
  timestamp: 1709210096789,
  headers: [['h1', text(string({ optional: false }), 'one')]],
};
export const nested = { ...plain, value: text(NESTED, NESTED_VALUE) };
export const untyped = { ...plain, key: text(null, { id: 5 }), value: text(null, MAP) };
export const tombstone = { ...plain, value: null };
export const nothing = { ...plain, value: text(FLAT, null) };
export const whole = (schema: Schema, payload: Json): CaseRecord => ({
  ...plain,
  value: text(schema, payload),
});
export const usual = { plain, untyped, tombstone, nothing };
export const keeps = { 'replace.null.with.default': 'false' };

type Config = Readonly<Record<string, string>>;
type Records = Readonly<Record<string, CaseRecord>>;

/** Gathers the cases of one family: each transform with each configuration on each of some records. */
export function caseList() {
  const cases: Case[] = [];
  const add = (type: string, config: Config, records: Records): void => {
    for (const [name, record] of Object.entries(records))
      cases.push({ name: `${type} ${JSON.stringify(config)} on ${name}`, steps: [{ type, config }], record });
  };
  return {
    cases,
    add,
    kafka: (type: string, config: Config, records: Records) => add(KAFKA + type, config, records),
    debezium: (type: string, config: Config, records: Records) => add(DEBEZIUM + type, config, records),
  };
}
