import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectRecord } from '../../src/record/connect-record.ts';
import { createChain } from '../../src/transform/chain.ts';
import { applyAtOnce } from './at-once.ts';

const KAFKA = 'org.apache.kafka.connect.transforms.';
const record: ConnectRecord = {
  topic: 'a.b',
  partition: null,
  keySchema: null,
  key: null,
  valueSchema: {
    type: 'struct',
    optional: true,
    fields: [{ name: 'x', schema: { type: 'int32', optional: true } }],
  },
  value: [1],
  timestampMs: null,
  headers: [],
};
const route = (alias: string, to: string) => ({
  [`transforms.${alias}.type`]: `${KAFKA}RegexRouter`,
  [`transforms.${alias}.regex`]: '(.*)',
  [`transforms.${alias}.replacement`]: to,
});

test('transforms apply in the order of their list, and a record that one drops is gone', () => {
  const config = { transforms: 'b,a', ...route('a', '$1-a'), ...route('b', '$1-b') };
  assert.equal(applyAtOnce(createChain(config), record)?.topic, 'a.b-b-a');
  const drop = { ...config, transforms: 'b,f,a', 'transforms.f.type': `${KAFKA}Filter` };
  assert.equal(applyAtOnce(createChain(drop), record), null);
  assert.equal(createChain({}).isEmpty, true);
});

test('predicates choose the records, negated or not', () => {
  const applies = (predicate: Record<string, string>, negate: string, given = record) => {
    const own = Object.fromEntries(
      Object.entries(predicate).map(([name, value]) => [`predicates.p.${name}`, value]),
    );
    const config = { transforms: 'r', ...route('r', 'routed'), predicates: 'p', ...own };
    const chain = createChain({ ...config, 'transforms.r.predicate': 'p', 'transforms.r.negate': negate });
    return applyAtOnce(chain, given)?.topic === 'routed';
  };
  const matches = (pattern: string) => ({ type: `${KAFKA}predicates.TopicNameMatches`, pattern });
  assert.deepEqual(
    ['a.*', 'a'].map((pattern) => applies(matches(pattern), 'false')),
    [true, false],
  );
  assert.equal(applies(matches('a.*'), 'true'), false);
  const tombstone = { type: `${KAFKA}predicates.RecordIsTombstone` };
  assert.equal(applies(tombstone, 'false'), false);
  assert.equal(applies(tombstone, 'false', { ...record, value: null }), true);
  const header = { type: `${KAFKA}predicates.HasHeaderKey`, name: 'h' };
  assert.equal(applies(header, 'false'), false);
  assert.equal(
    applies(header, 'false', { ...record, headers: [{ name: 'h', schema: null, value: null }] }),
    true,
  );
});

test('what is missing or wrong is said in the words of Connect', () => {
  const message = (config: Record<string, string>, expected: string | RegExp) =>
    assert.throws(() => createChain(config), { code: 'config.invalid', message: expected });
  message(
    { transforms: 'a', 'transforms.a.type': 'no.such.Smt' },
    'Invalid value no.such.Smt for configuration transforms.a.type: Class no.such.Smt could not be found.',
  );
  message(
    { transforms: 'a' },
    'Missing required configuration "transforms.a.type" which has no default value.',
  );
  message(
    { transforms: 'a', ...route('a', 'x'), 'transforms.a.predicate': 'p' },
    /Predicate is not defined$/,
  );
  message({ transforms: 'a', ...route('a', '$7') }, /No group 7$/);
  const { 'transforms.a.replacement': _, ...incomplete } = route('a', 'x');
  message(
    { transforms: 'a', ...incomplete },
    'Missing required configuration "replacement" which has no default value.',
  );
});

test('a failure names the transform and the topic, and no value', () => {
  const config = {
    transforms: 'k',
    'transforms.k.type': `${KAFKA}ExtractField$Value`,
    'transforms.k.field': 'missing',
  };
  assert.throws(() => applyAtOnce(createChain(config), record), {
    code: 'transform.record',
    message: 'Unknown field: missing',
    context: { transform: 'k', class: `${KAFKA}ExtractField$Value`, topic: 'a.b' },
  });
});

test('schemas that a transform derives are the same objects for the same schema', () => {
  const config = {
    transforms: 'h,c',
    'transforms.h.type': `${KAFKA}HoistField$Value`,
    'transforms.h.field': 'f',
  };
  const chain = createChain({
    ...config,
    'transforms.c.type': `${KAFKA}SetSchemaMetadata$Value`,
    'transforms.c.schema.name': 'n',
  });
  const [first, second] = [applyAtOnce(chain, record), applyAtOnce(chain, { ...record, value: [2] })];
  assert.ok(first?.valueSchema);
  assert.equal(first.valueSchema, second?.valueSchema);
});

test('a tombstone has the headers that its delete was given, another record does not', () => {
  const image = { type: 'struct', optional: true, fields: [] } as const;
  const envelope: ConnectRecord['valueSchema'] = {
    type: 'struct',
    optional: false,
    name: 'a.b.Envelope',
    fields: ['before', 'after'].map((name) => ({ name, schema: image })),
  };
  const chain = createChain({
    transforms: 'c',
    'transforms.c.type': 'io.debezium.transforms.ExtractChangedRecordState',
    'transforms.c.header.changed.name': 'changed',
  });
  const deleted = { ...record, key: ['1'], valueSchema: envelope, value: [[], null] };
  const tombstone = { ...deleted, key: ['1'], valueSchema: null, value: null };
  const names = (given: ConnectRecord) => applyAtOnce(chain, given)?.headers.map(({ name }) => name);
  assert.deepEqual([names(deleted), names(tombstone)], [['changed'], ['changed']]);
  assert.deepEqual([names(deleted), names({ ...tombstone, key: ['2'] })], [['changed'], []]);
});
