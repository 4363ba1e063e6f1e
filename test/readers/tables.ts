/** One table of the source, what happens to it in commits of their own, and what is asked of its lake table. */
export interface SourceTable {
  readonly name: string;
  /** What it shows, as docs/readers.md names it. */
  readonly shows: string;
  /** Makes the table with its first rows, which come by the snapshot. */
  readonly create: string;
  /** Each is one transaction and one commit. */
  readonly steps?: readonly string[];
  readonly partitionBy?: string;
  /** The partition fields that somebody else sets between the second and the third step; empty: none any more. */
  readonly repartition?: readonly { readonly column: string; readonly transform: string }[];
  /** WHERE clauses that all engines and PostgreSQL understand alike. */
  readonly filters?: readonly string[];
  /** A table of schema `expected` that holds what the lake must hold, where that is not the table itself. */
  readonly expected?: string;
  /** Lake columns that are not compared. */
  readonly omit?: readonly string[];
  /** No key: rows are appended, there are no equality deletes. */
  readonly appendOnly?: boolean;
}

const PARTITION_STEPS = (t: string) => [
  `UPDATE ${t} SET v = 'stays' WHERE id = 1; UPDATE ${t} SET region = 'south', v = 'moved' WHERE id = 2; DELETE FROM ${t} WHERE id = 3;
   INSERT INTO ${t} VALUES (7, 'west', 'new partition')`,
  `UPDATE ${t} SET region = 'north', v = 'moved back' WHERE id = 2; UPDATE ${t} SET id = 40 WHERE id = 4; INSERT INTO ${t} VALUES (3, 'south', 'again')`,
  `UPDATE ${t} SET v = 'late' WHERE id IN (1, 5); DELETE FROM ${t} WHERE id = 6; INSERT INTO ${t} VALUES (8, 'north', 'under the new spec')`,
  `UPDATE ${t} SET v = 'last' WHERE id IN (5, 8); UPDATE ${t} SET region = 'east' WHERE id = 7; DELETE FROM ${t} WHERE id = 40`,
  `UPDATE ${t} SET v = 'very last' WHERE id IN (1, 5, 7); DELETE FROM ${t} WHERE id = 8; INSERT INTO ${t} VALUES (9, 'west', 'i')`,
];
const REGIONS = (t: string) =>
  `INSERT INTO ${t} VALUES (1, 'north', 'a'), (2, 'north', 'b'), (3, 'north', 'c'), (4, 'south', 'd'), (5, 'south', 'e'), (6, 'east', 'f')`;
const REGION_FILTERS = ["region = 'north'", 'id = 2', "region = 'south' AND id > 2", "v = 'moved'"];

function byRegion(name: string, shows: string, more: Partial<SourceTable> = {}): SourceTable {
  return {
    name,
    shows,
    create: `CREATE TABLE ${name} (id int PRIMARY KEY, region text NOT NULL, v text); ${REGIONS(name)}`,
    partitionBy: 'region',
    steps: PARTITION_STEPS(name),
    filters: REGION_FILTERS,
    ...more,
  };
}

function keyedBy(name: string, type: string, keys: readonly [string, string, string, string]): SourceTable {
  const [a, b, c, d] = keys;
  return {
    name,
    shows: `key of type ${type}`,
    create: `CREATE TABLE ${name} (k ${type} PRIMARY KEY, v text); INSERT INTO ${name} VALUES (${a}, 'a'), (${b}, 'b'), (${c}, 'c')`,
    steps: [
      `UPDATE ${name} SET v = 'changed' WHERE k = ${a}; DELETE FROM ${name} WHERE k = ${b}`,
      `UPDATE ${name} SET k = ${d}, v = 'key changed' WHERE k = ${c}; INSERT INTO ${name} VALUES (${b}, 'again')`,
    ],
  };
}

