import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ByteBuffer } from '../../../src/base/byte-buffer.ts';
import { jsonConverter } from '../../../src/convert/json/index.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import { parseRecorded, recordedTexts } from '../recorded.ts';

const recorded = recordedTexts().map((text) => ({ text, ...parseRecorded(text) }));

test('every recorded key and value comes out byte for byte, with its schema', async () => {
  const converter = jsonConverter.create({}, false);
  for (const { text, schema, value } of recorded) {
    same(String(converter.convert('t', schema, value)), text);
    same(await written({}, schema, value), text);
  }
});

test('without schemas every recorded payload comes out byte for byte', async () => {
  for (const { text, schema, value } of recorded) {
    const payload = text.slice(text.lastIndexOf(',"payload":') + 11, -1);
    if (schema.type !== 'struct' || payload.includes('"payload')) continue;
    same(await written({ 'schemas.enable': 'false' }, schema, value), payload);
  }
});

test('a null where a schema has a default is the default, unless configured otherwise', async () => {
  let replaced = 0;
  for (const { text, schema, value } of recorded) {
    const nulled = withoutDefaults(schema, value, () => replaced++);
    same(await written({}, schema, nulled), text);
  }
  assert.ok(replaced > 100, `${replaced}`);
});

/** Says where two long texts part. */
function same(actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const around = (text: string) => text.slice(Math.max(0, at - 60), at + 60);
  assert.equal(around(actual), around(expected));
}

async function written(
  config: Record<string, string>,
  schema: ConnectSchema,
  value: ConnectValue,
): Promise<string> {
  const writer = await jsonConverter.create(config, false).writer('t', schema);
  const out = new ByteBuffer(16);
  writer.begin(out);
  writeValue(schema, value, writer);
  writer.end();
  return String(out.view());
}

/** The value with null wherever it is what a null becomes. */
function withoutDefaults(schema: ConnectSchema, value: ConnectValue, count: () => void): ConnectValue {
  if (value === null) return null;
  if (schema.type === 'struct') {
    const values = value as readonly ConnectValue[];
    return schema.fields!.map((field, i) => withoutDefaults(field.schema, values[i], count));
  }
  if (schema.default === undefined || !isDeepStrictEqual(schema.default, value)) return value;
  count();
  return null;
}
