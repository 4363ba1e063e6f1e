import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteBuffer } from '../../../src/base/byte-buffer.ts';
import { encodeProtobuf } from '../../../src/convert/protobuf/index.ts';
import { scrubName } from '../../../src/convert/protobuf/names.ts';
import { hasSameEncoding } from '../../../src/convert/protobuf/text.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import { anyTyped } from '../any-value.ts';
import { parseRecorded, recordedSample } from '../recorded.ts';
import { decodeByText, expectedMessage } from './decoded.ts';

// Confluent publishes its classes on a repository of its own, not on Maven Central, so they do not run here: values are read
// by an independent reader, and the text below follows ProtobufData and ProtobufSchemaUtils of release 8.

const PLAIN = {
  scrubInvalidNames: false,
  optionalForNullables: false,
  wrapperForNullables: false,
  ignoreDefaultForNullables: false,
};
const required = (type: ConnectSchema['type']): ConnectSchema => ({ type, optional: false });
const optional = (type: ConnectSchema['type']): ConnectSchema => ({ type, optional: true });

const ROW: ConnectSchema = {
  type: 'struct',
  optional: true,
  name: 'server.inventory.customers.Value',
  fields: [
    { name: 'id', schema: required('int32') },
    { name: 'rank', schema: { type: 'int16', optional: true } },
    {
      name: 'price',
      schema: {
        type: 'bytes',
        optional: true,
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        parameters: { scale: '2', 'connect.decimal.precision': '10' },
      },
    },
    { name: 'born', schema: { type: 'int32', optional: true, name: 'org.apache.kafka.connect.data.Date' } },
    { name: 'tags', schema: { type: 'array', optional: true, values: optional('string') } },
    {
      name: 'more',
      schema: { type: 'map', optional: true, keys: required('string'), values: optional('string') },
    },
  ],
};

const ENVELOPE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'server.inventory.customers.Envelope',
  version: 2,
  fields: [
    { name: 'before', schema: ROW },
    { name: 'after', schema: ROW },
    { name: 'op', schema: required('string') },
    {
      name: 'ts',
      schema: { type: 'int64', optional: true, name: 'org.apache.kafka.connect.data.Timestamp' },
    },
    { name: 'block', schema: { type: 'struct', optional: true, name: 'event.block', fields: [] } },
  ],
};

const ENVELOPE_TEXT = `syntax = "proto3";
package server.inventory.customers;

import "confluent/type/decimal.proto";
import "google/type/date.proto";
import "google/protobuf/timestamp.proto";

message Envelope {
  Value before = 1;
  Value after = 2;
  string op = 3;
  google.protobuf.Timestamp ts = 4;
  blockMessage block = 5;

  message Value {
    int32 id = 1;
    int32 rank = 2 [(confluent.field_meta) = {
      params: [
        {
          key: "connect.type",
          value: "int16"
        }
      ]
    }];
    confluent.type.Decimal price = 3 [(confluent.field_meta) = {
      params: [
        {
          value: "10",
          key: "precision"
        },
        {
          value: "2",
          key: "scale"
        }
      ]
    }];
    google.type.Date born = 4;
    repeated string tags = 5;
    repeated ConnectDefault1Entry more = 6;
  
    message ConnectDefault1Entry {
      string key = 1;
      string value = 2;
    }
  }
  message blockMessage {}
}
`;