const UPSERTED: readonly SourceTable[] = [
  {
    name: 'upserted',
    shows: 'inserts, updates, deletes and key changes in several commits',
    create: `CREATE TABLE upserted (id int PRIMARY KEY, v text, n bigint);
      INSERT INTO upserted SELECT i, 'row ' || i, i * 1000000007::bigint FROM generate_series(1, 500) i`,
    steps: [
      `UPDATE upserted SET v = 'one' WHERE id % 3 = 0; DELETE FROM upserted WHERE id % 7 = 0`,
      `UPDATE upserted SET id = -id WHERE id % 5 = 0; INSERT INTO upserted VALUES (7, 'again', NULL)`,
      `UPDATE upserted SET v = v || '!' WHERE id < 0; INSERT INTO upserted SELECT i, NULL, i FROM generate_series(1001, 1100) i`,
      'DELETE FROM upserted WHERE id > 1050; UPDATE upserted SET id = id + 5000 WHERE id BETWEEN 1001 AND 1010',
    ],
    filters: ['id < 0', 'id BETWEEN 1 AND 30', "v = 'one'", 'v IS NULL', 'n > 400000000000'],
  },
  keyedBy('key_uuid', 'uuid', [
    "'00000000-0000-0000-0000-000000000000'",
    "'7fffffff-0000-4000-8000-000000000001'",
    "'80000000-0000-4000-8000-000000000001'",
    "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
  ]),
  {
    name: 'key_uuid_random',
    shows: 'random keys of type uuid',
    create: `CREATE TABLE key_uuid_random (k uuid PRIMARY KEY, n int); INSERT INTO key_uuid_random SELECT md5(i::text)::uuid, i FROM generate_series(1, 300) i`,
    steps: [
      'UPDATE key_uuid_random SET n = -n WHERE n % 3 = 0',
      'DELETE FROM key_uuid_random WHERE n % 5 = 0',
      'UPDATE key_uuid_random SET n = n + 1000 WHERE n < 0',
    ],
    filters: ['n < 100'],
  },
  keyedBy('key_text', 'text', [
    "''",
    "'ä' || repeat('x', 40) || '1'",
    "'ä' || repeat('x', 40) || '2'",
    "U&'\\+01F600'",
  ]),
  keyedBy('key_numeric', 'numeric(30, 4)', [
    '-0.0001',
    '1.50',
    '12345678901234567890123456.7891',
    '12345678901234567890123456.7892',
  ]),
  keyedBy('key_timestamptz', 'timestamptz', [
    "'1969-12-31 23:59:59.999999+00'",
    "'2024-03-31 01:30:00+01'",
    "'2024-03-31 03:30:00.000001+02'",
    "'2038-01-19 03:14:08+00'",
  ]),
  keyedBy('key_date', 'date', ["'1969-12-31'", "'2000-02-29'", "'1900-01-01'", "'2299-12-31'"]),
  keyedBy('key_bytea', 'bytea', ["''", "'\\x00'", "'\\xff00'", "'\\x80'"]),
  {
    name: 'key_composite',
    shows: 'key of text, decimal and timestamp together',
    create: `CREATE TABLE key_composite (a text, b numeric(18, 4), c timestamp, v text, PRIMARY KEY (a, b, c));
      INSERT INTO key_composite VALUES ('x', 1.5, '2024-01-01', 'a'), ('x', 1.5001, '2024-01-01', 'b'), ('x', 1.5, '2024-01-01 00:00:00.000001', 'c'), ('y', 1.5, '2024-01-01', 'd')`,
    steps: [
      `UPDATE key_composite SET v = 'changed' WHERE b = 1.5001; DELETE FROM key_composite WHERE a = 'y'`,
      `UPDATE key_composite SET a = 'z' WHERE c > '2024-01-01'; INSERT INTO key_composite VALUES ('y', 1.50, '2024-01-01', 'again')`,
    ],
  },
];

