import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server's process. All servers listen on 127.0.0.1 only. */
export interface Server {
  readonly port: number;
  /** Ends it in order and removes its data. */
  stop(): Promise<void>;
  /** `kill -9`, children too; the data stays. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; stops it in order first when it runs. */
  restart(): Promise<void>;
}

export interface ServerSpec {
  readonly name: string;
  readonly port: number;
  readonly folder: string;
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stopSignal: NodeJS.Signals;
  /** Asked again and again until it answers true; the server's end fails the start. */
  ready(): Promise<boolean>;
  readonly startTimeoutMs?: number;
}

/**
 * Starts a server and waits until it answers. The kernel kills it when this process dies in whatever way (setpriv
 * --pdeathsig), so that a killed test run leaves nothing behind.
 */
export async function startServer(spec: ServerSpec): Promise<Server> {
  let child = await launch(spec);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const family = signal === 'SIGKILL' ? descendants(child.pid!) : [];
    if (child.exitCode === null && child.signalCode === null) {
      const closed = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      for (const pid of family) signalQuietly(pid, signal);
      const overdue = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await closed;
      clearTimeout(overdue);
    }
    for (const pid of family) await gone(pid);
  };
  return {
    port: spec.port,
    stop: async () => {
      await end(spec.stopSignal);
      if (!process.env['ICESTREAM_TEST_KEEP']) await rm(spec.folder, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end(spec.stopSignal);
      child = await launch(spec);
    },
  };
}

async function launch(spec: ServerSpec): Promise<ChildProcess> {
  const logFile = join(spec.folder, 'log');
  const log = openSync(logFile, 'a', 0o644);
  const [command, ...args] = ['setpriv', '--pdeathsig', 'KILL', ...spec.command];
  const child = spawn(command!, args, { cwd: spec.cwd, env: spec.env, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref(); // A forgotten server must not keep the test process from ending; the kernel then kills it.
  const failure = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`ended with ${code ?? signal}`)));
  });
  const deadline = Date.now() + (spec.startTimeoutMs ?? 90_000);
  const poll = async (): Promise<void> => {
    while (child.exitCode === null && child.signalCode === null) {
      if (await spec.ready().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error('did not answer in time');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  try {
    await Promise.race([poll(), failure]);
    failure.catch(() => {});
    return child;
  } catch (cause) {
    child.kill('SIGKILL');
    const tail = (await readFile(logFile, 'utf8').catch(() => '')).slice(-2000);
    throw new Error(`${spec.name} did not start: ${tail}`, { cause });
  }
}

/**
 * A fresh folder that every user may enter, for a server's data. Its name carries our process id: a test run that was
 * killed could not remove its folders, so the next one does.
 */
export async function scratch(name: string): Promise<string> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${SCRATCH_PREFIX}${process.pid}-${name}-`));
  await chmod(folder, 0o755);
  return folder;
}

const SCRATCH_PREFIX = 'icestream-test-';

async function sweep(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    if (!entry.startsWith(SCRATCH_PREFIX)) continue;
    const owner = Number.parseInt(entry.slice(SCRATCH_PREFIX.length), 10);
    if (isRunning(owner)) continue;
    // Where another run sweeps the same folder, each may find it changing under its hands; one of them ends it.
    await rm(join(tmpdir(), entry), { recursive: true, force: true }).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // It is there, but another user's.
  }
}

/** `count` ports free at this moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const listeners = await Promise.all(
    Array.from({ length: count }, async () => {
      const listener = createServer();
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(0, '127.0.0.1', resolve);
      });
      return listener;
    }),
  );
  const ports = listeners.map((listener) => (listener.address() as { port: number }).port);
  await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  return ports;
}

export async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

function descendants(pid: number): number[] {
  let children: number[];
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    children = text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return []; // It ended meanwhile.
  }
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}