test('an envelope is the file that Confluent registers, blanks and all', () => {
  assert.equal(encodeProtobuf(ENVELOPE, PLAIN).text, ENVELOPE_TEXT);
  const { text } = encodeProtobuf(ENVELOPE, {
    ...PLAIN,
    optionalForNullables: true,
    wrapperForNullables: true,
  });
  for (const line of [
    '  optional Value before = 1;',
    '    optional google.protobuf.Int32Value rank = 2 [(confluent.field_meta) = {',
    '    repeated google.protobuf.StringValue tags = 5;',
    '      google.protobuf.StringValue value = 2;',
    'import "google/protobuf/wrappers.proto";',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});

test('logical values are the messages of their own that an independent reader understands', () => {
  const { text, bytes } = encodeProtobuf(ENVELOPE, PLAIN);
  const row: ConnectValue = [7, null, { unscaled: -12345n, scale: 2 }, -1, ['a', ''], new Map([['k', 'v']])];
  const encoded = bytes([null, row, 'u', -1n, []])!;
  assert.equal(encoded[0], 0, 'the first message of the file');
  assert.deepEqual(decodeByText(text, 'server.inventory.customers.Envelope', encoded.subarray(1)), {
    after: {
      id: 7,
      price: { value: Buffer.from('cfc7', 'hex'), precision: 5, scale: 2 },
      born: { year: 1969, month: 12, day: 31 },
      tags: ['a', ''],
      more: [{ key: 'k', value: 'v' }],
    },
    op: 'u',
    ts: { seconds: '-1', nanos: 999_000_000 },
    block: {},
  });
  const time: ConnectSchema = { type: 'int32', optional: false, name: 'org.apache.kafka.connect.data.Time' };
  const schema: ConnectSchema = {
    type: 'struct',
    optional: false,
    name: 'T',
    fields: [{ name: 't', schema: time }],
  };
  const own = encodeProtobuf(schema, PLAIN);
  assert.deepEqual(decodeByText(own.text, 'T', own.bytes([86_399_999])!.subarray(1)), {
    t: { hours: 23, minutes: 59, seconds: 59, nanos: 999_000_000 },
  });
  assert.throws(() => own.bytes([86_400_001]), { code: 'convert.value' });
  assert.throws(() => bytes([null, null, 'u', 1n << 60n, null]), { code: 'convert.value' });
});

test('random structs read back by the registered text, in every way to write nulls', () => {
  let compared = 0;
  const styles = fc.record({ optionalForNullables: fc.boolean(), wrapperForNullables: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anyTyped, { maxLength: 4 }), styles, (typed, chosen) => {
      const style = { ...PLAIN, scrubInvalidNames: true, ...chosen };
      const fields = typed.map(({ schema }, i) => ({ name: `f${i}`, schema: named(schema, `N${i}`) }));
      const schema: ConnectSchema = { type: 'struct', optional: false, name: 'a.b.Row', fields };
      const values = typed.map(({ value }) => value);
      if (typed.some(({ schema, value }) => !isSayable(schema, value))) return;
      const { text, writer } = encodeProtobuf(schema, style);
      const written = writer(new Uint8Array(0));
      const out = new ByteBuffer(1);
      const ends: number[] = [0];
      for (let i = 0; i < 2; i++) {
        written.begin(out);
        writeValue(schema, values, written);
        written.end();
        ends.push(out.length);
      }
      const [first, second] = [0, 1].map((i) => out.view().subarray(ends[i]! + 1, ends[i + 1]));
      assert.deepEqual(first, second, 'what a writer remembers changes nothing');
      const expected = expectedMessage(schema, values, {
        optional: chosen.optionalForNullables,
        wrapper: chosen.wrapperForNullables,
        nameOf: (name) => name,
      });
      assert.deepEqual(decodeByText(text, 'a.b.Row', first!), expected);
      compared++;
    }),
    { numRuns: 600 },
  );
  assert.ok(compared > 200, `${compared}`);
});

test('recorded keys and values read back by the registered text', () => {
  const style = { ...PLAIN, scrubInvalidNames: true };
  let [compared, refused] = [0, 0];
  for (const line of recordedSample(300)) {
    const { schema, value } = parseRecorded(line);
    if (schema.type !== 'struct' || value === null) continue;
    if (!isSayable(schema, value)) {
      assert.throws(() => encodeProtobuf(schema, style).bytes(value), {
        code: /^convert\.(schema|null|value)$/,
      });
      refused++;
      continue;
    }
    const { text, recordName, bytes } = encodeProtobuf(schema, style);
    const expected = expectedMessage(schema, value as readonly ConnectValue[], {
      optional: false,
      wrapper: false,
      nameOf: scrubName,
    });
    assert.deepEqual(decodeByText(text, recordName!, bytes(value)!.subarray(1)), expected);
    compared++;
  }
  assert.ok(compared > 10 * refused && compared > 150, `${compared}, ${refused}`);
});

test('a scalar is its wrapper, found by its place in the file', () => {
  const roots: [ConnectSchema, ConnectValue, string, string, unknown][] = [
    [required('int32'), -1, 'Int32Value', '0208', { value: -1 }],
    [required('int64'), 0n, 'Int64Value', '0204', {}],
    [required('float64'), 1.5, 'DoubleValue', '00', { value: 1.5 }],
    [required('string'), 'é', 'StringValue', '020e', { value: 'é' }],
    [required('boolean'), true, 'BoolValue', '020c', { value: true }],
  ];
  for (const [schema, value, message, place, expected] of roots) {
    const { text, bytes } = encodeProtobuf(schema, PLAIN);
    const encoded = Buffer.from(bytes(value)!);
    const length = place.length / 2;
    assert.equal(encoded.subarray(0, length).toString('hex'), place);
    assert.deepEqual(decodeByText(text, `google.protobuf.${message}`, encoded.subarray(length)), expected);
    assert.equal(bytes(null), null);
  }
});

test('what Protobuf cannot say is refused before anything is registered', () => {
  const struct = (fields: [string, ConnectSchema][], name = 'a.Row'): ConnectSchema => ({
    type: 'struct',
    optional: false,
    name,
    fields: fields.map(([own, schema]) => ({ name: own, schema })),
  });
  const other = struct([['x', required('string')]], 'b.Part');
  const refused: [ConnectSchema, RegExp][] = [
    [struct([['a-b', required('int32')]]), /"a-b" is not a valid identifier/],
    [struct([['a', required('int32')]], 'my-server.t.Row'), /"my-server" is not a valid identifier/],
    [
      struct([
        [
          'a',
          {
            type: 'array',
            optional: true,
            values: { type: 'array', optional: true, values: required('int32') },
          },
        ],
      ]),
      /array of arrays/,
    ],
    [
      struct([
        ['a', struct([['x', required('int32')]], 'b.Part')],
        ['b', other],
      ]),
      /Two structs that differ are named "Part"/,
    ],
    [{ type: 'array', optional: false, values: required('int32') }, /Unsupported root schema of type array/],
    [
      { type: 'int32', optional: false, name: 'org.apache.kafka.connect.data.Date' },
      /Unsupported root schema/,
    ],
  ];
  for (const [schema, message] of refused) {
    assert.throws(() => encodeProtobuf(schema, PLAIN), { code: 'convert.schema', message });
  }
  const scrubbed = encodeProtobuf(refused[0]![0], { ...PLAIN, scrubInvalidNames: true });
  assert.ok(scrubbed.text.includes('int32 a_b = 1;'));
  const row = encodeProtobuf(struct([['a', required('int32')]]), PLAIN);
  assert.throws(() => row.bytes([null]), { code: 'convert.null' });
});

test('names are scrubbed as ProtobufData scrubs them', () => {
  const names: [string, string][] = [
    ['plain_1', 'plain_1'],
    ['_hidden', 'x_hidden'],
    ['1st', 'x1st'],
    ['a.b-c d', 'a_b_c_d'],
    ['é', '_C3_A9'],
    ['a$', 'a_24'],
  ];
  for (const [name, scrubbed] of names) assert.equal(scrubName(name), scrubbed);
});

test('files are compared by what they declare', () => {
  const commented = ENVELOPE_TEXT.replace(
    'string op = 3;',
    '// the operation\n  string  op=3 [deprecated = true];',
  );
  assert.ok(
    hasSameEncoding(
      commented.replace('message Envelope', 'option java_package = "x";\nmessage Envelope'),
      ENVELOPE_TEXT,
    ),
  );
  assert.ok(!hasSameEncoding(ENVELOPE_TEXT.replace('op = 3', 'op = 9'), ENVELOPE_TEXT));
});

/** Structs by names that differ, with fields that have names in Protobuf. */
function named(schema: ConnectSchema, name: string): ConnectSchema {
  return {
    ...schema,
    name: schema.type === 'struct' ? name : schema.name,
    fields: schema.fields?.map((field, i) => ({
      name: `f${i}`,
      schema: named(field.schema, `${name}_${i}`),
    })),
    values: schema.values && named(schema.values, `${name}_v`),
  };
}

/** Arrays of arrays, nulls in arrays and times beyond the years 1 to 9999 have no form. */
function isSayable(schema: ConnectSchema, value: ConnectValue): boolean {
  if (schema.type === 'array') {
    if (schema.values!.type === 'array') return false;
    const items = value as readonly ConnectValue[] | null;
    return (items ?? []).every((item) => item !== null && isSayable(schema.values!, item));
  }
  if (schema.type === 'map') {
    const entries = value as ReadonlyMap<ConnectValue, ConnectValue> | null;
    return [...(entries?.values() ?? [])].every((item) => isSayable(schema.values!, item));
  }
  if (value !== null && /^org\.apache\.kafka\.connect\.data\.(Date|Timestamp)$/.test(schema.name ?? '')) {
    const millis = Number(value) * (schema.type === 'int32' ? 86_400_000 : 1);
    return millis >= Date.parse('0001-01-01T00:00:00Z') && millis <= Date.parse('9999-12-31T23:59:59.999Z');
  }
  if (schema.type !== 'struct') return true;
  const values = value as readonly ConnectValue[] | null;
  return schema.fields!.every((field, i) => isSayable(field.schema, values?.[i] ?? null));
}
