import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import * as config from '../../src/base/config.ts';

const SCHEMA = {
  name: config.requiredText(),
  port: config.int(5432, 1),
  mode: config.oneOf(['initial', 'no_data'], 'initial'),
  flag: config.boolean(false),
  tables: config.list([]),
  secret: config.password(),
  delay: config.long(10, 0),
};

test('defaults fill what is not given, and the result is frozen', () => {
  const { values, errors } = config.parseConfig(SCHEMA, { name: 'x' });
  assert.equal(errors.size, 0);
  assert.equal(values.port, 5432);
  assert.equal(values.mode, 'initial');
  assert.ok(Object.isFrozen(values));
});

test('enums and booleans take letters of any case', () => {
  const { values } = config.parseConfig(SCHEMA, { name: 'x', mode: ' NO_DATA ', flag: 'True' });
  assert.equal(values.mode, 'no_data');
  assert.equal(values.flag, true);
});

test('each invalid value gives its reason', () => {
  const bad = { port: '0', mode: 'never', flag: '1', delay: '-1' };
  const { errors } = config.parseConfig(SCHEMA, bad);
  assert.deepEqual(Object.fromEntries(errors), {
    name: ['A value is required'],
    port: ['A positive, non-zero integer value is expected'],
    mode: ['Value must be one of initial, no_data'],
    flag: ["Either 'true' or 'false' is expected"],
    delay: ['A non-negative long value is expected'],
  });
});

test('a secret prints as *** and is revealed only when asked', () => {
  const { values } = config.parseConfig(SCHEMA, { name: 'x', secret: 'hunter2' });
  assert.equal(values.secret.reveal(), 'hunter2');
  assert.ok(!(inspect(values) + JSON.stringify(values) + values.secret).includes('hunter2'));
});

test('an unknown key is told with the nearest known one', () => {
  const known = Object.keys(SCHEMA);
  const unknown = config.unknownKeys({ nane: '', tbales: '', zzzzzz: '', name: '' }, known, (key) =>
    known.includes(key),
  );
  assert.deepEqual(unknown, [
    { key: 'nane', nearest: 'name' },
    { key: 'tbales', nearest: 'tables' },
    { key: 'zzzzzz', nearest: null },
  ]);
});

test('lists split at unescaped commas', () => {
  assert.deepEqual(config.splitList('a, b\\,c ,, \\d'), ['a', 'b,c', '\\d']);
});
