import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ByteBuffer } from '../../../src/base/byte-buffer.ts';
import type { Converter } from '../../../src/convert/converter.ts';
import { loadConverter } from '../../../src/convert/registry.ts';
import type { ConnectSchema, ConnectValue } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import { apicurioApi, confluentApi, testSchemaRegistry } from '../../services/schema-registry.ts';
import { decodeByText } from '../protobuf/decoded.ts';

const AVRO = 'io.confluent.connect.avro.AvroConverter';
const PROTOBUF = 'io.confluent.connect.protobuf.ProtobufConverter';
const JSON_SCHEMA = 'io.confluent.connect.json.JsonSchemaConverter';
const EXT_JSON = 'io.apicurio.registry.utils.converter.ExtJsonConverter';

let url: string;
/** Of this run, since the registry may be older. */
const run = `r${Date.now()}`;
before(async () => {
  url = await testSchemaRegistry();
});

const ROW: ConnectSchema = {
  type: 'struct',
  optional: true,
  name: 'shop.orders.Value',
  fields: [
    { name: 'id', schema: { type: 'int32', optional: false } },
    {
      name: 'price',
      schema: {
        type: 'bytes',
        optional: true,
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        parameters: { scale: '2', 'connect.decimal.precision': '8' },
      },
    },
    {
      name: 'at',
      schema: { type: 'int64', optional: true, name: 'org.apache.kafka.connect.data.Timestamp' },
    },
    { name: 'tags', schema: { type: 'array', optional: true, values: { type: 'string', optional: true } } },
  ],
};
const ENVELOPE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'shop.orders.Envelope',
  version: 2,
  fields: [
    { name: 'before', schema: ROW },
    { name: 'after', schema: ROW },
    { name: 'op', schema: { type: 'string', optional: false } },
  ],
};
const CHANGE: ConnectValue = [null, [7, { unscaled: 1250n, scale: 2 }, 1_500n, ['a']], 'c'];

test('Protobuf: what the registry keeps under the id reads the value', async () => {
  const bytes = await planned(await make(PROTOBUF), `${run}-protobuf`);
  assert.deepEqual([bytes[0], bytes[5]], [0, 0]);
  const kept = await registered(bytes.readInt32BE(1));
  assert.equal(kept.schemaType, 'PROTOBUF');
  assert.deepEqual(decodeByText(kept.schema, 'shop.orders.Envelope', bytes.subarray(6)), {
    after: {
      id: 7,
      price: { value: Buffer.from([4, 226]), precision: 4, scale: 2 },
      at: { seconds: '1', nanos: 500_000_000 },
      tags: ['a'],
    },
    op: 'c',
  });
});

test('Protobuf: a key that a transform made a scalar of is registered as its wrapper', async () => {
  const converter = await make(PROTOBUF, {}, true);
  const schema: ConnectSchema = { type: 'int64', optional: false };
  const bytes = Buffer.from((await converter.convert(`${run}-scalar`, schema, 300n))!);
  assert.equal(bytes.subarray(5).toString('hex'), '020408ac02');
  assert.ok((await registered(bytes.readInt32BE(1))).schema.includes('message Int64Value'));
});

test('JSON Schema: the document lies behind the id of its schema', async () => {
  const bytes = await planned(await make(JSON_SCHEMA), `${run}-json`);
  const kept = await registered(bytes.readInt32BE(1));
  assert.equal(kept.schemaType, 'JSON');
  assert.equal((JSON.parse(kept.schema) as { title: string }).title, 'shop.orders.Envelope');
  assert.deepEqual(JSON.parse(bytes.subarray(5).toString('utf8')), {
    before: null,
    after: { id: 7, price: 'BOI=', at: 1500, tags: ['a'] },
    op: 'c',
  });
});

