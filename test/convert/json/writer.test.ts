import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteBuffer } from '../../../src/base/byte-buffer.ts';
import { jsonConverter } from '../../../src/convert/json/index.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import { anyTyped } from '../any-value.ts';

const CONFIGS: readonly Record<string, string>[] = [
  {},
  { 'schemas.enable': 'false' },
  { 'schemas.enable': 'false', 'decimal.format': 'numeric' },
];

test('the planned writer gives what the plain one gives, value after value', () => {
  fc.assert(
    fc.property(anyTyped, fc.constantFrom(...CONFIGS), ({ schema, value }, config) => {
      const converter = jsonConverter.create(config, false);
      const plain = Buffer.from(converter.convert('t', schema, value) as Uint8Array).toString('utf8');
      const twice = written(schema, [value, value], config);
      assert.equal(twice, plain + plain);
      assert.doesNotThrow(() => JSON.parse(plain));
    }),
    { numRuns: 1500 },
  );
});

test('text is quoted as JSON that reads back', () => {
  const schema: ConnectSchema = { type: 'string', optional: false };
  const strings = fc.string({ unit: 'binary', maxLength: 200 });
  fc.assert(
    fc.property(strings, (text) => {
      assert.equal(JSON.parse(written(schema, [text], { 'schemas.enable': 'false' })), text);
    }),
  );
});

test('characters beyond 16 bits are two escapes, controls upper-case hex, all else stays', () => {
  const schema: ConnectSchema = { type: 'string', optional: false };
  const text = '/<é\u007f\u2028\ufeff\b\t\n\f\r\u0001\u001f"\\😀';
  const json = written(schema, [text], { 'schemas.enable': 'false' });
  assert.equal(json, '"/<é\u007f\u2028\ufeff\\b\\t\\n\\f\\r\\u0001\\u001F\\"\\\\\\uD83D\\uDE00"');
});

test('numbers are those of Java', () => {
  const double: ConnectSchema = { type: 'float64', optional: false };
  const float: ConnectSchema = { type: 'float32', optional: false };
  const doubles: [number, string][] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [5, '5.0'],
    [1e21, '1.0E21'],
    [1.2e-4, '1.2E-4'],
    [0.001, '0.001'],
    [9999999.5, '9999999.5'],
    [1e7, '1.0E7'],
    [123456789.125, '1.23456789125E8'],
    [Number.MIN_VALUE, '4.9E-324'],
    [Number.MAX_VALUE, '1.7976931348623157E308'],
    [Number.NaN, '"NaN"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
  ];
  const floats: [number, string][] = [
    [Math.fround(0.1), '0.1'],
    [Math.fround(3.14), '3.14'],
    [16777216, '1.6777216E7'],
    [2 ** -149, '1.4E-45'],
    [Math.fround(3.4028235e38), '3.4028235E38'],
    [Math.fround(1.17549435e-38), '1.1754944E-38'],
  ];
  for (const [value, text] of doubles) assert.equal(written(double, [value], CONFIGS[1]), text);
  for (const [value, text] of floats) assert.equal(written(float, [value], CONFIGS[1]), text);
});

test('a decimal as a number is what BigDecimal says; one that does not fit the scale is refused', () => {
  const schema: ConnectSchema = {
    type: 'bytes',
    optional: true,
    name: 'org.apache.kafka.connect.data.Decimal',
    parameters: { scale: '8' },
  };
  const numeric = (unscaled: bigint, scale: number) => written(schema, [{ unscaled, scale }], CONFIGS[2]);
  assert.equal(numeric(15n, 1), '1.50000000');
  assert.equal(numeric(1n, 8), '1E-8');
  assert.equal(numeric(-12n, 8), '-1.2E-7');
  assert.equal(numeric(0n, 0), '0E-8');
  assert.throws(() => numeric(1n, 9), { code: 'convert.value' });
  assert.equal(written(schema, [{ unscaled: -1n, scale: 8 }], CONFIGS[1]), '"/w=="');
});

test('a null that a schema does not allow is refused, as are options that Connect refuses', () => {
  const schema: ConnectSchema = {
    type: 'struct',
    optional: false,
    fields: [{ name: 'a', schema: { type: 'int32', optional: false } }],
  };
  assert.throws(() => written(schema, [[null]], {}), { code: 'convert.null' });
  assert.throws(() => jsonConverter.create({ 'decimal.format': 'x' }, false), { code: 'config.invalid' });
});

test('after an error the writer begins anew', () => {
  const inner: ConnectSchema = { type: 'int32', optional: false };
  const schema: ConnectSchema = { type: 'struct', optional: false, fields: [{ name: 'a', schema: inner }] };
  const writer = jsonConverter.create({ 'schemas.enable': 'false' }, false).writer('t', schema);
  assert.ok('begin' in writer);
  const out = new ByteBuffer(1);
  writer.begin(out);
  assert.throws(() => writeValue(schema, [null], writer), { code: 'convert.null' });
  out.clear();
  writer.begin(out);
  writeValue(schema, [1], writer);
  writer.end();
  assert.equal(String(out.view()), '{"a":1}');
});

test('replace.null.with.default=false leaves nulls', () => {
  const inner: ConnectSchema = { type: 'int32', optional: true, default: 7 };
  const schema: ConnectSchema = { type: 'struct', optional: false, fields: [{ name: 'a', schema: inner }] };
  const config = { 'schemas.enable': 'false', 'replace.null.with.default': 'false' };
  assert.equal(written(schema, [[null]], config), '{"a":null}');
  assert.equal(written(schema, [[null]], CONFIGS[1]), '{"a":7}');
});

test('nothing: null without a schema, an envelope around null with one', () => {
  const schema: ConnectSchema = { type: 'string', optional: true };
  const converter = jsonConverter.create({}, false);
  assert.equal(converter.nothing('t', null), null);
  assert.equal(
    String(converter.nothing('t', schema)),
    '{"schema":{"type":"string","optional":true},"payload":null}',
  );
  assert.equal(String(converter.convert('t', null, 5n)), '{"schema":null,"payload":5}');
});

function written(
  schema: ConnectSchema,
  values: readonly ConnectValue[],
  config: Readonly<Record<string, string>>,
): string {
  const writer = jsonConverter.create(config, false).writer('t', schema);
  assert.ok('begin' in writer);
  const out = new ByteBuffer(16);
  for (const value of values) {
    writer.begin(out);
    writeValue(schema, value, writer);
    writer.end();
  }
  return out.view().toString('utf8');
}