const TYPES: readonly SourceTable[] = [
  {
    name: 'types',
    shows: 'every scalar type but time, with nulls and extremes',
    create: `CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
      CREATE TABLE types (id int PRIMARY KEY, b boolean, i2 smallint, i4 int, i8 bigint, o oid, f4 real, f8 double precision,
        n numeric(10, 2), n38 numeric(38, 10), n9 numeric(9, 4), nn numeric(5, -2), nt numeric, c char(5), vc varchar(10), t text,
        by bytea, d date, ts timestamp, ts0 timestamp(0), tz timestamptz, u uuid, j json, jb jsonb, e mood, ip inet, mac macaddr,
        r int4range, bits bit(8), bit1 bit(1), q tsvector);
      INSERT INTO types (id) VALUES (1);
      INSERT INTO types VALUES (2, true, 1, 2, 3, 4, 1.5, 2.25, 3.10, 4.5, 5.0001, 600, 7.00, 'ab', 'cd', 'ef', '\\x0102', '2024-02-29',
        '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56', '2024-02-29 12:34:56.123456+05:30', '12345678-1234-4234-9234-123456789abc', '{"a": 1}', '{"b": [1, null]}',
        'ok', '10.0.0.1/8', '08:00:2b:01:02:03', '[1,5)', '10100101', '1', 'a b');
      INSERT INTO types VALUES (3, false, -32768, -2147483648, -9223372036854775808, 0, '-Infinity', '-Infinity', -99999999.99, -9999999999999999999999999999.9999999999,
        -99999.9999, -9999900, -123456789012345678901234567890123456789012345.678, '', '', '', '', '1900-01-01', '1900-01-01 00:00:00', '1900-01-01', '1900-01-01 00:00:00+00',
        '00000000-0000-0000-0000-000000000000', '[]', '{}', 'sad', '::', '00:00:00:00:00:00', 'empty', '00000000', '0', '');
      INSERT INTO types VALUES (4, true, 32767, 2147483647, 9223372036854775807, 4294967295, 'Infinity', 'Infinity', 99999999.99, 9999999999999999999999999999.9999999999,
        99999.9999, 9999900, 0.000000000000000000000000000000000000000000000001, 'abcde', U&'\\00e4\\20ac\\+01F6001234567', repeat(U&'\\+10FFFF', 2000), decode(repeat('ff', 3000), 'hex'), '2261-12-31',
        '2261-12-31 23:59:59.999999', '2261-12-31 23:59:59', '2261-12-31 23:59:59.999999+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '"x"', '"\\u00e4"', 'happy',
        'ffff::1/64', 'ff:ff:ff:ff:ff:ff', '(,)', '11111111', '1', '''x y'':1A');
      INSERT INTO types (id, f4, f8, n, n38) VALUES (5, 'NaN', 'NaN', 0, 0), (6, -0.0, 5e-324, 0.01, 0.0000000001), (7, 1e-45, -1.7976931348623157e308, -0.01, -0.0000000001), (8, 3.4028235e38, 0.1, 1, 1)`,
    steps: [
      "UPDATE types SET t = 'changed' WHERE id IN (2, 4); DELETE FROM types WHERE id = 8; INSERT INTO types (id, d, ts, tz) VALUES (9, '1970-01-01', '1970-01-01', '1969-12-31 23:59:59.999999+00')",
      'UPDATE types SET id = 30 WHERE id = 3; UPDATE types SET f8 = 1 WHERE id = 1',
    ],
    filters: [
      'i8 = 9223372036854775807',
      "t = 'changed'",
      'n < 0',
      "d >= DATE '1970-01-01'",
      'b IS NULL',
      'n38 > 1',
      "vc = ''",
    ],
  },
  {
    name: 'far_times',
    shows: 'dates and timestamps at the ends of what PostgreSQL holds',
    create: `CREATE TABLE far_times (id int PRIMARY KEY, d date, ts timestamp, tz timestamptz);
      INSERT INTO far_times VALUES (1, '4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC'), (2, '5874897-12-31', '294246-12-31 23:59:59.999999', '294246-12-31 23:59:59.999999+00'),
        (3, '0001-01-01', '0001-01-01', '0001-01-01 00:00:00+00'), (4, '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00'), (5, '1582-10-10', '1582-10-10', '1582-10-10 00:00:00+00'),
        (6, 'infinity', '-infinity', 'infinity')`,
    steps: ['UPDATE far_times SET id = 10 WHERE id = 1; DELETE FROM far_times WHERE id = 3'],
  },
  {
    name: 'historic_times',
    shows: 'dates and timestamps of the years 1 to 9999',
    create: `CREATE TABLE historic_times (id int PRIMARY KEY, d date, ts timestamp, tz timestamptz);
      INSERT INTO historic_times VALUES (3, '0001-01-01', '0001-01-01', '0001-01-01 00:00:00+00'), (4, '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00'), (5, '1582-10-10', '1582-10-10', '1582-10-10 00:00:00+00'), (6, '1899-12-31', '1899-12-31', '1899-12-31 00:00:00+00')`,
    steps: ['UPDATE historic_times SET id = 10 WHERE id = 3'],
  },
  {
    name: 'times',
    shows: 'time',
    create: `CREATE TABLE times (id int PRIMARY KEY, t time);
      INSERT INTO times VALUES (1, '00:00'), (2, '12:34:56.123456'), (3, '23:59:59.999999'), (4, NULL)`,
    steps: ["UPDATE times SET t = '01:02:03' WHERE id = 2; DELETE FROM times WHERE id = 4"],
  },
  {
    name: 'midnight',
    shows: 'time 24:00',
    create:
      "CREATE TABLE midnight (id int PRIMARY KEY, t time); INSERT INTO midnight VALUES (1, '24:00:00'), (2, '12:00')",
    steps: ["UPDATE midnight SET t = '13:00' WHERE id = 2"],
  },
  {
    name: 'nested',
    shows: 'lists and structs, without a null list',
    create: `CREATE TABLE nested (id int PRIMARY KEY, i int[] NOT NULL, t text[] NOT NULL, n numeric(8, 2)[] NOT NULL, z timestamptz[] NOT NULL, u uuid[] NOT NULL, p point NOT NULL);
      INSERT INTO nested VALUES (1, '{1,NULL,-3}', '{"a,b",NULL,""}', '{1.50,NULL}', '{"2024-01-01 00:00:00+00",NULL}', '{12345678-1234-4234-9234-123456789abc,NULL}', '(1.5,-2)'),
        (2, '{}', '{}', '{}', '{}', '{}', '(0,0)'), (3, '{1}', '{x}', '{0.01}', '{"1970-01-01 00:00:00+00"}', '{00000000-0000-0000-0000-000000000000}', '(1e300,5e-324)')`,
    steps: [
      "UPDATE nested SET i = '{7,8}' WHERE id = 1; DELETE FROM nested WHERE id = 3",
      'INSERT INTO nested SELECT 4, i, t, n, z, u, p FROM nested WHERE id = 1',
    ],
  },
  {
    name: 'nested_null',
    shows: 'null lists, structs and maps',
    create: `CREATE TABLE nested_null (id int PRIMARY KEY, i int[], p point, h hstore);
      INSERT INTO nested_null VALUES (1, NULL, NULL, NULL), (2, '{}', '(1,2)', ''), (3, '{NULL}', '(3,4)', 'a=>1, b=>NULL')`,
    steps: ["UPDATE nested_null SET h = 'c=>3' WHERE id = 2; UPDATE nested_null SET id = 4 WHERE id = 1"],
  },
];