test('ExtJson: the global id leads to the schema as an artifact of Kafka Connect', async () => {
  const config = { 'apicurio.registry.url': apicurioApi(url), 'apicurio.registry.auto-register': 'true' };
  const converter = (await loadConverter(EXT_JSON))!.create(config, false);
  const bytes = await planned(converter, `${run}-ext`);
  const { schemaId, payload } = JSON.parse(bytes.toString('utf8')) as {
    schemaId: number;
    payload: { op: string };
  };
  assert.equal(payload.op, 'c');
  const artifact = `${apicurioApi(url)}/groups/default/artifacts/${run}-ext-value`;
  const meta = (await (await fetch(`${artifact}/meta`)).json()) as Record<string, unknown>;
  assert.deepEqual([meta['type'], meta['globalId']], ['KCONNECT', schemaId]);
  const schema = (await (await fetch(artifact)).json()) as { type: string; name: string };
  assert.deepEqual([schema.type, schema.name], ['struct', 'shop.orders.Envelope']);
});

for (const name of [AVRO, PROTOBUF, JSON_SCHEMA]) {
  test(`${name}: an incompatible change of the schema says which subject and what to do`, async () => {
    const topic = `${run}-changed-${name}`;
    const converter = await make(name);
    await converter.convert(topic, ENVELOPE, CHANGE);
    await compatibility(`${topic}-value`, 'FULL');
    const fields = ENVELOPE.fields!.map((field) =>
      field.name === 'op' ? { name: 'op', schema: { type: 'int32' as const, optional: false } } : field,
    );
    await assert.rejects(
      async () => await converter.convert(topic, { ...ENVELOPE, fields }, [null, null, 1]),
      {
        code: 'convert.registry-schema',
        retry: 'operator',
        message: new RegExp(`incompatible with an earlier one of ${topic}-value`),
        hint: /compatibility level/,
      },
    );
  });

  test(`${name}: without registration the schema must be there; the latest is taken where it reads the records`, async () => {
    const topic = `${run}-found-${name}`;
    const finding = await make(name, { 'auto.register.schemas': 'false' });
    const failed = {
      code: 'convert.registry-schema',
      message: /does not have the schema of/,
      hint: /auto.register.schemas/,
    };
    await assert.rejects(async () => await finding.convert(topic, ENVELOPE, CHANGE), failed);
    const id = idOf(await (await make(name)).convert(topic, ENVELOPE, CHANGE));
    assert.equal(idOf(await finding.convert(topic, ENVELOPE, CHANGE)), id, 'asked again after the failure');
    const latest = await make(name, { 'auto.register.schemas': 'false', 'use.latest.version': 'true' });
    assert.equal(idOf(await latest.convert(topic, ENVELOPE, CHANGE)), id);
    if (name === JSON_SCHEMA) return;
    const other = { ...ENVELOPE, fields: ENVELOPE.fields!.toReversed() };
    await assert.rejects(async () => await latest.convert(topic, other, ['c', null, null]), {
      code: 'convert.registry-schema',
      message: /The latest schema of .* is not one by which the records can be read/,
    });
  });
}

async function make(name: string, config: Record<string, string> = {}, isKey = false): Promise<Converter> {
  return (await loadConverter(name))!.create({ 'schema.registry.url': confluentApi(url), ...config }, isKey);
}

async function planned(converter: Converter, topic: string): Promise<Buffer> {
  const writer = await converter.writer(topic, ENVELOPE);
  const out = new ByteBuffer(1);
  writer.begin(out);
  writeValue(ENVELOPE, CHANGE, writer);
  writer.end();
  assert.deepEqual(Buffer.from((await converter.convert(topic, ENVELOPE, CHANGE))!), out.view());
  return out.view();
}

function idOf(bytes: Uint8Array | null): number {
  return Buffer.from(bytes!).readInt32BE(1);
}

async function registered(id: number): Promise<{ schema: string; schemaType: string }> {
  const response = await fetch(`${confluentApi(url)}/schemas/ids/${id}`);
  assert.ok(response.ok, `${response.status}`);
  return (await response.json()) as { schema: string; schemaType: string };
}

async function compatibility(subject: string, level: string): Promise<void> {
  const response = await fetch(`${confluentApi(url)}/config/${encodeURIComponent(subject)}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ compatibility: level }),
  });
  assert.ok(response.ok, `${response.status} ${await response.text()}`);
}
