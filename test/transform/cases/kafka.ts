import {
  type Case,
  caseList,
  FLAT,
  FLAT_VALUE,
  int32,
  int64,
  keeps,
  nested,
  nothing,
  of,
  plain,
  string,
  TIMESTAMP,
  text,
  tombstone,
  untyped,
  usual,
  whole,
} from './record.ts';

const { cases, kafka } = caseList();

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

export const KAFKA_CASES: readonly Case[] = cases;
