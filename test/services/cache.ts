import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { access, chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where the installed servers lie: `ICESTREAM_SERVICES_DIR`, else a cache outside the clone, so that a fresh clone finds
 * what an earlier one installed. Root gets a folder that everyone may read, because PostgreSQL then runs as `nobody`, who
 * cannot look into root's home.
 */
export function servicesDir(): string {
  const configured = process.env['ICESTREAM_SERVICES_DIR'];
  if (configured) return configured;
  if (process.getuid?.() === 0) return '/var/cache/icestream-services';
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'icestream-services');
}

/**
 * The folder of one installed thing, installing it on the first call. `name` carries the version: what is in the cache is
 * never changed. The installer fills a scratch folder that is renamed when complete, so a killed installation is not
 * taken for a finished one; a lock folder makes two processes install one after the other.
 */
export async function installed(name: string, install: (into: string) => Promise<void>): Promise<string> {
  const root = servicesDir();
  const final = join(root, name);
  if (await exists(final)) return final;
  await mkdir(root, { recursive: true });
  await chmod(root, 0o755);
  const release = await lock(join(root, `${name}.lock`));
  try {
    if (await exists(final)) return final;
    const scratch = join(root, `${name}.installing`);
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { mode: 0o755 });
    await install(scratch);
    await rename(scratch, final);
    return final;
  } finally {
    release();
  }
}

/** Runs a command to its end; its output is shown only when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 600_000,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk));
    child.once('error', (cause) => reject(new Error(`${command} cannot be run`, { cause })));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(new Error(`${command} ${args[0] ?? ''} ended with ${code ?? signal}: ${output.slice(-2000)}`));
    });
  });
}

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

const held = new Set<string>();
process.once('exit', () => {
  for (const path of held) rmSync(path, { recursive: true, force: true });
});

async function lock(path: string): Promise<() => void> {
  for (;;) {
    try {
      mkdirSync(path);
      await writeFile(join(path, 'pid'), String(process.pid));
      held.add(path);
      return () => {
        held.delete(path);
        rmSync(path, { recursive: true, force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await ownerIsGone(path)) await rm(path, { recursive: true, force: true });
      // A lock of another process gives no signal when it goes: look again.
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function ownerIsGone(path: string): Promise<boolean> {
  const pid = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => ''));
  // Between mkdir and the pid's writing the owner is unknown: treat it as alive.
  return pid > 0 && !(await exists(`/proc/${pid}`));
}
