import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { type Api, listen } from '../../src/api/listen.ts';
import { isPostgresProperty, parsePostgresConfig } from '../../src/capture/postgres/config.ts';
import type { SourceDefinition } from '../../src/capture/source.ts';
import { Herder } from '../../src/runtime/herder.ts';
import { Loggers } from '../../src/runtime/loggers.ts';
import { postgresPlugin } from '../../src/runtime/plugins/postgres.ts';
import { sinksExtension } from '../../src/runtime/plugins/sinks.ts';
import { Plugins } from '../../src/runtime/plugins.ts';
import { openStore } from '../../src/runtime/store-sqlite.ts';
import { readWorkerConfig } from '../../src/runtime/worker-config.ts';
import { icebergSink } from '../../src/sink/iceberg/definition.ts';

export interface TestWorker {
  readonly url: string;
  readonly api: Api;
  readonly herder: Herder;
  readonly stateDir: string;
  /** Lines of its log, JSON. */
  readonly logged: readonly string[];
  /** Stops everything; with `keep` the state stays for the next worker. */
  close(keep?: 'keep'): Promise<void>;
}

/** A whole worker on a free port, with fake task threads, whose validation knows what can be known without a database. */
export async function startWorker(
  properties: Record<string, string> = {},
  source: SourceDefinition = STATIC_ONLY,
): Promise<TestWorker> {
  const stateDir = properties['icestream.state.dir'] ?? mkdtempSync(join(tmpdir(), 'icestream-worker-'));
  const worker = readWorkerConfig({
    listeners: 'http://127.0.0.1:0',
    'task.shutdown.graceful.timeout.ms': '300',
    ...properties,
    'icestream.state.dir': stateDir,
  });
  const log = pino({ level: worker.logLevel }, { write: (line: string) => void logged.push(line) });
  const logged: string[] = [];
  const store = openStore(stateDir);
  let port = '';
  const herder = new Herder({
    worker,
    store,
    log,
    plugins: new Plugins([postgresPlugin(source)], [sinksExtension(new Map([['iceberg', icebergSink]]))]),
    taskScript: new URL('../runtime/fake-task.ts', import.meta.url),
    workerId: () => `127.0.0.1:${port}`,
  });
  const loggers = new Loggers(store, worker.logLevel, (level) => herder.setLogLevel(level));
  herder.load();
  const api = await listen({ herder, loggers, log }).catch((error) => {
    store.close();
    rmSync(stateDir, { recursive: true, force: true });
    throw error;
  });
  port = new URL(api.urls[0]!).port;
  herder.start();
  const close = async (keep?: 'keep') => {
    await api.close();
    await herder.close();
    store.close();
    if (keep === undefined) rmSync(stateDir, { recursive: true, force: true });
  };
  return { url: api.urls[0]!, api, herder, stateDir, logged, close };
}

const STATIC_ONLY: SourceDefinition = {
  accepts: isPostgresProperty,
  create: () => Promise.reject(new Error('the fake task has no source')),
  async validate(config) {
    const { errors } = parsePostgresConfig(config);
    return new Map(
      [...errors].map(([name, reasons]) => [
        name,
        reasons.map((reason) => `The '${name}' value is invalid: ${reason}`),
      ]),
    );
  },
};

export const POSTGRES = {
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'topic.prefix': 'p',
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'plugin.name': 'pgoutput',
};

export interface Response {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
  readonly json: any;
}

/** Sends a request; a body that is not text goes as JSON. */
export async function send(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const type: Record<string, string> = text === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(url + path, { method, headers: { ...type, ...headers }, body: text });
  const content = await answer.text();
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    json = undefined;
  }
  return { status: answer.status, headers: answer.headers, text: content, json } as Response;
}

/** Asks again until `done` likes the answer; fails with the last one after a minute, which only a busy machine comes near. */
export async function until(
  ask: () => Promise<Response>,
  done: (answer: Response) => boolean,
): Promise<Response> {
  const deadline = Date.now() + 60_000;
  while (true) {
    const answer = await ask();
    if (done(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`not reached; last answer: ${answer.status} ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
