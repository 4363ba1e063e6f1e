#!/usr/bin/env node
import { listen } from './api/listen.ts';
import { asIcestreamError } from './base/errors.ts';
import { createLog, type Log } from './base/log.ts';
import { type ConnectorFile, readConnectorFile } from './runtime/connector-file.ts';
import { keepCode } from './runtime/engine.ts';
import { Herder } from './runtime/herder.ts';
import { Loggers } from './runtime/loggers.ts';
import { builtinPlugins } from './runtime/plugins/builtin.ts';
import { readPropertiesFile } from './runtime/properties.ts';
import { RequestError } from './runtime/request-error.ts';
import { openStore } from './runtime/store-sqlite.ts';
import { readWorkerConfig, type WorkerConfig } from './runtime/worker-config.ts';

const EXIT_GRACE_MS = 1000;
const USAGE = 'usage: icestream [worker.properties [connector.json ...]]';

try {
  await main(process.argv.slice(2));
  // Nothing is left to do; a handle that somebody forgot must not keep a stopped service alive.
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
} catch (error) {
  process.stderr.write(`icestream: ${explained(error)}\n`);
  process.exitCode = 1;
}

/** What failed, why, and what to do about it. */
function explained(error: unknown): string {
  if (error instanceof RequestError) return error.message;
  const known = asIcestreamError(error);
  const cause = known.cause instanceof Error ? ` (${known.cause.message})` : '';
  return `${known.message}${cause}\n${known.hint}`;
}

/** Reads the configuration, wires the parts, forwards signals. */
async function main(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg.startsWith('-'))) {
    process.stdout.write(`${USAGE}\n`);
    process.exitCode = args[0] === '--help' || args[0] === '-h' ? 0 : 2;
    return;
  }
  const [workerFile, ...connectorFiles] = args;
  const worker = readWorkerConfig(workerFile === undefined ? {} : readPropertiesFile(workerFile));
  const log = createLog(worker.logLevel, 'stderr');
  for (const note of worker.notes) log.warn(note);
  keepCode(worker.stateDir);
  await run(worker, connectorFiles.map(readConnectorFile), log);
}

async function run(worker: WorkerConfig, connectors: readonly ConnectorFile[], log: Log): Promise<void> {
  const plugins = await builtinPlugins();
  const store = openStore(worker.stateDir);
  const address = { host: 'localhost', port: 0 };
  const herder = new Herder({
    worker,
    store,
    log,
    plugins,
    taskScript: new URL(
      import.meta.url.endsWith('.ts') ? './runtime/task.ts' : './runtime/task.js',
      import.meta.url,
    ),
    workerId: () => `${worker.advertised.host ?? address.host}:${worker.advertised.port ?? address.port}`,
  });
  const loggers = new Loggers(store, worker.logLevel, (level) => herder.setLogLevel(level));
  const stop = untilSignal(log);
  try {
    herder.load();
    const api = await listen({ herder, loggers, log });
    try {
      const { hostname, port } = new URL(api.urls[0]!);
      Object.assign(address, { host: hostname, port: Number(port || 80) });
      herder.start();
      // A database that does not answer must not hold up a stop.
      const ready = await Promise.race([submit(herder, connectors).then(() => true), stop.then(() => false)]);
      if (ready)
        process.stdout.write(
          `icestream is ready, REST at ${api.urls.join(', ')}, state in ${worker.stateDir}\n`,
        );
      await stop;
    } finally {
      await api.close();
      await herder.close();
    }
  } finally {
    store.close();
  }
}

async function submit(herder: Herder, connectors: readonly ConnectorFile[]): Promise<void> {
  for (const { name, config } of connectors) await herder.putConfig(name, config);
}

/** The first signal asks for a graceful stop, a second one ends the process as it is: a replay at the next start. */
function untilSignal(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
      asked = true;
      log.info({ signal }, 'stopping');
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