const PARTITIONED: readonly SourceTable[] = [
  {
    ...byRegion('part_key', 'identity, the column is in the key'),
    create: `CREATE TABLE part_key (id int, region text, v text, PRIMARY KEY (region, id)); ${REGIONS('part_key')}`,
  },
  byRegion('part_moved', 'identity, the column is not in the key; rows move between partitions'),
  {
    ...byRegion('part_null', 'identity, a partition value is NULL'),
    create: `CREATE TABLE part_null (id int PRIMARY KEY, region text, v text); ${REGIONS('part_null')}; INSERT INTO part_null VALUES (20, NULL, 'nowhere')`,
  },
  {
    ...byRegion('part_null_moves', 'identity, rows move out of and into the NULL partition'),
    create: `CREATE TABLE part_null_moves (id int PRIMARY KEY, region text, v text); ${REGIONS('part_null_moves')}; INSERT INTO part_null_moves VALUES (20, NULL, 'nowhere'), (21, NULL, 'goes'), (22, NULL, 'moves')`,
    steps: [
      'UPDATE part_null_moves SET region = NULL WHERE id = 1; DELETE FROM part_null_moves WHERE id = 21',
      "UPDATE part_null_moves SET region = 'east' WHERE id = 22; UPDATE part_null_moves SET v = 'x' WHERE region IS NULL",
    ],
    filters: ['region IS NULL', "region = 'east'"],
  },
  byRegion('part_bucket', 'bucket of the key', { partitionBy: 'bucket(id, 4)' }),
  byRegion('part_bucket_text', 'bucket of a text that is not in the key', {
    partitionBy: 'bucket(region, 3)',
  }),
  byRegion('part_truncate', 'truncate of a text that is not in the key', {
    partitionBy: 'truncate(region, 1)',
  }),
  byRegion('part_two_fields', 'two fields: identity of a text, bucket of the key', {
    partitionBy: 'region, bucket(id, 2)',
  }),
  {
    name: 'part_day',
    shows: 'day of a timestamptz that is not in the key',
    create: `CREATE TABLE part_day (id int PRIMARY KEY, at timestamptz NOT NULL, v text);
      INSERT INTO part_day VALUES (1, '1969-12-31 23:59:59.999999+00', 'a'), (2, '1970-01-01 00:00:00+00', 'b'), (3, '2024-02-29 12:00:00+00', 'c'), (4, '2024-02-29 13:00:00+00', 'd')`,
    partitionBy: 'day(at)',
    steps: [
      "UPDATE part_day SET at = '2024-03-01 00:00:00+00' WHERE id = 3; UPDATE part_day SET v = 'old' WHERE id = 1",
      "DELETE FROM part_day WHERE id = 1; INSERT INTO part_day VALUES (5, '2024-03-01 23:59:59.999999+00', 'e')",
    ],
    filters: ["v = 'e'"],
  },
  {
    name: 'part_month',
    shows: 'month of a date in the key',
    create: `CREATE TABLE part_month (id int, d date, v text, PRIMARY KEY (id, d));
      INSERT INTO part_month VALUES (1, '1969-12-31', 'a'), (1, '1970-01-01', 'b'), (2, '2024-02-29', 'c'), (3, '2024-03-01', 'd')`,
    partitionBy: 'month(d)',
    steps: [
      "UPDATE part_month SET d = '2024-03-31' WHERE id = 2; UPDATE part_month SET v = 'x' WHERE id = 1",
      "DELETE FROM part_month WHERE d = '1969-12-31'",
    ],
    filters: ["d >= DATE '2024-03-01'", "d = DATE '1970-01-01'"],
  },
  {
    name: 'part_hour',
    shows: 'hour of a timestamp, year of a date, neither in the key',
    create: `CREATE TABLE part_hour (id int PRIMARY KEY, at timestamp NOT NULL, d date NOT NULL, v text);
      INSERT INTO part_hour VALUES (1, '1969-12-31 23:59:59.999999', '1969-12-31', 'a'), (2, '2024-02-29 12:00:00', '2024-02-29', 'c'), (3, '2024-02-29 12:59:59', '2024-01-01', 'd')`,
    partitionBy: 'hour(at), year(d)',
    steps: [
      "UPDATE part_hour SET d = '1969-01-01' WHERE id = 2; DELETE FROM part_hour WHERE id = 1",
      "UPDATE part_hour SET v = 'x'",
    ],
    filters: ["d = DATE '2024-01-01'"],
  },
  {
    name: 'part_decimal',
    shows: 'identity of a decimal, truncate of an int, not in the key',
    create: `CREATE TABLE part_decimal (id int PRIMARY KEY, n numeric(10, 2) NOT NULL, i int NOT NULL, v text);
      INSERT INTO part_decimal VALUES (1, -1.5, -15, 'a'), (2, 0, 0, 'b'), (3, 12345678.9, 15, 'c')`,
    partitionBy: 'n, truncate(i, 10)',
    steps: [
      'UPDATE part_decimal SET i = 25 WHERE id = 3; DELETE FROM part_decimal WHERE id = 1',
      "UPDATE part_decimal SET v = 'x'",
    ],
    filters: ['n = 0', 'i > 10'],
  },
  {
    name: 'part_truncate_decimal',
    shows: 'truncate of a decimal that is not in the key',
    create: `CREATE TABLE part_truncate_decimal (id int PRIMARY KEY, n numeric(20, 3) NOT NULL, v text);
      INSERT INTO part_truncate_decimal VALUES (1, -15.001, 'a'), (2, 0, 'b'), (3, 99.999, 'c')`,
    partitionBy: 'truncate(n, 50)',
    steps: [
      'UPDATE part_truncate_decimal SET n = 0.001 WHERE id = 3; DELETE FROM part_truncate_decimal WHERE id = 1',
    ],
    filters: ['n > 0'],
  },
  {
    name: 'part_uuid_bucket',
    shows: 'bucket of a uuid in the key, identity of a date that is not',
    create: `CREATE TABLE part_uuid_bucket (id uuid PRIMARY KEY, d date NOT NULL, v text);
      INSERT INTO part_uuid_bucket VALUES ('12345678-1234-4234-9234-123456789abc', '2024-01-01', 'a'), ('00000000-0000-0000-0000-000000000000', '1969-12-31', 'b')`,
    partitionBy: 'bucket(id, 4), d',
    steps: ["UPDATE part_uuid_bucket SET v = 'x'", "UPDATE part_uuid_bucket SET d = '2000-01-01'"],
    filters: ["d = DATE '2000-01-01'"],
  },
  {
    name: 'part_uuid',
    shows: 'identity of a uuid that is not in the key',
    create: `CREATE TABLE part_uuid (id int PRIMARY KEY, o uuid NOT NULL, v text);
      INSERT INTO part_uuid VALUES (1, '12345678-1234-4234-9234-123456789abc', 'a'), (2, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'b'), (3, '00000000-0000-0000-0000-000000000000', 'c')`,
    partitionBy: 'o',
    steps: [
      "UPDATE part_uuid SET v = 'x' WHERE id = 1",
      "UPDATE part_uuid SET o = '12345678-1234-4234-9234-123456789abc' WHERE id = 2; DELETE FROM part_uuid WHERE id = 3",
    ],
  },
  {
    name: 'part_renamed',
    shows: 'the partition column renamed, rows of before and after in one commit',
    create: `CREATE TABLE part_renamed (id int PRIMARY KEY, region text NOT NULL, v text); ${REGIONS('part_renamed')}`,
    partitionBy: 'region',
    steps: [
      "UPDATE part_renamed SET region = 'west' WHERE id = 1; ALTER TABLE part_renamed RENAME region TO area; UPDATE part_renamed SET area = 'west' WHERE id = 4; DELETE FROM part_renamed WHERE id = 2",
      "UPDATE part_renamed SET v = 'late' WHERE id IN (1, 3); INSERT INTO part_renamed VALUES (9, 'north', 'new')",
    ],
    filters: ["area = 'west'", "area = 'north'"],
  },
  byRegion('part_evolved', 'two live specs: identity, then bucket of the key', {
    repartition: [{ column: 'id', transform: 'bucket[4]' }],
  }),
  byRegion('part_begun', 'two live specs: none, then identity', {
    partitionBy: '',
    repartition: [{ column: 'region', transform: 'identity' }],
  }),
  byRegion('part_ended', 'two live specs: identity, then none', { repartition: [] }),
];

