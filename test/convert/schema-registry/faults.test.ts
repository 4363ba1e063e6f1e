import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { IcestreamError } from '../../../src/base/errors.ts';
import type { Converter } from '../../../src/convert/converter.ts';
import { loadConverter } from '../../../src/convert/registry.ts';
import type { ConnectSchema } from '../../../src/record/connect-schema.ts';
import { type Asked, type HttpAnswers, startHttpAnswers } from '../../harness/http-answers.ts';

/** What a registry that works does not do on demand; registry.kafka.test.ts asks a real one. */
let server: HttpAnswers;
let answer: { status: number; body: string };
const asked: Pick<Asked, 'path' | 'authorization'>[] = [];

before(async () => {
  server = await startHttpAnswers(({ path, authorization }) => {
    asked.push({ path, authorization });
    return answer;
  });
});
after(() => server.close());
beforeEach(() => {
  asked.length = 0;
});

const ROW: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'a.Row',
  fields: [{ name: 'f', schema: { type: 'string', optional: false } }],
};
const CONFLUENT = [
  'io.confluent.connect.avro.AvroConverter',
  'io.confluent.connect.protobuf.ProtobufConverter',
  'io.confluent.connect.json.JsonSchemaConverter',
];
const APICURIO = [
  'io.apicurio.registry.utils.converter.AvroConverter',
  'io.apicurio.registry.utils.converter.ExtJsonConverter',
];

for (const name of [...CONFLUENT, ...APICURIO]) {
  describe(name, () => {
    test('a registry that is down or overloaded is for a later time, and the same converter goes on then', async () => {
      const converter = await make(name, server.url);
      for (const status of [500, 502, 503, 429]) {
        answer = { status, body: '{"error_code":50001,"message":"not now"}' };
        const error = await failure(converter);
        assert.deepEqual([error.code, error.retry], ['convert.registry', 'backoff'], `${status}`);
        assert.match(error.message, new RegExp(`answered ${status} for t-value`));
      }
      answer = { status: 200, body: '<html>a proxy says hello</html>' };
      assert.equal((await failure(converter)).retry, 'backoff');
      answer = { status: 200, body: '{"id":7,"globalId":7,"contentId":7}' };
      assert.ok(await converter.convert('t', ROW, ['x']));
      const calls = asked.length;
      assert.ok(await converter.convert('t', ROW, ['y']));
      await converter.writer('t', ROW);
      assert.equal(asked.length, calls, 'registered once');
    });

    test('nobody listens: the url is named, its password is not', async () => {
      const error = await failure(await make(name, 'http://me:secret@127.0.0.1:1'));
      assert.deepEqual([error.code, error.retry], ['convert.registry', 'backoff']);
      assert.match(error.message, /http:\/\/127\.0\.0\.1:1\S* does not answer/);
      assert.match(error.hint, /url of the schema registry/);
      assert.ok(!JSON.stringify([error.message, error.context]).includes('secret'));
    });

    test('what is refused is for the operator, who is told what to do', async () => {
      const converter = await make(name, server.url);
      const cases: [number, string, RegExp, RegExp][] = [
        [401, 'convert.registry-refused', /refuses access to t-value \(401\)/, /credentials/],
        [403, 'convert.registry-refused', /refuses access to t-value \(403\)/, /rights/],
        [
          409,
          'convert.registry-schema',
          /incompatible with an earlier one of t-value/,
          /compatibility level/,
        ],
        [422, 'convert.registry-schema', /invalid for t-value \(422\): .*no such type/, /rename or exclude/],
        [404, 'convert.registry-schema', /does not have the schema of t-value/, /auto.register/],
      ];
      for (const [status, code, message, hint] of cases) {
        answer = { status, body: '{"error_code":42201,"message":"no such type"}' };
        const error = await failure(converter);
        assert.deepEqual([error.code, error.retry], [code, 'operator'], `${status}`);
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        assert.equal(error.context['subject'], 't-value');
      }
    });
  });
}

test('subjects, credentials and bearer tokens are those of the configuration, whatever the format', async () => {
  answer = { status: 200, body: '{"id":7}' };
  const strategy = 'io.confluent.kafka.serializers.subject.RecordNameStrategy';
  for (const name of CONFLUENT) {
    asked.length = 0;
    const url = server.url;
    const basic = { 'basic.auth.credentials.source': 'USER_INFO', 'basic.auth.user.info': 'me:secret' };
    const bearer = { 'bearer.auth.credentials.source': 'STATIC_TOKEN', 'bearer.auth.token': 'abc' };
    await (await make(name, url, { ...basic, 'value.subject.name.strategy': strategy })).convert('t', ROW, [
      'x',
    ]);
    await (await make(name, url, { ...bearer, 'normalize.schemas': 'true' })).convert('t', ROW, ['x']);
    assert.deepEqual(asked, [
      {
        path: '/subjects/a.Row/versions',
        authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
      },
      { path: '/subjects/t-value/versions?normalize=true', authorization: 'Bearer abc' },
    ]);
  }
});

test('what would put another id before records is refused, not passed over', async () => {
  const refused: Record<string, string>[] = [
    { 'use.schema.id': '7' },
    { 'value.schema.id.serializer': 'io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer' },
    { 'skip.known.types': 'false' },
    { 'bearer.auth.credentials.source': 'OAUTHBEARER' },
    { 'schema.registry.ssl.truststore.location': '/x' },
  ];
  for (const config of refused) {
    const [property] = Object.keys(config);
    await assert.rejects(make(CONFLUENT[1]!, 'http://127.0.0.1:1', config), {
      code: 'config.invalid',
      message: `The converter does not support ${property}`,
    });
  }
  await make(CONFLUENT[1]!, 'http://127.0.0.1:1', { 'use.schema.id': '-1', 'skip.known.types': 'true' });
});

async function make(name: string, url: string, config: Record<string, string> = {}): Promise<Converter> {
  const own: Record<string, string> = APICURIO.includes(name)
    ? { 'apicurio.registry.url': `${url}/apis/registry/v2`, 'apicurio.registry.auto-register': 'true' }
    : { 'schema.registry.url': url };
  return (await loadConverter(name))!.create({ ...own, ...config }, false);
}

async function failure(converter: Converter): Promise<IcestreamError> {
  try {
    await converter.convert('t', ROW, ['x']);
  } catch (error) {
    return error as IcestreamError;
  }
  assert.fail('the registry has refused');
}
