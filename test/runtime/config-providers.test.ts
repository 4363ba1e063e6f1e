import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigProviders } from '../../src/runtime/config-providers.ts';

const folder = mkdtempSync(join(tmpdir(), 'icestream-providers-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'secrets.properties');
writeFileSync(file, 'password=s3cr\\u0065t\nuser=bob\n');
writeFileSync(join(folder, 'token'), 'abc\n');
const environment = { PGPASSWORD: 'p', HOST: 'h', ['with:colon']: 'c' };

const ref = (inner: string) => `\${${inner}}`;
const resolve = (value: string, worker: Record<string, string> = {}) =>
  new ConfigProviders(worker, environment).resolve({ value })['value'];

test('env, file and dir are there without being configured', () => {
  assert.equal(resolve(ref('env:PGPASSWORD')), 'p');
  assert.equal(resolve(ref('env::PGPASSWORD')), 'p');
  assert.equal(resolve(ref(`file:${file}:password`)), 's3cret');
  assert.equal(resolve(ref(`dir:${folder}:token`)), 'abc\n');
  assert.equal(resolve(`jdbc://${ref('env:HOST')}:5432/${ref('env:PGPASSWORD')}`), 'jdbc://h:5432/p');
});

test('what is no reference stays as it is', () => {
  for (const text of [ref('routedByValue'), '$1-$2', ref('vault:path:key'), 'a}b', '${', ''])
    assert.equal(resolve(text), text);
});

test('what cannot be resolved is an error that names the property and the key', () => {
  const expected = {
    code: 'config.provider',
    context: { property: 'value', provider: 'env', path: undefined, key: 'NOPE' },
  };
  assert.throws(() => resolve(ref('env:NOPE')), expected);
  assert.throws(() => resolve(ref(`file:${file}:nope`)), { code: 'config.provider' });
  assert.throws(() => resolve(ref('file:/nonexistent:x')), { code: 'config.provider' });
  assert.throws(() => resolve(ref(`dir:${folder}:../etc/passwd`)), { code: 'config.provider' });
});

test('config.providers names the providers, with their limits', () => {
  const worker = {
    'config.providers': 'secrets, e',
    'config.providers.secrets.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
    'config.providers.secrets.param.allowed.paths': '/elsewhere',
    'config.providers.e.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'config.providers.e.param.allowlist.pattern': 'PG.*',
  };
  assert.equal(resolve(ref('e:PGPASSWORD'), worker), 'p');
  assert.equal(resolve(ref('env:PGPASSWORD'), worker), ref('env:PGPASSWORD'), 'env is not among them');
  assert.throws(() => resolve(ref('e:HOST'), worker), { code: 'config.provider' });
  assert.throws(() => resolve(ref(`secrets:${file}:user`), worker), { code: 'config.provider' });
  const open = { ...worker, 'config.providers.secrets.param.allowed.paths': `/elsewhere,${folder}` };
  assert.equal(resolve(ref(`secrets:${file}:user`), open), 'bob');
  assert.throws(() => resolve('x', { 'config.providers': 'v', 'config.providers.v.class': 'io.x.Vault' }), {
    code: 'config.invalid',
  });
});
