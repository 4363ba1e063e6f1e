import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { ByteBuffer } from '../../../src/base/byte-buffer.ts';
import { javaMapOrder } from '../../../src/convert/java-map.ts';
import { encodeJsonSchema } from '../../../src/convert/json-schema/index.ts';
import type { JsonSchemaStyle } from '../../../src/convert/json-schema/schema.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import { anyTyped } from '../any-value.ts';
import { parseRecorded, recordedSample } from '../recorded.ts';

// Confluent publishes its classes on a repository of its own, not on Maven Central. What is written is checked by an
// independent validator; the order of a schema's properties against everit-json-schema 1.14.6, which makes Confluent's text.

const STYLE: JsonSchemaStyle = {
  json: { numericDecimals: false, nullsBecomeDefaults: true, mapEntries: 'objects' },
  additionalProperties: true,
};
const required = (type: ConnectSchema['type']): ConnectSchema => ({ type, optional: false });

const VALUE: ConnectSchema = {
  type: 'struct',
  optional: true,
  name: 'server.inventory.customers.Value',
  fields: [
    { name: 'id', schema: { type: 'int32', optional: false, default: 0 } },
    { name: 'weight', schema: { type: 'float64', optional: true, default: 1e10 } },
    {
      name: 'price',
      schema: {
        type: 'bytes',
        optional: true,
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        doc: 'what it costs',
        parameters: { scale: '2', 'connect.decimal.precision': '10' },
        default: { unscaled: 150n, scale: 2 },
      },
    },
    {
      name: 'more',
      schema: { type: 'map', optional: false, keys: required('int32'), values: required('boolean') },
    },
  ],
};
const ENVELOPE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'server.inventory.customers.Envelope',
  version: 1,
  fields: [
    { name: 'before', schema: VALUE },
    { name: 'op', schema: required('string') },
    { name: 'ok', schema: required('boolean') },
  ],
};

const PRICE =
  '{"type":"string","title":"org.apache.kafka.connect.data.Decimal","description":"what it costs","default":"AJY=",' +
  '"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2","connect.decimal.precision":"10"}}';
const MORE =
  '{"type":"array","connect.index":3,"connect.type":"map","items":{"type":"object","properties":' +
  '{"value":{"connect.index":1,"type":"boolean"},"key":{"type":"integer","connect.index":0,"connect.type":"int32"}}}}';
const WEIGHT =
  '{"connect.index":1,"oneOf":[{"type":"null"},{"type":"number","default":1.0E+10,"connect.type":"float64"}]}';

test('an envelope is the text that Confluent registers', () => {
  const { text } = encodeJsonSchema(ENVELOPE, STYLE);
  const own = [
    `"price":{"connect.index":2,"oneOf":[{"type":"null"},${PRICE}]}`,
    `"more":${MORE}`,
    `"weight":${WEIGHT}`,
    '"id":{"type":"integer","default":0,"connect.index":0,"connect.type":"int32"}',
  ];
  assert.equal(
    text,
    '{"type":"object","title":"server.inventory.customers.Envelope","connect.version":1,"properties":{' +
      '"op":{"type":"string","connect.index":1},"before":{"connect.index":0,"oneOf":[{"type":"null"},' +
      '{"type":"object","title":"server.inventory.customers.Value","properties":{' +
      `${own.join(',')}}}]},` +
      '"ok":{"connect.index":2,"type":"boolean"}}}',
  );
});

test('configuration changes what it says and no more', () => {
  const closed = encodeJsonSchema(ENVELOPE, { ...STYLE, additionalProperties: false }).text;
  assert.equal(
    closed.replaceAll('"additionalProperties":false,', ''),
    encodeJsonSchema(ENVELOPE, STYLE).text,
  );
  assert.equal(closed.split('"additionalProperties":false').length, 3);
  const numeric = encodeJsonSchema(ENVELOPE, { ...STYLE, json: { ...STYLE.json, numericDecimals: true } });
  assert.ok(numeric.text.includes('{"type":"number","title":"org.apache.kafka.connect.data.Decimal"'));
  assert.ok(numeric.text.includes('"default":1.5,'));
  const row: ConnectValue = [[1, null, { unscaled: 1n, scale: 0 }, new Map([[7, true]])], 'c', false];
  assert.equal(
    String(numeric.bytes(row)),
    '{"before":{"id":1,"weight":1.0E10,"price":1.00,"more":[{"key":7,"value":true}]},"op":"c","ok":false}',
  );
});

test('random values are valid by the registered text, planned or not', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  let compared = 0;
  const styles = fc.record({ numericDecimals: fc.boolean(), additionalProperties: fc.boolean() });
  fc.assert(
    fc.property(anyTyped, styles, ({ schema, value }, { numericDecimals, additionalProperties }) => {
      const style = { json: { ...STYLE.json, numericDecimals }, additionalProperties };
      const { text, writer, bytes } = encodeJsonSchema(schema, style);
      const written = writer(Buffer.from('#'));
      const out = new ByteBuffer(1);
      for (let i = 0; i < 2; i++) {
        written.begin(out);
        writeValue(schema, value, written);
        written.end();
      }
      const json = String(bytes(value));
      assert.equal(out.view().toString('utf8'), `#${json}#${json}`);
      // JSON has no such numbers: they are strings, which no number is by the schema.
      if (/NaN|Infinity/.test(json + text)) return;
      const validate = ajv.compile(JSON.parse(text) as object);
      assert.ok(validate(JSON.parse(json)), JSON.stringify(validate.errors));
      compared++;
    }),
    { numRuns: 300 },
  );
  assert.ok(compared > 150, `${compared}`);
});

test('recorded keys and values are valid by the registered text', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  let compared = 0;
  for (const line of recordedSample(120)) {
    const { schema, value } = parseRecorded(line);
    const { text, bytes } = encodeJsonSchema(schema, STYLE);
    const json = String(bytes(value));
    if (/"(NaN|-?Infinity)"/.test(json)) continue;
    const validate = ajv.compile(JSON.parse(text) as object);
    assert.ok(validate(JSON.parse(json)), `${schema.name}: ${JSON.stringify(validate.errors)}`);
    compared++;
  }
  assert.ok(compared > 80, `${compared}`);
});

test('what the schema does not say is invalid: the validator does look', () => {
  const ajv = new Ajv({ strict: false });
  const validate = ajv.compile(JSON.parse(encodeJsonSchema(ENVELOPE, STYLE).text) as object);
  const json = JSON.parse(String(encodeJsonSchema(ENVELOPE, STYLE).bytes([null, 'u', true]))) as object;
  assert.ok(validate(json));
  assert.ok(!validate({ ...json, op: 1 }));
  assert.ok(!validate({ ...json, before: { id: 'x' } }));
});

test('no value: the default, null where that is allowed, else nothing', () => {
  const text = (schema: ConnectSchema) => {
    const bytes = encodeJsonSchema(schema, STYLE).bytes(null);
    return bytes === null ? null : String(bytes);
  };
  assert.equal(text({ type: 'int32', optional: true }), 'null');
  assert.equal(text({ type: 'int32', optional: false, default: 3 }), '3');
  assert.equal(text({ type: 'int32', optional: false }), null);
});

test('properties are in the order of a hash map, as everit-json-schema had them', () => {
  const names =
    'before after source transaction op ts_ms ts_us ts_ns id order_number customer_name email_address a b c d e f g h i j k l m n';
  assert.equal(
    javaMapOrder(names.split(' ')).join(' '),
    'before ts_us order_number source after id ts_ns op a b c d e f g h i j k l m n email_address customer_name transaction ts_ms',
  );
});
