import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { type PostgresServer, startPostgres } from '../../services/postgres.ts';
import { type Address, Capture, clientOf, configFor } from './capture.ts';

let server: PostgresServer;
let plain: PostgresServer;
let folder: string;
let client: Client;
let counter = 0;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'icestream-tls-'));
  chmodSync(folder, 0o755);
  certificate('server', 'localhost');
  certificate('stranger', 'localhost');
  server = await startPostgres({
    settings: {
      ssl: 'on',
      ssl_cert_file: join(folder, 'server.crt'),
      ssl_key_file: join(folder, 'server.key'),
    },
    hba: [
      'hostssl all secret 127.0.0.1/32 scram-sha-256',
      'hostnossl all secret 127.0.0.1/32 reject',
      'host all old 127.0.0.1/32 md5',
    ],
  });
  plain = await startPostgres();
  client = await clientOf(server.url);
  await client.query(`CREATE TABLE item (id int PRIMARY KEY, a text);
    CREATE ROLE secret LOGIN SUPERUSER PASSWORD 'pass word';
    SET password_encryption = md5; CREATE ROLE old LOGIN SUPERUSER PASSWORD 'pass'`);
});

after(async () => {
  await client.end();
  await server.stop();
  await plain.stop();
});

/** Self-signed, so that it is its own root. The server wants its key to be its own and nobody else's. */
function certificate(name: string, host: string): void {
  const key = join(folder, `${name}.key`);
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${host}`];
  const files = [
    '-addext',
    `subjectAltName=DNS:${host}`,
    '-keyout',
    key,
    '-out',
    join(folder, `${name}.crt`),
  ];
  execFileSync('openssl', [...request, ...files], { stdio: 'ignore' });
  chmodSync(key, 0o600);
  if (process.getuid?.() !== 0) return;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody']).toString());
  chownSync(key, id('-u'), id('-g'));
}

function addressOf({ url }: PostgresServer, host = '127.0.0.1'): Address {
  return { host, port: Number(new URL(url).port), name: 'postgres', user: 'postgres' };
}

/** Streams one row over a connection as configured. */
async function streamsOneRow(config: Readonly<Record<string, string>>): Promise<void> {
  const name = `c${counter++}`;
  await client.query(`CREATE PUBLICATION ${name} FOR TABLE item`);
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
  const names = { 'slot.name': name, 'publication.name': name };
  const capture = await Capture.open(configFor(addressOf(server), { ...names, ...config }));
  const first = capture.next();
  await client.query("INSERT INTO item SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
  await first;
  await capture.until(20_000);
  await capture.close();
  await client.query('TRUNCATE item');
}

async function failure(config: Readonly<Record<string, string>>): Promise<{ code: string; message: string }> {
  const capture = await Capture.open(config);
  try {
    await capture.next();
  } catch (error) {
    return error as { code: string; message: string };
  } finally {
    await capture.close();
  }
  return assert.fail('the source did not fail');
}

test('database.sslmode require and prefer encrypt; the passwords are SCRAM and md5', async () => {
  const secret = { 'database.user': 'secret', 'database.password': 'pass word' };
  await streamsOneRow({ ...secret, 'database.sslmode': 'require' });
  await streamsOneRow(secret);
  await streamsOneRow({ ...secret, 'database.sslmode': 'allow' });
  await streamsOneRow({ 'database.user': 'old', 'database.password': 'pass', 'database.sslmode': 'disable' });
  const clear = await failure(configFor(addressOf(server), { ...secret, 'database.sslmode': 'disable' }));
  assert.equal(clear.code, 'postgres.auth');
});

test('verify-ca and verify-full look at the certificate', async () => {
  const root = { 'database.sslrootcert': join(folder, 'server.crt') };
  const full = { ...root, 'database.sslmode': 'verify-full', 'database.hostname': 'localhost' };
  await streamsOneRow({ ...root, 'database.sslmode': 'verify-ca' });
  await streamsOneRow(full);
  const wrongHost = configFor(addressOf(server), { ...full, 'database.hostname': '127.0.0.1' });
  assert.equal((await failure(wrongHost)).code, 'postgres.connect');
  const stranger = { ...full, 'database.sslrootcert': join(folder, 'stranger.crt') };
  assert.equal((await failure(configFor(addressOf(server), stranger))).code, 'postgres.connect');
  const missing = { ...full, 'database.sslrootcert': join(folder, 'none.crt') };
  assert.equal((await failure(configFor(addressOf(server), missing))).code, 'config.invalid');
});

test('a server without TLS: require refuses, prefer goes on without', async () => {
  const require = await failure(configFor(addressOf(plain), { 'database.sslmode': 'require' }));
  assert.equal(require.code, 'postgres.connect');
  assert.match(require.message, /SSL/);
  const capture = await Capture.open(
    configFor(addressOf(plain), { 'publication.autocreate.mode': 'disabled' }),
  );
  await assert.rejects(capture.next(), { code: 'postgres.publication' });
  await capture.close();
});
