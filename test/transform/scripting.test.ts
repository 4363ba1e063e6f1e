import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectRecord } from '../../src/record/connect-record.ts';
import { type ConnectSchema, DECIMAL } from '../../src/record/connect-schema.ts';
import { createChain } from '../../src/transform/chain.ts';
import { transformClass } from '../../src/transform/registry.ts';
import { applyAtOnce } from './at-once.ts';

const FILTER = 'io.debezium.transforms.Filter';
const ROUTER = 'io.debezium.transforms.ContentBasedRouter';
const STRING: ConnectSchema = { type: 'string', optional: true };
const ROW: ConnectSchema = {
  type: 'struct',
  optional: true,
  fields: [
    { name: 'id', schema: { type: 'int64', optional: false } },
    { name: 'name', schema: STRING },
    {
      name: 'price',
      schema: { type: 'bytes', optional: true, name: DECIMAL, parameters: { scale: '2' } },
    },
    { name: 'tags', schema: { type: 'array', optional: true, values: STRING } },
    { name: 'size', schema: { ...STRING, default: 'L' } },
  ],
};
const ENVELOPE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 's.t.Envelope',
  version: 2,
  fields: [
    { name: 'before', schema: ROW },
    { name: 'after', schema: ROW },
    { name: 'op', schema: STRING },
  ],
};
const record: ConnectRecord = {
  topic: 's.public.t',
  partition: null,
  keySchema: { type: 'struct', optional: false, fields: [{ name: 'id', schema: STRING }] },
  key: ['k1'],
  valueSchema: ENVELOPE,
  value: [null, [9007199254740993n, "O'Brien", { unscaled: 150n, scale: 2 }, ['a', null], null], 'u'],
  timestampMs: null,
  headers: [{ name: 'h', schema: STRING, value: 'one' }],
};

function keeps(language: string, condition: string, more: Record<string, string> = {}): boolean {
  const chain = createChain({
    transforms: 'f',
    'transforms.f.type': FILTER,
    'transforms.f.language': language,
    'transforms.f.condition': condition,
    ...more,
  });
  return applyAtOnce(chain, record) !== null;
}

const TRUE: Readonly<Record<string, readonly string[]>> = {
  'jsr223.graal.js': [
    "value.op == 'u' && value.before == null",
    'value.after.id == 9007199254740993n',
    "value.after.name === 'O\\'Brien'",
    'value.after.price > 1.4 && value.after.price < 1.6',
    "value.after.tags.length == 2 && value.after.tags[0] == 'a'",
    "value.after.size == 'L'",
    "topic == 's.public.t' && key.id == 'k1' && headers.h.value == 'one'",
    "valueSchema.name() == 's.t.Envelope' && valueSchema.field('after').schema().field('id').schema().type() == 'INT64'",
    "const op = value.op; let found = false; for (const x of ['c', 'u']) if (x == op) found = true; found",
    'value.nothing === undefined',
    'typeof process == "undefined" && typeof require == "undefined" && typeof console == "undefined"',
  ],
  'jsr223.groovy': [
    "value.op == 'u' && value.before == null",
    "value.op != 'd' || value.before.id == 1",
    'value.before?.id == null',
    'value.after.id == 9007199254740993 && value.after.id > 9007199254740992',
    "value.after.name == 'O\\'Brien' && value.after.name.startsWith('O') && value.after.name.contains(\"Br\")",
    'value.after.price == 1.5 && value.after.price >= 1 && value.after.price < 2',
    "value.op in ['c', 'u'] && !(value.op in ['d'])",
    "value.after.tags.contains('a') && value.after.tags.size() == 2",
    "value.after.size == 'L' && value.get('op') == 'u' && value['op'] == 'u'",
    "topic ==~ /s\\.public\\..*/ && topic =~ 'pub' && !(topic ==~ 'pub') && topic.matches('s.*t')",
    "key.id == 'k1' && headers.h.value == 'one' && headers.containsKey('h') && !headers.containsKey('x')",
    "valueSchema.name() == 's.t.Envelope' && valueSchema.version() == 2",
    'value.after && value.after.name // a comment',
  ],
};

for (const [language, conditions] of Object.entries(TRUE)) {
  for (const condition of conditions) {
    test(`${language}: ${condition}`, () => {
      assert.equal(keeps(language, condition), true);
      const opposite = language === 'jsr223.groovy' ? `!(${condition.replace(/\/\/.*/, '')})` : null;
      if (opposite !== null) assert.equal(keeps(language, opposite), false);
    });
  }
}

