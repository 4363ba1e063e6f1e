import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TableDetail } from '../../src/api/tables.ts';
import type { Failpoint } from '../../src/base/failpoint.ts';
import { until } from './until.ts';

export interface TaskStatus {
  readonly state: string;
  readonly trace?: string;
}

export interface ServiceOptions {
  /** Log and worker file; a second service of the same connector needs another one. */
  readonly folder: string;
  /** Default `folder`/state. */
  readonly stateDir?: string;
  /** `name` or `name:n`, see src/base/failpoint.ts. */
  readonly failpoint?: Failpoint | `${Failpoint}:${number}`;
  /** More lines of the worker file. */
  readonly worker?: Readonly<Record<string, string>>;
  /** The script that is started; default the sources as they are. */
  readonly main?: string;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The service as a user starts it: a process of its own, spoken to over REST. The kernel ends it with the test's process. */
export class Service {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  readonly #logFile: string;

  private constructor(url: string, child: ChildProcess, ended: Promise<string>, logFile: string) {
    this.url = url;
    this.#child = child;
    this.#ended = ended;
    this.#logFile = logFile;
  }

  /** Resolves when its ready line is there. */
  static async start(options: ServiceOptions): Promise<Service> {
    const { folder } = options;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'worker.properties');
    const properties = {
      listeners: 'http://127.0.0.1:0',
      'icestream.state.dir': options.stateDir ?? join(folder, 'state'),
      ...options.worker,
    };
    writeFileSync(
      file,
      `${Object.entries(properties)
        .map((entry) => entry.join('='))
        .join('\n')}\n`,
    );
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env['ICESTREAM_FAILPOINT'];
    delete env['NODE_TEST_CONTEXT'];
    if (options.failpoint !== undefined) env['ICESTREAM_FAILPOINT'] = options.failpoint;
    const args = ['--pdeathsig', 'KILL', process.execPath, options.main ?? MAIN, file];
    const child = spawn('setpriv', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const logFile = join(folder, 'log');
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output.length < 10_000) output += chunk;
      appendFileSync(logFile, chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => appendFileSync(logFile, chunk));
    const ended = once(child, 'close').then(([code, signal]) => String(code ?? signal));
    const url = await until('the ready line', () => /REST at (http:\S+?)[, ]/.exec(`${output} `)?.[1], {
      alive: () => requireAlive(child, logFile),
      detail: () => tail(logFile),
    });
    return new Service(url, child, ended, logFile);
  }

  get running(): boolean {
    return isAlive(this.#child);
  }

  /** The end of everything that was logged by services of this folder. */
  log(): string {
    return tail(this.#logFile);
  }

  requireAlive(): void {
    requireAlive(this.#child, this.#logFile);
  }

  /** Exit code or signal, when it has ended. */
  ended(): Promise<string> {
    return this.#ended;
  }

  /** Waits until a failpoint has ended it. */
  async crashed(): Promise<void> {
    const end = await this.#endWithin(60_000, 'the failpoint was not reached');
    if (end !== 'SIGKILL') throw new Error(`the service ended with ${end}\n${this.log()}`);
  }

  /** The most memory that it has held so far. */
  get peakRssMb(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** A graceful stop; anything but exit code 0 is an error. */
  async stop(): Promise<void> {
    if (!this.running) throw new Error(`the service had ended: ${await this.#ended}\n${this.log()}`);
    this.#child.kill('SIGTERM');
    const end = await this.#endWithin(60_000, 'it does not stop');
    if (end !== '0') throw new Error(`the service ended with ${end} when it was stopped\n${this.log()}`);
  }

  async #endWithin(timeoutMs: number, otherwise: string): Promise<string> {
    await until(otherwise, () => !this.running, { timeoutMs, detail: () => this.log() });
    return this.#ended;
  }

  async request(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  /** Creates the connector unless the state directory has it already. */
  async connector(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    if ((await this.request('GET', `/connectors/${name}`)).status === 200) return;
    const { status, body } = await this.request('POST', '/connectors', { name, config });
    if (status !== 201) throw new Error(`the connector was not created: ${JSON.stringify(body)}`);
  }

  async task(name: string): Promise<TaskStatus> {
    const { body } = await this.request('GET', `/connectors/${name}/status`);
    return (body as { tasks?: TaskStatus[] }).tasks?.[0] ?? { state: 'NONE' };
  }

  async tables(name: string): Promise<Map<string, TableDetail>> {
    const { body } = await this.request('GET', `/connectors/${name}/tables`);
    return new Map((body as { tables: TableDetail[] }).tables.map((table) => [table.table, table]));
  }

  /** Waits until the task is in `state`; the answer is its trace. */
  async untilTask(name: string, state: string, trace: RegExp = /(?:)/): Promise<string> {
    return until(
      `task in state ${state} with ${trace}`,
      async () => {
        const task = await this.task(name);
        return task.state === state && trace.test(task.trace ?? '') ? (task.trace ?? ' ') : null;
      },
      {
        alive: () => this.requireAlive(),
        detail: async () => `${JSON.stringify(await this.task(name))}\n${this.log()}`,
      },
    );
  }

  /** Waits until a metric, one sample of it, is at least `count`, and answers what it is. A task tells of its counts once a second. */
  async untilMetric(name: string, count: number): Promise<number> {
    const sample = new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm');
    return until(
      `${name} is ${count}`,
      async () => {
        const response = await fetch(`${this.url}/metrics`);
        const now = Number(sample.exec(await response.text())?.[1]);
        return now >= count && now;
      },
      { alive: () => this.requireAlive(), detail: () => this.log() },
    );
  }

  /** Waits until a source table is in `state`; the answer is the reason. */
  async untilTable(name: string, table: string, state: string): Promise<string> {
    return until(
      `table ${table} in state ${state}`,
      async () => {
        const detail = (await this.tables(name)).get(table);
        return detail?.state === state ? (detail.reason ?? ' ') : null;
      },
      {
        alive: () => this.requireAlive(),
        detail: async () => `${JSON.stringify([...(await this.tables(name)).values()])}\n${this.log()}`,
      },
    );
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function requireAlive(child: ChildProcess, logFile: string): void {
  if (isAlive(child)) return;
  throw new Error(`the service has ended: ${child.exitCode ?? child.signalCode}\n${tail(logFile)}`);
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-6000);
  } catch {
    return '';
  }
}
