import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { ByteBuffer } from '../../../src/base/byte-buffer.ts';
import { avroBytes } from '../../../src/convert/avro/bytes.ts';
import { planAvro } from '../../../src/convert/avro/plan.ts';
import { avroSchemaText } from '../../../src/convert/avro/schema.ts';
import { AvroWriter } from '../../../src/convert/avro/writer.ts';
import { loadConverter } from '../../../src/convert/registry.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import { type Asked, type HttpAnswers, startHttpAnswers } from '../../harness/http-answers.ts';
import { anyTyped } from '../any-value.ts';
import { AvroReader, connectSchema, recordedAvro } from './recorded.ts';

const recorded = recordedAvro();

/** A registry of the recorded ids: it knows no other schemas. What it was asked is kept. */
const asked: Asked[] = [];
let answer: (url: string, body: string) => { status: number; json: unknown };
let server: HttpAnswers;
let url: string;

before(async () => {
  server = await startHttpAnswers((request) => {
    asked.push(request);
    const { status, json } = answer(request.path, request.body);
    return { status, body: JSON.stringify(json) };
  });
  url = server.url;
});

after(() => server.close());

test('every recorded schema comes out as the registry has it, properties in their order', () => {
  for (const [id, avro] of Object.entries(recorded.schemas)) {
    const text = avroSchemaText(connectSchema(avro), true);
    assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(avro), id);
  }
});

test('every recorded key and value comes out byte for byte, through Apicurio and through Confluent', async () => {
  const apicurio = await make('io.apicurio.registry.utils.converter.AvroConverter', {
    'apicurio.registry.url': `${url}/apis/registry/v2`,
    'apicurio.registry.auto-register': 'true',
    'apicurio.registry.as-confluent': 'true',
    'apicurio.registry.use-id': 'contentId',
  });
  const confluent = await make('io.confluent.connect.avro.AvroConverter', { 'schema.registry.url': url });
  let compared = 0;
  for (const { topic, key, value } of recorded.records) {
    for (const base64 of [key, value]) {
      if (base64 === null) continue;
      const bytes = Buffer.from(base64, 'base64');
      const id = bytes.readInt32BE(1);
      const schema = connectSchema(recorded.schemas[id]);
      const reader = new AvroReader(bytes, 5);
      const parsed = reader.value(schema);
      assert.ok(reader.isAtEnd);
      for (const converter of [apicurio, confluent]) {
        answer = recordedAnswer(id);
        assert.deepEqual(Buffer.from((await converter.convert(topic, schema, parsed))!), bytes);
        assert.deepEqual(await written(await converter.writer(topic, schema), schema, parsed), bytes);
      }
      compared++;
    }
  }
  assert.ok(compared > 100, `${compared}`);
});

test('the planned writer gives what the plain one gives, and others read it by the schema', () => {
  fc.assert(
    fc.property(anyTyped, (typed) => {
      // In a field, since a default stands for a null only there.
      const fields = [{ name: 'f', schema: typed.schema }];
      const [schema, value]: [ConnectSchema, ConnectValue] = [
        { type: 'struct', optional: false, fields },
        [typed.value],
      ];
      const bytes = avroBytes(schema, value);
      const writer = new AvroWriter(planAvro(schema), new Uint8Array(0));
      const out = new ByteBuffer(1);
      for (let i = 0; i < 2; i++) {
        writer.begin(out);
        writeValue(schema, value, writer);
        writer.end();
      }
      assert.deepEqual(out.view(), Buffer.concat([bytes, bytes]));
      const reader = new AvroReader(bytes, 0);
      reader.value(schema);
      assert.ok(reader.isAtEnd);
    }),
    { numRuns: 1000 },
  );
});

test('an independent reader understands schema and bytes', () => {
  for (const { value } of recorded.records) {
    if (value === null) continue;
    const bytes = Buffer.from(value, 'base64');
    const avro = recorded.schemas[bytes.readInt32BE(1)];
    const schema = connectSchema(avro);
    const parsed = new AvroReader(bytes, 5).value(schema);
    const type = avsc.Type.forSchema(JSON.parse(avroSchemaText(schema, true)) as avsc.Schema, {
      registry: {},
      noAnonymousTypes: false,
      typeHook: asLongs(),
    });
    assert.equal(type.isValid(type.fromBuffer(avroBytes(schema, parsed))), true);
  }
});

