import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConnectorFile } from '../../src/runtime/connector-file.ts';
import { parseProperties } from '../../src/runtime/properties.ts';
import { readWorkerConfig } from '../../src/runtime/worker-config.ts';
import { parseYaml } from './yaml.ts';

/** No Docker engine is needed for what these look at: that the files fit each other. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPOSE = join(ROOT, 'compose/docker-compose.yml');
const CONNECTOR = join(ROOT, 'configs/postgres-iceberg.json');

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = parseYaml(readFileSync(COMPOSE, 'utf8')) as unknown as ComposeFile;
const services = Object.entries(compose.services);

test('every service has a pinned image or a Dockerfile that is there', () => {
  for (const [name, { image, build }] of services) {
    if (build === undefined) {
      assert.match(image ?? '', /^[\w./-]+:(?!latest)[\w.-]+$/, name);
      continue;
    }
    const context = join(dirname(COMPOSE), build.context);
    const dockerfile = join(context, build.dockerfile);
    for (const [, sources] of readFileSync(dockerfile, 'utf8').matchAll(/^COPY (.+) \S+$/gm)) {
      for (const source of sources.split(' ')) assert.ok(existsSync(join(context, source)), source);
    }
  }
});

test('services depend on services, mount files that are there and volumes that are declared', () => {
  for (const [name, service] of services) {
    const needed = service.depends_on ?? [];
    for (const other of Array.isArray(needed) ? needed : Object.keys(needed)) {
      assert.ok(Object.hasOwn(compose.services, other), `${name} depends on ${other}`);
    }
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(':');
      const isThere = source.startsWith('.')
        ? existsSync(join(dirname(COMPOSE), source))
        : Object.hasOwn(compose.volumes, source);
      assert.ok(isThere, `${name} mounts ${source}`);
    }
  }
});

test('every port is published to this machine only', () => {
  for (const [name, { ports = [] }] of services) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
  }
});

test('the container is told every variable that its connector refers to, and no other', () => {
  const { environment, command, volumes } = compose.services['icestream'];
  const text = readFileSync(CONNECTOR, 'utf8');
  const wanted = [...text.matchAll(/\$\{env:(\w+)\}/g)].map((match) => match[1]);
  assert.deepEqual(Object.keys(environment ?? {}).sort(), [...new Set(wanted)].sort());
  const mounted = (volumes ?? []).map((volume) => volume.split(':')[1]);
  for (const file of command ?? []) assert.ok(mounted.includes(file), file);
});

test('the connector reaches the services by their names and with their passwords', () => {
  const { postgres, minio, icestream } = compose.services;
  const own = icestream.environment ?? {};
  for (const name of ['POSTGRES_DB', 'POSTGRES_USER', 'POSTGRES_PASSWORD']) {
    assert.equal(own[name], postgres.environment?.[name]);
  }
  assert.deepEqual(
    [own['S3_ACCESS_KEY'], own['S3_SECRET_KEY']],
    [minio.environment?.['MINIO_ROOT_USER'], minio.environment?.['MINIO_ROOT_PASSWORD']],
  );
  for (const address of [`tcp://${own['POSTGRES_HOST']}:5432`, own['CATALOG_URI'], own['S3_ENDPOINT']]) {
    assert.ok(Object.hasOwn(compose.services, new URL(address).hostname), address);
  }
});

for (const file of ['compose/worker.properties', 'configs/worker.properties']) {
  test(`${file} is a worker configuration without anything unknown, and resolves the connector`, () => {
    const worker = readWorkerConfig(parseProperties(readFileSync(join(ROOT, file), 'utf8')), {
      ...compose.services['icestream'].environment,
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