test('what is no part of the Groovy subset is refused before anything runs, and named', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    'value.op = "u"': /'=' at position 9 is not supported/,
    'value.each { it }': /'\{' at position 11 is not supported/,
    'def x = 1': /'=' at position 6/,
    'System.exit(1)': /'System' at position 0/,
    'value.getClass()': /method getClass with 0 arguments/,
    '"${value.op}" == "u"': /\$ in double quotes/,
    'value.op ==': /has no end/,
    'value.op =~ value.op': /a pattern after =~ that is not a text/,
    'value.a.b.c(1)': /method c with 1 arguments/,
  };
  for (const [condition, message] of Object.entries(refused)) {
    const config = { language: 'jsr223.groovy', condition };
    assert.match(transformClass(FILTER)!.check!(config) ?? 'accepted', message);
  }
  const language = { language: 'wasm.chicory', condition: 'x' };
  assert.match(transformClass(FILTER)!.check!(language)!, /this service has jsr223.graal.js, jsr223.groovy/);
  assert.match(
    transformClass(FILTER)!.check!({ language: 'jsr223.graal.js', condition: '(' })!,
    /Unexpected/,
  );
});

test('a script that fails or does not end stops the task without quoting values', () => {
  const fails = (language: string, condition: string, message: RegExp) =>
    assert.throws(() => keeps(language, condition), { code: 'transform.script', message });
  fails('jsr223.groovy', 'value.missing == 1', /missing is not a valid field name/);
  fails('jsr223.groovy', 'value.before.id == 1', /Cannot get property 'id' on null object/);
  fails('jsr223.groovy', "'text'", /is not a Boolean/);
  fails('jsr223.graal.js', 'value.before.id == 1', /TypeError: .*reading 'id'/);
  fails('jsr223.graal.js', 'throw new Error(value.after.name)', /: it threw$/);
  fails('jsr223.graal.js', '1', /is not a Boolean/);
  const endless = ['while (true);', '(function f() { for (;;); })()', '/(a+)+$/.test("a".repeat(50) + "b")'];
  for (const script of endless) fails('jsr223.graal.js', script, /did not end within 1000 ms/);
});

test('a script reaches nothing outside of its realm', () => {
  const tries = [
    "this.constructor.constructor('return typeof process')() == 'object'",
    "value.constructor.constructor('return typeof process')() == 'object'",
    "headers.h.value.constructor.constructor('return process')() != null",
    "eval('1') == 1",
  ];
  for (const script of tries)
    assert.throws(() => keeps('jsr223.graal.js', script), { code: 'transform.script' }, script);
  assert.match(
    transformClass(FILTER)!.check!({ language: 'jsr223.graal.js', condition: "import('fs')" })!,
    /import is not available/,
  );
  assert.equal(keeps('jsr223.graal.js', "value.op = 'x'; value.op == 'u'"), true);
});

test('routing by content, the topics it applies to, and null values', () => {
  const route = (language: string, expression: string, more: Record<string, string> = {}) =>
    createChain({
      transforms: 'r',
      'transforms.r.type': ROUTER,
      'transforms.r.language': language,
      'transforms.r.topic.expression': expression,
      ...more,
    });
  const choice = "value.op == 'u' ? 'updates-' + value.after.size : null";
  for (const language of ['jsr223.graal.js', 'jsr223.groovy']) {
    assert.equal(applyAtOnce(route(language, choice), record)?.topic, 'updates-L');
    assert.equal(applyAtOnce(route(language, choice.replace("'u'", "'d'")), record)?.topic, 's.public.t');
    const others = { 'transforms.r.topic.regex': 'other' };
    assert.equal(applyAtOnce(route(language, choice, others), record)?.topic, 's.public.t');
    const tombstone = { ...record, valueSchema: null, value: null };
    assert.equal(applyAtOnce(route(language, choice), tombstone)?.topic, 's.public.t');
    const drop = { 'transforms.r.null.handling.mode': 'drop' };
    assert.equal(applyAtOnce(route(language, choice, drop), tombstone), null);
    const evaluate = { 'transforms.r.null.handling.mode': 'evaluate' };
    assert.equal(
      applyAtOnce(route(language, "value == null ? 'gone' : null", evaluate), tombstone)?.topic,
      'gone',
    );
  }
});
