import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { type CodecOptions, columnType } from '../../../../src/capture/postgres/codecs/index.ts';
import { printValue } from '../../../../src/capture/postgres/codecs/print.ts';
import { loadTypes, type TypeCatalog } from '../../../../src/capture/postgres/types.ts';
import { testDatabase } from '../../../services/postgres.ts';
import { copyCells } from '../copy-cell.ts';

/**
 * Every codec against a real server: what the binary form gives, printed, must be what the server prints as text.
 * One row per type: type, then values as SQL literals.
 */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['bool', ['true', 'false']],
  ['int2', ['-32768', '32767', '0', '-1']],
  ['int4', ['-2147483648', '2147483647', '0', '-1', '65536']],
  ['int8', ['-9223372036854775808', '9223372036854775807', '-1', '4294967296', '-4294967297', '0']],
  ['oid', ['0', '4294967295', '2147483648']],
  ['xid', ['0', '4294967295']],
  ['xid8', ['18446744073709551', '0']],
  [
    'float4',
    [
      '0',
      '-0',
      '1.5',
      '3.4028235e38',
      '1e-45',
      'NaN',
      'Infinity',
      '-Infinity',
      '0.1',
      '1e6',
      '123456.7',
      '1e-5',
    ],
  ],
  [
    'float8',
    [
      '0',
      '-0',
      '0.1',
      '1.7976931348623157e308',
      '5e-324',
      'NaN',
      'Infinity',
      '-Infinity',
      '1e15',
      '1e14',
      '1e-5',
      '0.0001',
      '123456789012345680',
      '1e22',
    ],
  ],
  [
    'numeric',
    [
      '0',
      '0.00',
      '-0.0',
      '1.0',
      '1.00',
      '-1',
      '9999',
      '10000',
      '0.0001',
      '0.00001',
      '123.4500',
      '1e20',
      '1e-20',
      '9007199254740991',
      '9007199254740992',
      '-9007199254740993',
      '90071992547409.91',
      '12345678901234567890.123',
      '0.1234567890123456789',
      '100000000000000000000000000',
      'NaN',
      'Infinity',
      '-Infinity',
      '99999999999999.99',
      '1e131071',
      '1e-16383',
      '1000000000000',
      '0.000000000000000',
      '5000.00000000',
    ],
  ],
  ['numeric(10,2)', ['12345678.91', '-0.01', '0', 'NaN']],
  ['numeric(38,10)', ['1234567890123456789012345678.0123456789']],
  ['numeric(5,-2)', ['1234500', '-99999']],
  ['numeric(2,5)', ['0.00012']],
  ['char(5)', ["'ab'", "''", "'héé'"]],
  ['varchar(10)', ["'ab  '", "''", "'€😀'"]],
  ['text', ["''", "'a'", "'multi\nline'", "repeat('x', 100000)"]],
  ['name', ["'abc'"]],
  ['"char"', ["'a'", "''"]],
  ['citext', ["'MiXed'"]],
  ['bytea', ["'\\x'", "'\\x00ff'", "'abc'"]],
  [
    'date',
    [
      '2000-01-01',
      '1970-01-01',
      '0001-01-01',
      '0044-03-15 BC',
      '4713-11-24 BC',
      '5874897-12-31',
      'infinity',
      '-infinity',
      '2024-02-29',
      '1900-03-01',
    ],
  ],
  ['time', ['00:00', '23:59:59.999999', '24:00:00', '12:34:56.5']],
  ['time(3)', ['12:34:56.789']],
  ['timetz', ['00:00+00', '24:00:00-15:59', '12:34:56.789+05:30', '01:02:03-00:00:01', '01:02:03+15:59:59']],
  [
    'timestamp',
    [
      '2000-01-01',
      '1970-01-01',
      '1969-12-31 23:59:59.999999',
      '4713-11-24 00:00:00 BC',
      '294276-12-31 23:59:59.999999',
      '294247-01-10 04:00:54.775807',
      'infinity',
      '-infinity',
      '0001-01-01',
      '2024-02-29 12:34:56.789',
      '2000-01-01 00:55:50',
    ],
  ],
  [
    'timestamptz',
    [
      '2000-01-01+00',
      '1883-11-18 12:00-05',
      '4713-11-24 00:00:00+00 BC',
      '294276-12-31 23:59:59.999999+00',
      'infinity',
      '-infinity',
      '2024-02-29 12:34:56.789012+05:30',
    ],
  ],
  [
    'interval',
    [
      '0',
      '1 year 2 mons 3 days 04:05:06.78',
      '-1 year',
      '1 mon -1 day',
      '-00:00:01',
      '178000000 years',
      '-1 mon +2 days -3:00:00.000001',
      'infinity',
      '-infinity',
      '1 day',
      '2 mons -1 day 1:00',
    ],
  ],
  ['json', [`'{"a": [1,  2.50]}'`, "'null'"]],
  ['jsonb', [`'{"b": [1, 2.50], "a": null}'`, '\'"x"\'', "'1e400'"]],
  ['jsonpath', ["'$.a[*]'"]],
  [
    'xml',
    [
      "'<a>x</a>'",
      `'<?xml version="1.0" encoding="UTF-8"?><a/>'`,
      `'<?xml version="1.0" standalone="yes"?><a/>'`,
    ],
  ],
  ['uuid', ["'00112233-4455-6677-8899-aabbccddeeff'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]],
  ['mood', ["'sad'", "'very happy'", "'it''s'"]],
  [
    'inet',
    [
      "'1.2.3.4'",
      "'1.2.3.4/24'",
      "'0.0.0.0/0'",
      "'::1'",
      "'::'",
      "'fe80::1/64'",
      "'::ffff:1.2.3.4'",
      "'::1.2.3.4'",
      "'1:0:0:2:0:0:0:3'",
      "'1:2:3:4:5:6:7:8'",
      "'1::'",
      "'1:0:2:3:4:5:6:7'",
      "'::2:3'",
      "'0:0:0:0:0:0:2:0'",
      "'1:0:0:2:0:0:3:4'",
    ],
  ],
  ['cidr', ["'10.0.0.0/8'", "'1.2.3.4/32'", "'2001:db8::/32'", "'::1/128'"]],
  ['macaddr', ["'08:00:2b:01:02:03'"]],
  ['macaddr8', ["'08:00:2b:01:02:03:04:05'"]],
  ['int4range', ["'[1,5)'", "'empty'", "'(,)'", "'[,7]'", "'(3,)'"]],
  ['int8range', ["'[1,9223372036854775806]'"]],
  ['numrange', ["'[1.0,2.50]'", "'(NaN,)'", "'[1,Infinity]'"]],
  ['daterange', ["'[2020-01-01,infinity)'", "'[0044-03-15 BC,)'"]],
  ['tsrange', [`'["2020-01-01 00:00","infinity"]'`, `'[2020-01-01 01:02:03.5,2021-01-01)'`]],
  ['tstzrange', [`'["2020-01-01 00:00+02","2020-06-01 12:00:00.25-05")'`]],
  ['textrange', [`'["a","b\\"c"]'`, `'[a b,"x,y")'`, `'["",z]'`]],
  ['floatrange', ["'[1.5,1e30)'"]],
  ['int4multirange', ["'{}'", "'{[1,3),[5,9)}'"]],
  ['tstzmultirange', [`'{["2020-01-01 00:00+02","2020-06-01 12:00-05")}'`]],
  ['tsvector', ["'a:1 b:2A,3B c'", "'''it''''s'':1 ''back\\\\slash'''", "''"]],
  [
    'tsquery',
    [
      "'a & b'",
      "'!(a | b) & c'",
      "'a <-> (b <-> c)'",
      "'(a <-> b) <-> c'",
      "'a <3> b:*AB'",
      "'!!a'",
      "'(a & b) <-> c'",
      "''",
      "'a | b & c'",
      "'!(a <-> b)'",
    ],
  ],
  ['line', ["'{1,-2,3.5}'"]],
  ['lseg', ["'[(1,2),(3,4.25)]'"]],
  ['box', ["'(3,4),(1,2)'"]],
  ['path', ["'[(1,2),(3,4)]'", "'((1,2),(3,4))'"]],
  ['polygon', ["'((1,2),(3,4),(5,6))'"]],
  ['circle', ["'<(1,2),3.5>'"]],
  ['bit(3)', ["B'101'"]],
  ['bit(9)', ["B'101010101'"]],
  ['varbit', ["B''", "B'1'", "B'1010101011'"]],
  ['pg_lsn', ["'16/B374D848'", "'0/0'", "'FFFFFFFF/FFFFFFFF'"]],
  ['tid', ["'(4294967295,65535)'"]],
  ['ltree', ["'Top.Science'", "''"]],
  ['positive', ['7']],
  ['short_text', ["'abc'"]],
  ['int4[]', ["'{}'", "'{1,NULL,-3}'", "'{NULL}'"]],
  ['text[]', [`'{"a","","with \\"quote","NULL",NULL,"x,y","{b}"}'`]],
  ['numeric(10,2)[]', ["'{1.5,NULL,NaN}'"]],
  ['timestamptz[]', ["'{2020-01-01 00:00+02,infinity}'"]],
  ['date[]', ["'{2020-01-01,-infinity}'"]],
  ['uuid[]', ["'{00112233-4455-6677-8899-aabbccddeeff}'"]],
  ['mood[]', ["'{sad,NULL}'"]],
  ['bytea[]', [`'{"\\\\x00ff"}'`]],
  ['float8[]', ["'{1.5,NaN}'"]],
  ['interval[]', ["'{1 day,01:00}'"]],
  ['positive[]', ["'{1,2}'"]],
  ['int2vector', ["'1 2'"]],
  ['pair', [`'(1,"a b")'`, "'(,)'", `'(1,"q""x")'`]],
  ['aclitem', ["'postgres=r/postgres'"]],
];

const OPTIONS: CodecOptions = {
  hstoreHandlingMode: 'json',
  moneyFractionDigits: 2,
  includeUnknownDatatypes: true,
};

let client: Client;
let types: TypeCatalog;

before(async () => {
  const database = await testDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(`create schema codecs; set search_path = codecs, public;
    set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 1;
    create extension if not exists citext; create extension if not exists hstore; create extension if not exists ltree;
    create type mood as enum ('sad', 'very happy', 'it''s');
    create type textrange as range (subtype = text);
    create type floatrange as range (subtype = float8);
    create domain positive as int check (value > 0); create domain short_text as varchar(5);
    create type pair as (n int, t text);`);
  types = await loadTypes(client);
});

after(async () => {
  await client?.end();
});

for (const [type, values] of CASES) {
  test(`L-10 ${type} reads from the binary form as the server prints it`, async () => {
    for (const value of values) {
      const literal = value.includes("'") || value.includes('(') ? value : `'${value}'`;
      const sql = `select (${literal})::${type}`;
      if (type === 'interval' && value.includes('infinity') && (await majorVersion()) < 17) continue;
      const expected = await serverText(`select format('%s', (${sql}))`);
      const { cell, oid, typmod } = await binaryCell(sql);
      await types.load([oid]);
      const column = columnType(oid, typmod, (o) => types.get(o), OPTIONS);
      assert.ok(column, `${type} has a codec`);
      const kind = column.type.kind === 'list' ? column.type.element.kind : column.type.kind;
      const printed = printValue({ codec: column.codec, kind }, cell, 0, cell.length);
      assert.equal(asPrinted(type, printed), asPrinted(type, expected), `${type} ${value}`);
    }
  });
}

/** Where the two texts differ in form alone. */
function asPrinted(type: string, text: string): string {
  if (type === 'bool') return text[0];
  if (type === 'xml') return text;
  if (type === 'int2vector') return text.replace(/[{}]/g, '').replaceAll(',', ' ');
  return text;
}

test('L-10 hstore is a JSON object of strings, or a map', async () => {
  const sql = `select 'a=>1, "b c"=>NULL, "q\\"x"=>"é"'::hstore`;
  const { cell, oid } = await binaryCell(sql);
  await types.load([oid]);
  const json = columnType(oid, -1, (o) => types.get(o), OPTIONS)!;
  assert.equal(json.type.kind, 'json');
  const printed = printValue({ codec: json.codec, kind: 'json' }, cell, 0, cell.length);
  assert.deepEqual(JSON.parse(printed), { a: '1', 'b c': null, 'q"x': 'é' });
  const map = columnType(oid, -1, (o) => types.get(o), { ...OPTIONS, hstoreHandlingMode: 'map' })!;
  assert.deepEqual(map.type, { kind: 'map', value: { kind: 'string', length: null } });
  assert.equal(
    printValue({ codec: map.codec, kind: 'map' }, cell, 0, cell.length),
    '{a,1,"b c",NULL,"q\\"x",é}',
  );
});

test('L-10 money is a decimal in the smallest unit', async () => {
  for (const value of ['12.34', '-0.01', '92233720368547758.07', '-92233720368547758.08', '0']) {
    const { cell, oid } = await binaryCell(`select '${value}'::money`);
    await types.load([oid]);
    const column = columnType(oid, -1, (o) => types.get(o), OPTIONS)!;
    assert.deepEqual(column.type, { kind: 'decimal', precision: 19, scale: 2 });
    assert.equal(
      printValue({ codec: column.codec, kind: 'decimal' }, cell, 0, cell.length),
      Number(value) === 0 ? '0.00' : value,
    );
  }
});

test('L-10 a point is a struct, bit(1) a boolean, an array of two dimensions a list of nulls', async () => {
  assert.equal(await printedOf("select '(1.5,-2)'::point"), '{1.5,-2}');
  assert.equal(await printedOf("select B'1'::bit(1)", 1), 't');
  assert.equal(await printedOf("select '{{1,2},{3,4}}'::int[]"), '{NULL,NULL}');
});

test('L-10 lengths, precisions and scales come from the type modifier, through domains and arrays', async () => {
  const typeOf = async (sql: string) => {
    const { oid, typmod } = await binaryCell(`select null::${sql}`);
    await types.load([oid]);
    return columnType(oid, typmod, (o) => types.get(o), OPTIONS)!.type;
  };
  assert.deepEqual(await typeOf('numeric(12,3)'), { kind: 'decimal', precision: 12, scale: 3 });
  assert.deepEqual(await typeOf('numeric'), { kind: 'decimal', precision: null, scale: null });
  assert.deepEqual(await typeOf('numeric(5,-2)'), { kind: 'decimal', precision: 7, scale: 0 });
  assert.deepEqual(await typeOf('numeric(2,5)'), { kind: 'decimal', precision: 5, scale: 5 });
  assert.deepEqual(await typeOf('varchar(9)[]'), { kind: 'list', element: { kind: 'string', length: 9 } });
  assert.deepEqual(await typeOf('short_text'), { kind: 'string', length: 5 });
  assert.deepEqual(await typeOf('timestamp(3)'), { kind: 'timestamp', precision: 3 });
  assert.deepEqual(await typeOf('time'), { kind: 'time', precision: 6 });
  assert.deepEqual(await typeOf('bit(7)'), { kind: 'bits', length: 7 });
});

test('a composite is left out unless unknown types are asked for', async () => {
  const { oid } = await binaryCell('select null::pair');
  await types.load([oid]);
  assert.equal(
    columnType(oid, -1, (o) => types.get(o), { ...OPTIONS, includeUnknownDatatypes: false }),
    null,
  );
});

async function printedOf(sql: string, typmod = -1): Promise<string> {
  const { cell, oid } = await binaryCell(sql);
  await types.load([oid]);
  const column = columnType(oid, typmod, (o) => types.get(o), OPTIONS)!;
  return printValue({ codec: column.codec, kind: column.type.kind }, cell, 0, cell.length);
}

async function serverText(sql: string): Promise<string> {
  const result = await client.query<[string]>({ text: sql, rowMode: 'array' });
  return result.rows[0][0];
}

/** The one value of a query in its send form, or as text for a type without one. */
async function binaryCell(sql: string): Promise<{ cell: Buffer; oid: number; typmod: number }> {
  await client.query(`drop table if exists described; create temp table described as ${sql} as v`);
  const { rows } = await client.query<{ oid: string; typmod: number }>(
    "select atttypid::int8 as oid, atttypmod as typmod from pg_attribute where attrelid = 'described'::regclass and attnum = 1",
  );
  const oid = Number(rows[0].oid);
  await types.load([oid]);
  const query = types.get(oid)!.send === '' ? 'select v::text from described' : 'select v from described';
  const [[cell]] = await copyCells(client, query, 1);
  return { cell: cell ?? Buffer.alloc(0), oid, typmod: rows[0].typmod };
}

async function majorVersion(): Promise<number> {
  return Math.floor(Number(await serverText('show server_version_num')) / 10000);
}
