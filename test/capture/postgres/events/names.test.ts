import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePostgresConfig } from '../../../../src/capture/postgres/config.ts';
import {
  adjustedFieldName,
  adjustedSchemaName,
  topicOf,
} from '../../../../src/capture/postgres/events/names.ts';

function topic(schema: string, table: string, config: Readonly<Record<string, string>> = {}): string {
  const parsed = parsePostgresConfig({ 'topic.prefix': 'shop', ...config });
  return topicOf({ database: 'd', schema, table }, parsed.config);
}

test('a topic is named after schema and table, in letters that Kafka takes', () => {
  assert.equal(topic('public', 'orders'), 'shop.public.orders');
  assert.equal(topic('public', 'Odd-Täble $1'), 'shop.public.Odd-T_ble__1');
  assert.equal(topic('s', 't', { 'topic.delimiter': '_' }), 'shop_s_t');
  assert.equal(topic('s', 'x'.repeat(300)).length, 249);
});

test('another naming strategy is one of those known, or an error with what to do', () => {
  const strategy = (name: string) => ({ 'topic.naming.strategy': `io.debezium.schema.${name}` });
  assert.equal(topic('public', 'orders', strategy('DefaultTopicNamingStrategy')), 'shop.orders');
  assert.equal(topic('public', 'a_b', strategy('SchemaUnicodeTopicNamingStrategy')), 'shop.public.a_u005fb');
  assert.throws(() => topic('public', 'orders', { 'topic.naming.strategy': 'com.acme.Own' }), {
    code: 'config.invalid',
  });
});

test('names are adjusted to what Avro takes, a dot only in those of schemas', () => {
  assert.equal(adjustedSchemaName('my-shop.public.ü', 'none'), 'my-shop.public.ü');
  assert.equal(adjustedSchemaName('my-shop.public.ü', 'avro'), 'my_shop.public._');
  assert.equal(adjustedSchemaName('1.a', 'avro'), '_1.a');
  assert.equal(adjustedFieldName('1st', 'avro'), '_1st');
  assert.equal(adjustedFieldName('1st', 'avro_unicode'), '_u0031st');
  assert.equal(adjustedFieldName('x.y_z', 'avro'), 'x_y_z');
  assert.equal(adjustedFieldName('x.y_z', 'avro_unicode'), 'x_u002ey_u005fz');
});
