import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPostgresProperty, parsePostgresConfig } from '../../../src/capture/postgres/config.ts';
import { createFilters } from '../../../src/capture/postgres/filters.ts';

const REQUIRED = {
  'topic.prefix': 'shop',
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'plugin.name': 'pgoutput',
};

test('missing values are named as Debezium names them', () => {
  const { errors } = parsePostgresConfig({});
  assert.deepEqual(Object.fromEntries(errors), {
    'topic.prefix': ['A value is required'],
    'database.hostname': ['A value is required'],
    'database.user': ['A value is required'],
    'database.dbname': ['A value is required'],
  });
});

test('bad values are told as Debezium tells them', () => {
  const { errors } = parsePostgresConfig({
    ...REQUIRED,
    'topic.prefix': 'bad prefix!',
    'database.port': '99999x',
    'snapshot.mode': 'bogus',
    'decimal.handling.mode': 'zz',
    'plugin.name': 'foo',
    'table.include.list': 'public.t',
    'table.exclude.list': 'a.b',
  });
  assert.deepEqual(Object.fromEntries(errors), {
    'topic.prefix': [
      'bad prefix! has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)',
    ],
    'database.port': ['An integer is expected', 'An integer is expected'],
    'plugin.name': ['Value must be one of decoderbufs, pgoutput'],
    'snapshot.mode': [
      'Value must be one of always, initial_only, configuration_based, when_needed, initial, custom, no_data',
    ],
    'decimal.handling.mode': ['Value must be one of string, double, precise'],
    'table.exclude.list': ['"table.include.list" is already specified'],
  });
});

test('malformed patterns, slots and keys are refused with their reason', () => {
  const { errors } = parsePostgresConfig({
    ...REQUIRED,
    'table.include.list': 'public.(',
    'slot.name': 'Bad-Slot',
    'message.key.columns': 'nonsense',
    'column.mask.hash.NOPE-1.with.salt.x': 'a.b.c',
    'replica.identity.autoset.values': 'a.b:SOMETIMES',
    converters: 'mine',
  });
  assert.deepEqual([...errors.keys()].sort(), [
    'column.mask.hash.NOPE-1.with.salt.x',
    'converters',
    'message.key.columns',
    'replica.identity.autoset.values',
    'slot.name',
    'table.include.list',
  ]);
});

test('older names and values go on working, with a warning each', () => {
  const { config, errors, warnings } = parsePostgresConfig({
    ...REQUIRED,
    'flush.lsn.source': 'false',
    'table.whitelist': 'public.a',
    'snapshot.mode': 'never',
  });
  assert.equal(errors.size, 0);
  assert.equal(config['lsn.flush.mode'], 'manual');
  assert.equal(config['table.include.list'], 'public.a');
  assert.equal(config['snapshot.mode'], 'no_data');
  assert.equal(warnings.length, 3);
});

test('families of properties are parsed into rules', () => {
  const { config } = parsePostgresConfig({
    ...REQUIRED,
    'message.key.columns': 'public.a:x,y;public.b.*:z',
    'snapshot.select.statement.overrides': 'public.a',
    'snapshot.select.statement.overrides.public.a': 'SELECT * FROM public.a WHERE x > 1',
    'column.mask.with.3.chars': 'public.a.secret',
    'column.truncate.to.5.chars': 'public.a.long',
    'replica.identity.autoset.values': 'public.a:FULL,public.b:INDEX b_key',
  });
  assert.deepEqual(
    config.keyColumns.map((rule) => rule.columns),
    [['x', 'y'], ['z']],
  );
  assert.equal(config.selectOverrides.get('public.a'), 'SELECT * FROM public.a WHERE x > 1');
  assert.deepEqual(
    config.masks.map((rule) => rule.mask),
    [
      { kind: 'chars', count: 3 },
      { kind: 'truncate', length: 5 },
    ],
  );
  assert.deepEqual(
    config.replicaIdentities.map((rule) => rule.identity),
    ['FULL', 'INDEX b_key'],
  );
});

test('known properties are known, others are not', () => {
  for (const key of ['slot.name', 'flush.lsn.source', 'column.mask.with.10.chars', 'driver.foo']) {
    assert.ok(isPostgresProperty(key), key);
  }
  for (const key of ['slot.nmae', 'table.inclde.list']) assert.ok(!isPostgresProperty(key), key);
});

test('include lists are anchored, take letters of any case, and let the signal table through', () => {
  const { config } = parsePostgresConfig({
    ...REQUIRED,
    'schema.include.list': 'inv.*',
    'table.include.list': 'inventory.orders, inventory.cust.*',
    'column.exclude.list': 'inventory.orders.secret',
    'signal.data.collection': 'd.admin.signals',
  });
  const filters = createFilters(config);
  assert.ok(filters.table('inventory', 'orders'));
  assert.ok(filters.table('inventory', 'CUSTOMERS'));
  assert.ok(!filters.table('inventory', 'orders_old'));
  assert.ok(filters.table('admin', 'signals'));
  assert.ok(filters.isSignalTable('admin', 'signals'));
  assert.ok(!filters.inSnapshot('admin', 'signals'));
  assert.ok(!filters.column('inventory', 'orders', 'secret'));
  assert.ok(filters.column('inventory', 'orders', 'secrets'));
});

test('tables of the server itself are left out', () => {
  const filters = createFilters(parsePostgresConfig(REQUIRED).config);
  assert.ok(!filters.table('pg_catalog', 'pg_class'));
  assert.ok(filters.table('public', 't'));
});
