import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { avroBytes } from '../../src/convert/avro/bytes.ts';
import { avroSchemaText } from '../../src/convert/avro/schema.ts';
import { encodeExtJson } from '../../src/convert/json/ext-json.ts';
import { readStyle } from '../../src/convert/json/index.ts';
import { loadConverter } from '../../src/convert/registry.ts';
import { parseRecorded } from './recorded.ts';

/** What java/record.ts recorded: JSON with schemas, without, with numeric decimals, string, header, Avro schema, Avro in base64. */
const file = new URL('../fixtures/convert/java.jsonl.br', import.meta.url);
const lines = brotliDecompressSync(readFileSync(file)).toString('utf8').split('\n');

test('random schemas and values come out as the Java converters write them', async () => {
  const conversions = await Promise.all([
    textOf('org.apache.kafka.connect.json.JsonConverter', {}),
    textOf('org.apache.kafka.connect.json.JsonConverter', { 'schemas.enable': 'false' }),
    textOf('org.apache.kafka.connect.json.JsonConverter', {
      'schemas.enable': 'false',
      'decimal.format': 'NUMERIC',
    }),
    textOf('org.apache.kafka.connect.storage.StringConverter', {}),
    textOf('org.apache.kafka.connect.storage.SimpleHeaderConverter', {}),
  ]);
  for (const line of lines) {
    const [withSchemas, plain, numeric, string, header, avroSchema, avro] = JSON.parse(line) as string[];
    const { schema, value } = parseRecorded(withSchemas);
    const texts = conversions.map((convert) => convert(schema, value));
    assert.deepEqual(
      texts.map(withoutBytes),
      [withSchemas, plain, numeric, string, header].map(withoutBytes),
    );
    // Apicurio's ExtJsonConverter registers the one part and writes the other one, behind the id.
    const ext = encodeExtJson(schema, readStyle({}));
    assert.equal(`{"schema":${ext.text},"payload":${String(ext.bytes(value))}`, withSchemas);
    assert.equal(avroSchemaText(schema, true), avroSchema);
    assert.equal(avroBytes(schema, value).toString('base64'), avro);
  }
  assert.ok(lines.length > 1000, `${lines.length}`);
});

async function textOf(name: string, config: Record<string, string>) {
  const converter = (await loadConverter(name))!.create(config, false);
  return (
    ...[schema, value]: [Parameters<typeof converter.convert>[1], Parameters<typeof converter.convert>[2]]
  ) => Buffer.from(converter.convert('t', schema, value) as Uint8Array).toString('utf8');
}

/** Java says where a byte array is in memory; Debezium's bytes are buffers, which say how long they are. */
function withoutBytes(text: string): string {
  return text.replace(/\[B@[0-9a-f]+|java\.nio\.HeapByteBuffer\[[^\]]*\]/g, 'BYTES');
}