test('subjects and credentials are those of the configuration; a lookup instead of a registration', async () => {
  const record: ConnectSchema = {
    type: 'struct',
    optional: false,
    name: 'a.b.Row',
    fields: [{ name: 'f', schema: { type: 'int32', optional: false } }],
  };
  answer = () => ({ status: 200, json: { id: 7 } });
  asked.length = 0;
  const byTopic = await make('io.confluent.connect.avro.AvroConverter', {
    'schema.registry.url': url.replace('http://', 'http://user:p%20w@'),
  });
  assert.equal(Buffer.from((await byTopic.convert('t/x', record, [1]))!).toString('hex'), '000000000702');
  await byTopic.convert('t/x', record, [2]);
  const byRecord = await make('io.confluent.connect.avro.AvroConverter', {
    'schema.registry.url': url,
    'auto.register.schemas': 'false',
    'value.subject.name.strategy': 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy',
    'schema.registry.basic.auth.credentials.source': 'USER_INFO',
    'schema.registry.basic.auth.user.info': 'me:secret',
  });
  await byRecord.convert('t', record, [1]);
  assert.deepEqual(
    asked.map(({ method, path, authorization }) => [method, path, decoded(authorization)]),
    [
      ['POST', '/subjects/t%2Fx-value/versions', 'user:p w'],
      ['POST', '/subjects/t-a.b.Row', 'me:secret'],
    ],
  );
});

test('a registry that is down is asked again, one that refuses is not', async () => {
  const schema: ConnectSchema = { type: 'string', optional: false };
  const converter = await make('io.confluent.connect.avro.AvroConverter', { 'schema.registry.url': url });
  const failure = async (status: number) => {
    answer = () => ({ status, json: { error_code: status, message: 'no' } });
    return await Promise.resolve(converter.convert('t', schema, 'x')).catch(
      (error: { code: string }) => error.code,
    );
  };
  assert.equal(await failure(503), 'convert.registry');
  assert.equal(await failure(401), 'convert.registry-refused');
  assert.equal(await failure(409), 'convert.registry-schema');
  answer = () => ({ status: 200, json: { id: 1 } });
  assert.equal(Buffer.from((await converter.convert('t', schema, 'x'))!).toString('hex'), '00000000010278');
  const gone = await make('io.confluent.connect.avro.AvroConverter', {
    'schema.registry.url': `http://127.0.0.1:1,${url}`,
  });
  assert.ok(await gone.convert('t', schema, 'x'), 'the next url answers');
});

test('no value, no bytes; no schema, an error', async () => {
  const converter = await make('io.confluent.connect.avro.AvroConverter', { 'schema.registry.url': url });
  assert.equal(converter.nothing('t', { type: 'string', optional: true }), null);
  await assert.rejects(async () => await converter.convert('t', null, 'x'), { code: 'convert.schema' });
  await assert.rejects(make('io.confluent.connect.avro.AvroConverter', {}), { code: 'config.invalid' });
});

/** What the registry that was recorded answered, but only to the schema it had under the id. */
function recordedAnswer(id: number): typeof answer {
  return (path, body) => {
    const text = path.startsWith('/apis/') ? body : (JSON.parse(body) as { schema: string }).schema;
    const isSame = JSON.stringify(JSON.parse(text)) === JSON.stringify(recorded.schemas[id]);
    return isSame ? { status: 200, json: { id, contentId: id, globalId: -1 } } : { status: 409, json: {} };
  };
}

async function make(name: string, config: Record<string, string>) {
  const definition = await loadConverter(name);
  assert.ok(definition);
  return definition.create(config, false);
}

async function written(
  writer: Awaited<ReturnType<Awaited<ReturnType<typeof make>>['writer']>>,
  schema: ConnectSchema,
  value: ConnectValue,
): Promise<Buffer> {
  const out = new ByteBuffer(1);
  writer.begin(out);
  writeValue(schema, value, writer);
  writer.end();
  return out.view();
}

/** Longs of all 64 bits, which avsc does not read by itself. */
function asLongs(): (schema: avsc.Schema) => avsc.Type | undefined {
  const long = avsc.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.alloc(8);
      buffer.writeBigInt64LE(value);
      return buffer;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
  });
  return (schema) => {
    const name = typeof schema === 'string' ? schema : (schema as { type?: unknown }).type;
    return name === 'long' ? long : undefined;
  };
}

function decoded(authorization: string | undefined): string {
  return Buffer.from(authorization!.slice('Basic '.length), 'base64').toString('utf8');
}
