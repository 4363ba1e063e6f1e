import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface TableState {
  readonly table: string;
  readonly state: string;
  readonly reason?: string;
  readonly snapshot: { readonly rows: number; readonly total: number | null; readonly done: boolean };
  readonly rows_streamed: number;
  readonly rows_written: number;
  readonly deletes_written: number;
  readonly commits: number;
  readonly valid_through: string | null;
}

/** The service as a user starts it: a process of its own, spoken to over REST. */
export class DemoService {
  readonly url: string;
  readonly #process: ChildProcess;

  constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  async createConnector(name: string, config: Record<string, string>): Promise<void> {
    const response = await fetch(`${this.url}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config }),
    });
    if (response.status !== 201) throw new Error(`the connector was not created: ${await response.text()}`);
  }

  async tables(name: string): Promise<readonly TableState[]> {
    const response = await fetch(`${this.url}/connectors/${name}/tables`);
    return ((await response.json()) as { tables: TableState[] }).tables;
  }

  /** Throws with the task's trace when it has failed. */
  async check(name: string): Promise<string> {
    if (this.#process.exitCode !== null)
      throw new Error(`the service ended with code ${this.#process.exitCode}`);
    const response = await fetch(`${this.url}/connectors/${name}/status`);
    const status = (await response.json()) as {
      connector?: { state: string };
      tasks?: { state: string; trace?: string }[];
    };
    const task = status.tasks?.[0];
    if (task?.state === 'FAILED') throw new Error(`the task failed: ${task.trace}`);
    return task?.state ?? status.connector?.state ?? 'UNASSIGNED';
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

/** Starts the service with its state and log in `folder`; resolves when its one ready line is there. */
export async function startService(folder: string): Promise<DemoService> {
  mkdirSync(folder, { recursive: true });
  const worker = join(folder, 'worker.properties');
  writeFileSync(worker, `listeners=http://127.0.0.1:0\nicestream.state.dir=${join(folder, 'state')}\n`);
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, worker], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(folder, 'icestream.log'));
  child.stderr.pipe(log);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /REST at (http:\S+?)[, ]/.exec(`${line} `)?.[1];
    if (url === undefined) continue;
    child.stdout.pipe(log, { end: false });
    return new DemoService(url, child);
  }
  throw new Error(`the service did not start, see ${join(folder, 'icestream.log')}`);
}
