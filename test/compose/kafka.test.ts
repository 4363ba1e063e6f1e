import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { converterClass } from '../../src/convert/registry.ts';
import { readConnectorFile } from '../../src/runtime/connector-file.ts';
import { parseProperties } from '../../src/runtime/properties.ts';
import { readWorkerConfig } from '../../src/runtime/worker-config.ts';
import { ROOT, readCompose, variablesOf } from './files.ts';

const { services, name } = readCompose('kafka.yml');
const { kafka, registry, icestream } = services;
const environment = { ...icestream.environment };
const connectors = globSync('postgres-kafka*.json', { cwd: join(ROOT, 'configs') });

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

test('the container is told every variable that one of its files refers to, and no other', () => {
  const files = ['compose/worker-kafka.properties', ...connectors.map((file) => `configs/${file}`)];
  assert.equal(connectors.length, 3);
  assert.deepEqual(Object.keys(environment).sort(), variablesOf(files.map(read).join()));
});

test('the command names files that are mounted; the connector is chosen by a variable', () => {
  const [worker, connector] = icestream.command!;
  const mounts = (icestream.volumes ?? []).map((volume) => volume.split(':'));
  const fileOf = (path: string) => {
    const mount = mounts.find(([, target]) => path === target || path.startsWith(`${target}/`));
    return join('compose', path.replace(mount![1]!, mount![0]!));
  };
  assert.equal(fileOf(worker!), 'compose/worker-kafka.properties');
  const choice = /\$\{CONFIG:-([\w-]+)\}/.exec(connector!);
  assert.equal(fileOf(connector!.replace(choice![0], choice![1]!)), 'configs/postgres-kafka.json');
  const shown = [...read('compose/kafka.yml').matchAll(/CONFIG=([\w-]+) docker compose/g)].map(
    (it) => `${it[1]}.json`,
  );
  assert.deepEqual([`${choice![1]}.json`, ...shown].sort(), [...connectors].sort());
});

test('its volumes are not those of the other stack, whose slots know other offsets', () => {
  assert.notEqual(name ?? 'compose', readCompose('docker-compose.yml').name ?? 'compose');
});

test('brokers are reached where Kafka listens and says that it does', () => {
  const listeners = new Map(
    kafka
      .environment!['KAFKA_ADVERTISED_LISTENERS']!.split(',')
      .map((it) => it.split('://') as [string, string]),
  );
  const inside = listeners.get(kafka.environment!['KAFKA_INTER_BROKER_LISTENER_NAME']!);
  assert.equal(inside, 'kafka:19092');
  assert.equal(environment['KAFKA'], inside);
  assert.equal(registry.environment!['APICURIO_KAFKASQL_BOOTSTRAP_SERVERS'], inside);
  const ports = new Map(
    kafka.environment!['KAFKA_LISTENERS']!.split(',').map((it) => it.split('://:') as [string, string]),
  );
  for (const [listener, address] of listeners) assert.equal(address.split(':')[1], ports.get(listener));
  const [, voter] = kafka.environment!['KAFKA_CONTROLLER_QUORUM_VOTERS']!.split('@');
  assert.equal(voter, `kafka:${ports.get('CONTROLLER')}`);
  assert.deepEqual(kafka.ports, [`${listeners.get('OUTSIDE')}:${ports.get('OUTSIDE')}`]);
});

test('the registry is reached where it listens', () => {
  const url = new URL(environment['SCHEMA_REGISTRY']!);
  assert.ok(Object.hasOwn(services, url.hostname));
  assert.equal(url.port, registry.ports![0]!.split(':')[2]);
});

test('the lake lies in the volume', () => {
  const state = icestream.volumes!.map((it) => it.split(':')).find(([source]) => source === 'icestream')![1]!;
  for (const variable of ['CATALOG_URI', 'WAREHOUSE'])
    assert.ok(environment[variable]!.includes(`${state}/`));
});

test("the container's worker file is the one of configs/ but for where it listens and keeps its state", () => {
  const [own, example] = ['compose', 'configs'].map((folder) =>
    parseProperties(read(`${folder}/worker-kafka.properties`)),
  );
  const place = { listeners: '', 'icestream.state.dir': '' };
  assert.deepEqual({ ...own, ...place }, { ...example, ...place });
  assert.equal(own!['listeners'], 'http://0.0.0.0:8083');
});

for (const file of connectors) {
  test(`configs/${file} resolves, with converters that are there`, () => {
    const worker = readWorkerConfig(parseProperties(read('compose/worker-kafka.properties')), environment);
    assert.ok(worker.notes.every((note) => note.startsWith('bootstrap.servers: ')));
    const { name, config } = readConnectorFile(join(ROOT, 'configs', file));
    assert.equal(name, 'shop');
    const resolved = worker.providers.resolve(config);
    assert.ok(!JSON.stringify(resolved).includes('${'));
    for (const side of ['key.converter', 'value.converter'])
      if (resolved[side] !== undefined) assert.equal(converterClass(resolved[side]), resolved[side]);
  });
}
