import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  requireTransformsForLake,
  withKafkaDefaults,
  withSinkDefaults,
} from '../../src/runtime/sink-defaults.ts';

const worker = (properties: Record<string, string> = {}) => ({ properties, stateDir: '/var/lib/icestream' });

test('a plain Debezium configuration lands in a lake under the state directory', () => {
  assert.deepEqual(withSinkDefaults({ 'topic.prefix': 'p' }, worker()), {
    'topic.prefix': 'p',
    sinks: 'iceberg',
    'iceberg.catalog.type': 'sql',
    'iceberg.catalog.uri': 'sqlite:////var/lib/icestream/catalog.db',
    'iceberg.catalog.warehouse': '/var/lib/icestream/warehouse',
  });
});

test('a catalog alone says that the lake is meant', () => {
  const config = { 'iceberg.catalog.type': 'rest', 'iceberg.catalog.uri': 'u' };
  assert.deepEqual(withSinkDefaults(config, worker()), { ...config, sinks: 'iceberg' });
  const commit = withSinkDefaults({ 'iceberg.control.commit.interval-ms': '500' }, worker());
  assert.equal(commit['iceberg.catalog.warehouse'], '/var/lib/icestream/warehouse');
});

test('what the connector says is left alone', () => {
  const config = { sinks: 'iceberg', 'iceberg.catalog.type': 'rest' };
  assert.deepEqual(withSinkDefaults(config, worker()), config);
});

test('the worker file speaks for connectors that do not', () => {
  const shared = {
    sinks: 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.catalog.uri': 'u',
    'group.id': 'g',
  };
  assert.deepEqual(withSinkDefaults({ 'iceberg.catalog.uri': 'own' }, worker(shared)), {
    sinks: 'iceberg',
    'iceberg.catalog.type': 'rest',
    'iceberg.catalog.uri': 'own',
  });
});

test('a worker with Kafka publishes there unless the connector names sinks', () => {
  const kafka = worker({ 'bootstrap.servers': 'k:9092' });
  assert.deepEqual(withSinkDefaults({ a: 'b' }, kafka), { a: 'b', sinks: 'kafka' });
  assert.deepEqual(withSinkDefaults({ sinks: 'iceberg' }, kafka), { sinks: 'iceberg' });
});

test('what the worker says of Kafka holds for connectors that do not; a converter comes whole from one of them', () => {
  const kafka = worker({
    'bootstrap.servers': 'k:9092',
    'key.converter': 'KeyOfTheWorker',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'ValueOfTheWorker',
    'value.converter.schemas.enable': 'false',
    'producer.linger.ms': '5',
    'rest.port': '8083',
  });
  assert.deepEqual(withKafkaDefaults({ 'value.converter': 'Own' }, kafka), {
    'bootstrap.servers': 'k:9092',
    'key.converter': 'KeyOfTheWorker',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'Own',
    'producer.linger.ms': '5',
  });
});

test('L-8 a transform that changes row values does not go to the lake unseen', () => {
  const mask = {
    sinks: 'kafka,iceberg',
    transforms: 'm',
    'transforms.m.type': 'org.apache.kafka.connect.transforms.MaskField$Value',
  };
  assert.throws(() => requireTransformsForLake(mask), { code: 'config.invalid' });
  requireTransformsForLake({ ...mask, sinks: 'kafka' });
  requireTransformsForLake({
    sinks: 'iceberg',
    transforms: 'r',
    'transforms.r.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.r.regex': '.*',
    'transforms.r.replacement': 'all',
  });
});
