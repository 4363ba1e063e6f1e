import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConnectorFile } from '../../src/runtime/connector-file.ts';
import { parseProperties } from '../../src/runtime/properties.ts';
import { readWorkerConfig } from '../../src/runtime/worker-config.ts';
import { COMPOSE, ROOT, readCompose, variablesOf } from './files.ts';
import { parseYaml } from './yaml.ts';

/** No Docker engine is needed for what these look at: that the files fit each other. */
const CONNECTOR = join(ROOT, 'configs/postgres-iceberg.json');

for (const file of readdirSync(COMPOSE).filter((name) => name.endsWith('.yml'))) {
  const compose = readCompose(file);
  const services = Object.entries(compose.services);
  describe(`compose/${file}`, () => {
    test('every service has a pinned image or a Dockerfile that is there', () => {
      for (const [name, { image, build }] of services) {
        if (build === undefined) {
          assert.match(image ?? '', /^[\w./-]+:(?!latest)[\w.-]+$/, name);
          continue;
        }
        const context = join(COMPOSE, build.context);
        const dockerfile = join(context, build.dockerfile);
        for (const [, sources] of readFileSync(dockerfile, 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
          for (const source of sources.split(' ')) assert.ok(existsSync(join(context, source)), source);
        }
      }
    });

    test('services depend on services that are there whenever they are', () => {
      for (const [name, service] of services) {
        const needed = service.depends_on ?? [];
        for (const other of Array.isArray(needed) ? needed : Object.keys(needed)) {
          assert.ok(Object.hasOwn(compose.services, other), `${name} depends on ${other}`);
          for (const profile of compose.services[other].profiles ?? [])
            assert.ok(service.profiles?.includes(profile), `${name} depends on ${other}`);
        }
      }
    });

    test('services mount files that are there and volumes that are declared', () => {
      for (const [name, service] of services) {
        for (const volume of service.volumes ?? []) {
          const [source] = volume.split(':');
          const isThere = source.startsWith('.')
            ? existsSync(join(COMPOSE, source))
            : Object.hasOwn(compose.volumes, source);
          assert.ok(isThere, `${name} mounts ${source}`);
        }
      }
    });

    test('every port is published to this machine only, and once', () => {
      const published = services.flatMap(([, { ports = [] }]) => ports);
      for (const port of published) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
      const outside = published.map((port) => port.split(':')[1]);
      assert.equal(new Set(outside).size, outside.length);
    });

    test('the connector reaches PostgreSQL by its name and with its password', () => {
      const { postgres, icestream } = compose.services;
      const own = icestream.environment ?? {};
      assert.equal(own['POSTGRES_HOST'], 'postgres');
      for (const name of ['POSTGRES_DB', 'POSTGRES_USER', 'POSTGRES_PASSWORD'])
        assert.equal(own[name], postgres.environment?.[name]);
    });
  });
}

const { services: lake } = readCompose('docker-compose.yml');

test('the container is told every variable that its connector refers to, and no other', () => {
  const { environment, command, volumes } = lake['icestream'];
  assert.deepEqual(Object.keys(environment ?? {}).sort(), variablesOf(readFileSync(CONNECTOR, 'utf8')));
  const mounted = (volumes ?? []).map((volume) => volume.split(':')[1]);
  for (const file of command ?? []) assert.ok(mounted.includes(file), file);
});

test('the connector reaches catalog and storage by their names and with their passwords', () => {
  const { minio, icestream } = lake;
  const own = icestream.environment ?? {};
  assert.deepEqual(
    [own['S3_ACCESS_KEY'], own['S3_SECRET_KEY']],
    [minio.environment?.['MINIO_ROOT_USER'], minio.environment?.['MINIO_ROOT_PASSWORD']],
  );
  for (const address of [own['CATALOG_URI'], own['S3_ENDPOINT']])
    assert.ok(Object.hasOwn(lake, new URL(address).hostname), address);
});

for (const file of ['compose/worker.properties', 'configs/worker.properties']) {
  test(`${file} is a worker configuration without anything unknown, and resolves the connector`, () => {
    const worker = readWorkerConfig(parseProperties(readFileSync(join(ROOT, file), 'utf8')), {
      ...lake['icestream'].environment,
    });
    assert.deepEqual(worker.notes, []);
    assert.equal(worker.listeners[0].port, 8083);
    const { name, config } = readConnectorFile(CONNECTOR);
    assert.equal(name, 'shop');
    assert.equal(worker.providers.resolve(config)['iceberg.catalog.uri'], 'http://catalog:8181');
  });
}

test('the YAML reader reads its part of YAML and refuses the rest', () => {
  const source = 'a:\n  b: ["x", "y"]\n  c:\n    - "1:2"\n    - plain text\n# note\nd: {}\n';
  assert.deepEqual(parseYaml(source), { a: { b: ['x', 'y'], c: ['1:2', 'plain text'] }, d: {} });
  for (const wrong of [
    'a: 1.5',
    'a: true',
    'a: x # y',
    'a:\n\tb: c',
    'a: &b c',
    'a: x\na: y',
    'a:\nb: c',
    'a\n',
    'a:\n   b: c\n  d: e',
  ]) {
    assert.throws(() => parseYaml(wrong), SyntaxError, wrong);
  }
});
