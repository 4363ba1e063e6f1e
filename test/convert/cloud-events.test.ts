import assert from 'node:assert/strict';
import { before, describe, mock, test } from 'node:test';
import { IcestreamError } from '../../src/base/errors.ts';
import type { Converter } from '../../src/convert/converter.ts';
import { loadConverter } from '../../src/convert/registry.ts';
import type { ConnectHeader } from '../../src/record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../src/record/connect-schema.ts';
import { type Case, casesFor, cloudEventsRecording } from './cloud-events-cases.ts';
import { parseRecorded } from './recorded.ts';

const CLASS = 'io.debezium.converters.CloudEventsConverter';
const recording = cloudEventsRecording();
const cases = casesFor(recording.url).map((it, i) => ({ ...it, result: recording.results[i]! }));

/**
 * A recorded registry's answers; it refuses schemas that the Java class did not register. Apicurio's client registers a schema
 * under the first subject only that it comes with; an id of content is the same under each.
 */
function answer(url: string | URL | Request, request?: RequestInit): Promise<Response> {
  assert.ok(String(url).startsWith(`${recording.url}/groups/default/artifacts?ifExists=RETURN_OR_UPDATE`));
  const asked = canonical(String(request?.body));
  const known = recording.schemas.find((it) => canonical(it.schema) === asked);
  registered.push(`${new Headers(request?.headers).get('X-Registry-ArtifactId')} ${asked}`);
  return Promise.resolve(
    known === undefined
      ? new Response('no such schema', { status: 409 })
      : Response.json({ contentId: known.id, globalId: known.id }),
  );
}

const registered: string[] = [];

function canonical(schema: string): string {
  return JSON.stringify(JSON.parse(schema));
}

before(() => {
  mock.method(globalThis, 'fetch', answer);
});

describe("events, and what is none, come out as Debezium's class makes them", () => {
  assert.equal(recording.results.length, cases.length);
  for (const [variant, own] of Map.groupBy(cases, (it) => it.variant)) {
    test(variant, async () => {
      const converter = await make(own[0]!.config);
      for (const it of own) await compareWithRecorded(converter, it, it.result);
    });
  }
});

async function compareWithRecorded(converter: Converter, it: Case, expected: string): Promise<void> {
  const { schema, value } = parseRecorded(it.value);
  const headers = Object.entries(it.headers).map(
    ([name, text]): ConnectHeader => ({ name, ...parseRecorded(text) }),
  );
  const converted = async () => await converter.convert(it.topic, schema, value, headers);
  if (expected.startsWith('!')) {
    await assert.rejects(converted, IcestreamError, expected);
    return;
  }
  const bytes = await converted();
  assert.equal(bytes === null, expected === 'null');
  if (bytes === null) return;
  // Texts first: they show where two differ.
  assert.equal(Buffer.from(bytes).toString(), Buffer.from(expected, 'base64').toString());
  assert.equal(Buffer.from(bytes).toString('base64'), expected);
}

test('every schema was registered under the subject that the Java class chose', () => {
  const missing = recording.schemas.filter(
    (it) => !registered.includes(`${it.subject} ${canonical(it.schema)}`),
  );
  assert.deepEqual(missing, []);
});

test('a value without a schema, and a tombstone, are no bytes', async () => {
  const converter = await make({});
  const { schema } = parseRecorded(cases[0]!.value);
  assert.equal(await converter.convert('t', null, 'text'), null);
  assert.equal(await converter.convert('t', schema, null), null);
  assert.equal(converter.nothing('t', schema), null);
});

test('no writer is to be had: it needs the whole record', async () => {
  const converter = await make({});
  assert.equal(converter.wholeRecords, true);
  assert.throws(() => converter.writer('t', { type: 'string', optional: false }), { code: 'convert.schema' });
});

test('id and type are made where `metadata.source` names the value alone', async () => {
  // Debezium leaves both null then, which no record can be.
  const converter = await make({ 'metadata.source': 'value', 'json.schemas.enable': 'false' });
  const index = cases.findIndex((it) => it.variant === 'without schemas');
  await compareWithRecorded(converter, cases[index]!, recording.results[index]!);
});

test('a password in the url of the registry is in no event', async () => {
  const [scheme, rest] = recording.url.split('//');
  const index = cases.findIndex((it) => it.variant === 'data in Avro');
  const it = cases[index]!;
  const config = { ...it.config, 'avro.apicurio.registry.url': `${scheme}//user:secret@${rest}` };
  await compareWithRecorded(await make(config), it, recording.results[index]!);
});

test('an event that its transform took apart is refused', async () => {
  const converter = await make({});
  const text: ConnectSchema = { type: 'string', optional: false };
  const schema: ConnectSchema = {
    type: 'struct',
    optional: false,
    name: 'a.Envelope',
    fields: [{ name: 'op', schema: text }],
  };
  const rejected = (of: ConnectSchema, value: ConnectValue) =>
    assert.rejects(async () => await converter.convert('t', of, value), { code: 'convert.schema' });
  await rejected(schema, ['c']);
  await rejected({ ...text, name: 'a.Envelope' }, 'c');
});

test('a configuration that cannot be is refused with its property', async () => {
  const wrong: readonly [string, Record<string, string>][] = [
    ['serializer.type', { 'serializer.type': 'xml' }],
    ['data.serializer.type', { 'serializer.type': 'avro' }],
    ['avro.schema.registry.url', { 'data.serializer.type': 'avro' }],
    ['metadata.source', { 'metadata.source': 'generate' }],
    ['metadata.source', { 'metadata.source': 'value,id:value' }],
    ['metadata.source', { 'metadata.source': 'value,subject:header' }],
    ['schema.name.adjustment.mode', { 'schema.name.adjustment.mode': 'some' }],
    ['extension.attributes.enable', { 'extension.attributes.enable': 'perhaps' }],
  ];
  for (const [property, config] of wrong) {
    const refused = (error: unknown) =>
      error instanceof IcestreamError &&
      error.code === 'config.invalid' &&
      error.context['property'] === property;
    await assert.rejects(() => make(config), refused, property);
  }
});

async function make(config: Readonly<Record<string, string>>): Promise<Converter> {
  return (await loadConverter(CLASS))!.create(config, false);
}