const EVOLVED: readonly SourceTable[] = [
  {
    name: 'evolved',
    shows: 'columns added, renamed, widened, made optional, dropped and added again with another type',
    create: `CREATE TABLE evolved (id int PRIMARY KEY, old_name text, i int NOT NULL, n numeric(8, 2), f real, again text, s smallint);
      INSERT INTO evolved VALUES (1, 'a', 1, 1.5, 1.5, 'x1', 1), (2, 'b', 2, 2.5, 2.5, 'x2', 2), (3, 'c', 3, 3.5, 3.5, 'x3', 3), (4, 'd', 4, 4.5, 4.5, 'x4', 4)`,
    steps: [
      "UPDATE evolved SET old_name = 'aa' WHERE id = 1",
      `ALTER TABLE evolved ADD COLUMN added text; ALTER TABLE evolved RENAME old_name TO new_name;
       INSERT INTO evolved (id, new_name, i, added) VALUES (5, 'e', 5, 'new'); UPDATE evolved SET new_name = 'bb' WHERE id = 2; DELETE FROM evolved WHERE id = 3`,
      `ALTER TABLE evolved ALTER i TYPE bigint, ALTER n TYPE numeric(12, 2), ALTER f TYPE double precision, ALTER i DROP NOT NULL, DROP COLUMN again;
       INSERT INTO evolved (id, i, n, f) VALUES (6, 9000000000, 9999999999.99, 0.1), (7, NULL, NULL, NULL); UPDATE evolved SET added = 'y' WHERE id = 5`,
      `ALTER TABLE evolved ADD COLUMN again int; INSERT INTO evolved (id, i, again) VALUES (8, 8, 8); UPDATE evolved SET again = 4 WHERE id = 4; UPDATE evolved SET id = 50 WHERE id = 5`,
    ],
    expected: `CREATE TABLE expected.evolved (id int, new_name text, i bigint, n numeric(12, 2), f double precision, s int, added text, again int);
      INSERT INTO expected.evolved VALUES (1, 'aa', 1, 1.5, 1.5, 1, NULL, NULL), (2, 'bb', 2, 2.5, 2.5, 2, NULL, NULL), (4, 'd', 4, 4.5, 4.5, 4, NULL, 4), (50, 'e', 5, NULL, NULL, NULL, 'y', NULL),
        (6, NULL, 9000000000, 9999999999.99, 0.1, NULL, NULL, NULL), (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (8, NULL, 8, NULL, NULL, NULL, NULL, 8)`,
    filters: ["new_name = 'bb'", 'again = 4', 'i > 3', 'added IS NULL', 'n > 2'],
  },
  {
    name: 'evolved_dropped',
    shows: 'a column dropped: rows not written since keep its values',
    create:
      "CREATE TABLE evolved_dropped (id int PRIMARY KEY, gone text NOT NULL, v text); INSERT INTO evolved_dropped VALUES (1, 'g1', 'a'), (2, 'g2', 'b'), (3, 'g3', 'c')",
    steps: [
      "ALTER TABLE evolved_dropped DROP COLUMN gone; UPDATE evolved_dropped SET v = 'x' WHERE id = 2; INSERT INTO evolved_dropped VALUES (4, 'd')",
      'DELETE FROM evolved_dropped WHERE id = 3',
    ],
    expected: `CREATE TABLE expected.evolved_dropped (id int, gone text, v text);
      INSERT INTO expected.evolved_dropped VALUES (1, 'g1', 'a'), (2, NULL, 'x'), (4, NULL, 'd')`,
    filters: ['gone IS NULL', "gone = 'g1'"],
  },
  {
    name: 'evolved_key',
    shows: 'a key column widened',
    create:
      "CREATE TABLE evolved_key (id int PRIMARY KEY, v text); INSERT INTO evolved_key VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
    steps: [
      "UPDATE evolved_key SET v = 'early' WHERE id = 1",
      "ALTER TABLE evolved_key ALTER id TYPE bigint; UPDATE evolved_key SET v = 'late' WHERE id IN (1, 2); DELETE FROM evolved_key WHERE id = 3; INSERT INTO evolved_key VALUES (9000000000, 'big')",
      "UPDATE evolved_key SET id = 9000000001 WHERE id = 4; UPDATE evolved_key SET v = 'bigger' WHERE id = 9000000000",
    ],
    filters: ['id = 2', 'id > 4'],
  },
  {
    name: 'evolved_append',
    shows: 'columns added and renamed, without a key',
    appendOnly: true,
    create:
      "CREATE TABLE evolved_append (i int, a text); INSERT INTO evolved_append VALUES (1, 'a'), (2, 'b')",
    steps: [
      "ALTER TABLE evolved_append RENAME a TO b; ALTER TABLE evolved_append ADD COLUMN c date; INSERT INTO evolved_append VALUES (3, 'c', '2024-01-01')",
    ],
    omit: ['_cdc_op', '_cdc_ts', '_cdc_position'],
    filters: ["b = 'a'", 'i > 1', 'c IS NULL'],
  },
];

