import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBuffer } from '../../src/base/byte-buffer.ts';
import type { Converter } from '../../src/convert/converter.ts';
import {
  converterClass,
  HEADER_CONVERTER_CLASSES,
  loadConverter,
  VALUE_CONVERTER_CLASSES,
} from '../../src/convert/registry.ts';
import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../src/record/connect-schema.ts';
import { writeValue } from '../../src/record/connect-value.ts';

const STRING: ConnectSchema = { type: 'string', optional: true };
const INT: ConnectSchema = { type: 'int32', optional: true };
const BYTES: ConnectSchema = { type: 'bytes', optional: true };
const PRICE: ConnectSchema = { type: 'bytes', optional: true, name: DECIMAL, parameters: { scale: '2' } };
const ROW: ConnectSchema = {
  type: 'struct',
  optional: true,
  fields: [
    { name: 'a', schema: INT },
    { name: 'b', schema: STRING },
    { name: 'c', schema: { type: 'array', optional: true, values: { type: 'float64', optional: true } } },
    { name: 'd', schema: { type: 'map', optional: true, keys: STRING, values: BYTES } },
    { name: 'e', schema: PRICE },
    { name: 'f', schema: { ...STRING, default: 'dflt' } },
  ],
};
const ROW_VALUE: ConnectValue = [
  7,
  'say "x\\"',
  [1, null, 0.25],
  new Map([['k', Buffer.from('\0a')]]),
  { unscaled: 150n, scale: 2 },
  null,
];

test('strings: what Java says of a value', async () => {
  const converter = await make('org.apache.kafka.connect.storage.StringConverter');
  const text =
    'Struct{a=7,b=say "x\\",c=[1.0, null, 0.25],d={k=java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]},e=1.50}';
  assert.equal(await bytesOf(converter, ROW, ROW_VALUE), text);
  assert.equal(await bytesOf(converter, STRING, 'hé'), 'hé');
  assert.equal(converter.nothing('t', STRING), null);
});

test('headers: text as it is, structures like JSON', async () => {
  const converter = await make('org.apache.kafka.connect.storage.SimpleHeaderConverter');
  const text = '{"a":7,"b":"say \\"x\\\\\\"","c":[1.0,null,0.25],"d":{"k":"AGE="},"e":1.50,"f":"dflt"}';
  assert.equal(await bytesOf(converter, ROW, ROW_VALUE), text);
  assert.equal(await bytesOf(converter, STRING, 'say "x"'), 'say "x"');
  assert.equal(await bytesOf(converter, null, 12n), '12');
  assert.equal(await converter.convert('t', STRING, null), null);
});

test('numbers are big-endian bytes of their own type', async () => {
  const long = await make('org.apache.kafka.connect.converters.LongConverter');
  assert.equal(await hexOf(long, { type: 'int64', optional: false }, -2n), 'fffffffffffffffe');
  const double = await make('DoubleConverter');
  assert.equal(await hexOf(double, { type: 'float64', optional: false }, 1), '3ff0000000000000');
  assert.throws(() => long.convert('t', INT, 1), { code: 'convert.schema' });
});

test('bytes pass as they are; Debezium hands the rest to a delegate', async () => {
  const plain = await make('org.apache.kafka.connect.converters.ByteArrayConverter');
  assert.equal(await hexOf(plain, BYTES, Buffer.from('00ff', 'hex')), '00ff');
  assert.throws(() => plain.convert('t', STRING, 'x'), { code: 'convert.schema' });
  const binary = await make('io.debezium.converters.BinaryDataConverter', {
    'delegate.converter.type': 'org.apache.kafka.connect.json.JsonConverter',
    'delegate.converter.type.schemas.enable': 'false',
  });
  assert.equal(await hexOf(binary, BYTES, Buffer.from('00ff', 'hex')), '00ff');
  assert.equal(await bytesOf(binary, STRING, 'x'), '"x"');
  assert.equal(String(binary.nothing('t', STRING)), 'null', 'as the delegate says it');
  assert.equal(binary.nothing('t', BYTES), null);
  const alone = await make('io.debezium.converters.BinaryDataConverter');
  await assert.rejects(async () => await alone.convert('t', STRING, 'x'), { code: 'convert.schema' });
});

test('classes go by full and short names', () => {
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  assert.equal(converterClass('JsonConverter'), json);
  assert.equal(converterClass('Json'), json);
  assert.equal(converterClass('org.example.Other'), null);
  assert.equal(converterClass('ByteArrayConverter'), null, 'two bear this name');
  const simple = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';
  const protobuf = 'io.confluent.connect.protobuf.ProtobufConverter';
  assert.deepEqual(
    [VALUE_CONVERTER_CLASSES, HEADER_CONVERTER_CLASSES].map((names) =>
      [json, simple, protobuf].map((name) => names.includes(name)),
    ),
    [
      [true, false, true],
      [true, true, false],
    ],
  );
});

async function make(name: string, config: Record<string, string> = {}): Promise<Converter> {
  const definition = await loadConverter(name);
  assert.ok(definition);
  return definition.create(config, false);
}

/** Both ways of converting, which must agree. */
async function bytesOf(
  converter: Converter,
  schema: ConnectSchema | null,
  value: ConnectValue,
): Promise<string> {
  const bytes = Buffer.from((await converter.convert('t', schema, value))!);
  if (schema !== null) {
    const writer = await converter.writer('t', schema);
    const out = new ByteBuffer(1);
    writer.begin(out);
    writeValue(schema, value, writer);
    writer.end();
    assert.deepEqual(out.view(), bytes);
  }
  return bytes.toString('utf8');
}

async function hexOf(converter: Converter, schema: ConnectSchema, value: ConnectValue): Promise<string> {
  await bytesOf(converter, schema, value);
  return Buffer.from((await converter.convert('t', schema, value))!).toString('hex');
}
