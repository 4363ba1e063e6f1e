import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { POSTGRES, send, startWorker } from './worker.ts';

const worker = await startWorker();
after(() => worker.close());

const ICEBERG = {
  sinks: 'iceberg',
  'iceberg.catalog.type': 'sql',
  'iceberg.catalog.uri': 'sqlite:///tmp/c.db',
  'iceberg.catalog.warehouse': '/tmp/w',
};

async function validate(config: Record<string, unknown>) {
  const path = '/connector-plugins/PostgresConnector/config/validate';
  const { json } = await send(worker.url, 'PUT', path, { ...POSTGRES, name: 'x', ...config });
  const errors: Record<string, string[]> = {};
  for (const { value } of json.configs) if (value.errors.length > 0) errors[value.name] = value.errors;
  const names: string[] = json.configs.map(({ value }: { value: { name: string } }) => value.name);
  return { errors, names, groups: json.groups as string[], count: json.error_count as number };
}

test('C-2 sinks and iceberg.* are spoken of only where they are used', async () => {
  const plain = await validate({});
  assert.equal(
    plain.names.some((name) => name === 'sinks' || name.startsWith('iceberg.')),
    false,
  );
  assert.equal(plain.groups.includes('Iceberg'), false);
  const lake = await validate(ICEBERG);
  assert.deepEqual(lake.errors, {});
  assert.equal(lake.groups.at(-1), 'Iceberg');
  assert.deepEqual(
    lake.names.slice(0, plain.names.length),
    plain.names,
    'otherwise the answers are the same',
  );
});

test('the sink checks its own properties', async () => {
  const { errors, count } = await validate({
    ...ICEBERG,
    'iceberg.catalog.type': 'hive',
    'iceberg.control.commit.interval-ms': 'x',
  });
  assert.deepEqual(Object.keys(errors).sort(), [
    'iceberg.catalog.type',
    'iceberg.control.commit.interval-ms',
  ]);
  assert.equal(count, 2);
  assert.match(
    (await validate({ sinks: 'iceberg,pulsar' })).errors['sinks']![0]!,
    /the sink pulsar is not supported/,
  );
  const { errors: incomplete } = await validate({ 'iceberg.catalog.type': 'sql' });
  assert.deepEqual(Object.keys(incomplete), ['iceberg.catalog.uri', 'iceberg.catalog.warehouse']);
  const kafka = await startWorker({ 'bootstrap.servers': 'k:9092' });
  const body = { ...POSTGRES, name: 'x', 'iceberg.catalog.type': 'sql' };
  const path = '/connector-plugins/PostgresConnector/config/validate';
  const { json } = await send(kafka.url, 'PUT', path, body);
  const sinks = json.configs.find(({ value }: { value: { name: string } }) => value.name === 'sinks');
  assert.match(sinks.value.errors[0], /but sinks names none/);
  await kafka.close();
});

test('L-8 a transform that changes row values is refused for the lake, one that shapes records is not', async () => {
  const mask = {
    transforms: 'm',
    'transforms.m.type': 'org.apache.kafka.connect.transforms.MaskField$Value',
    'transforms.m.fields': 'secret',
  };
  assert.deepEqual((await validate(mask)).errors, {});
  assert.match(
    (await validate({ ...ICEBERG, ...mask })).errors['transforms.m.type']![0]!,
    /changes row values/,
  );
  const unwrap = { transforms: 'u', 'transforms.u.type': 'io.debezium.transforms.ExtractNewRecordState' };
  const answer = await validate({ ...ICEBERG, ...unwrap });
  assert.deepEqual(answer.errors, {});
  assert.ok(answer.groups.includes('Transforms: u'));
});

test('the framework checks what is its own', async () => {
  const { errors } = await validate({
    'tasks.max': '0',
    'tasks.max.enforce': 'maybe',
    'errors.retry.timeout': '99999999999999999999',
    'errors.tolerance': 'some',
    'exactly.once.support': 'Requested',
    transforms: 'a,a',
  });
  assert.deepEqual(errors['tasks.max'], [
    'Invalid value 0 for configuration tasks.max: Value must be at least 1',
  ]);
  assert.match(errors['tasks.max.enforce']![0]!, /Expected value to be either true or false$/);
  assert.match(errors['errors.retry.timeout']![0]!, /Not a number of type LONG$/);
  assert.match(errors['errors.tolerance']![0]!, /String must be one of: none, all$/);
  assert.equal('exactly.once.support' in errors, false);
  assert.match(errors['transforms']![0]!, /Duplicate alias provided\.$/);
});

test('null values, unresolvable references and unknown keys', async () => {
  const { errors, count, names } = await validate({
    nothing: null,
    'database.password': '$' + '{env:NOT_THERE}',
    unknown: 'x',
  });
  assert.deepEqual(errors['nothing'], ['Null value can not be supplied as the configuration value.']);
  assert.match(errors['database.password']![0]!, /config provider env has no NOT_THERE/);
  assert.equal(count, 2);
  assert.equal(names.includes('unknown'), false, 'unknown keys are accepted and not shown');
});

test('every property of the connector is documented in one line', async () => {
  const { json } = await send(worker.url, 'GET', '/connector-plugins/Postgres/config');
  for (const { name, documentation } of json) {
    assert.match(documentation, /^[^\n]{10,220}\.$/, name);
  }
});