const WHOLE: readonly SourceTable[] = [
  {
    name: 'appended',
    shows: 'no key: every change appended, with the _cdc columns',
    appendOnly: true,
    create:
      "CREATE TABLE appended (i int, v text); ALTER TABLE appended REPLICA IDENTITY FULL; INSERT INTO appended VALUES (1, 'a'), (2, 'b'), (2, 'b')",
    steps: [
      "UPDATE appended SET v = 'c' WHERE i = 1; INSERT INTO appended VALUES (3, NULL)",
      'DELETE FROM appended WHERE i = 3',
    ],
    expected: `CREATE TABLE expected.appended (i int, v text, _cdc_op text);
      INSERT INTO expected.appended VALUES (1, 'a', 'r'), (2, 'b', 'r'), (2, 'b', 'r'), (1, 'c', 'u'), (3, NULL, 'c'), (3, NULL, 'd')`,
    omit: ['_cdc_ts', '_cdc_position'],
    filters: ["_cdc_op = 'r'", 'v IS NULL'],
  },
  {
    name: 'appended_types',
    shows: 'no key: types of Python, lists and structs, nulls and extremes',
    appendOnly: true,
    create: `CREATE TABLE appended_types (b boolean, i int, l bigint, f real, g double precision, n numeric(38, 10), t text, y bytea, d date, h time, ts timestamp, tz timestamptz, u uuid, a text[], p point);
      INSERT INTO appended_types VALUES (NULL); INSERT INTO appended_types VALUES (true, -2147483648, -9223372036854775808, 'NaN', 'Infinity', -9999999999999999999999999999.9999999999, U&'\\+10FFFF', '\\x00ff', '0001-01-01', '23:59:59.999999', '0001-01-01', '9999-12-31 23:59:59.999999+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{a,NULL}', '(1,2)')`,
    omit: ['_cdc_op', '_cdc_ts', '_cdc_position'],
    filters: ['b IS NULL', 'i < 0'],
  },
  {
    ...byRegion('appended_parts', 'no key, partitioned, a NULL partition'),
    appendOnly: true,
    create:
      "CREATE TABLE appended_parts (id int, region text, v text); INSERT INTO appended_parts VALUES (1, 'north', 'a'), (2, NULL, 'b')",
    steps: ["INSERT INTO appended_parts VALUES (3, 'south', 'c'), (4, 'north', 'd')"],
    omit: ['_cdc_op', '_cdc_ts', '_cdc_position'],
    filters: ["region = 'north'", 'region IS NULL'],
  },
  {
    name: 'nothing',
    shows: 'a table that never had a row',
    appendOnly: true,
    create: 'CREATE TABLE nothing (id int PRIMARY KEY, v text)',
  },
  {
    name: 'emptied',
    shows: 'truncated, nothing after it',
    appendOnly: true,
    create:
      "CREATE TABLE emptied (id int PRIMARY KEY, v text); INSERT INTO emptied VALUES (1, 'a'), (2, 'b')",
    steps: ["UPDATE emptied SET v = 'c' WHERE id = 1", 'TRUNCATE emptied'],
  },
  {
    name: 'refilled',
    shows: 'truncated, then filled again',
    create:
      "CREATE TABLE refilled (id int PRIMARY KEY, v text); INSERT INTO refilled VALUES (1, 'a'), (2, 'b')",
    steps: [
      "UPDATE refilled SET v = 'c' WHERE id = 1",
      "INSERT INTO refilled VALUES (9, 'lost'); TRUNCATE refilled; INSERT INTO refilled VALUES (1, 'after'), (3, 'after')",
      "UPDATE refilled SET v = 'later' WHERE id = 3",
    ],
  },
  {
    ...byRegion('refilled_parts', 'partitioned, truncated, then filled again'),
    steps: [
      "TRUNCATE refilled_parts; INSERT INTO refilled_parts VALUES (1, 'north', 'after'), (2, 'west', 'after')",
      "UPDATE refilled_parts SET region = 'north' WHERE id = 2",
    ],
  },
];

export const SOURCE_TABLES: readonly SourceTable[] = [
  ...UPSERTED,
  ...TYPES,
  ...PARTITIONED,
  ...EVOLVED,
  ...WHOLE,
];
