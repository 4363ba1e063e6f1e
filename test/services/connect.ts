import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed, run } from './cache.ts';
import { findJdk } from './jdk.ts';
import { installKafka } from './kafka.ts';
import { freePorts, type Server, scratch, startServer } from './process.ts';
import { LOGGING, propertiesText } from './properties.ts';

/** What the recordings of test/fixtures/peer were made with. */
export const DEBEZIUM = '3.5.0.Final';

export interface ConnectServer extends Server {
  /** Of the worker's process. */
  readonly pid: number;
  /** Of the REST interface. */
  readonly url: string;
}

export interface ConnectOptions {
  /** `127.0.0.1:PORT` of a broker. */
  readonly bootstrap: string;
  /** More worker properties, over the defaults below. */
  readonly worker?: Readonly<Record<string, string>>;
  /** Default `-Xmx1g`. */
  readonly heap?: readonly string[];
}

const POM = fileURLToPath(new URL('./java/connect/pom.xml', import.meta.url));

/** Kafka Connect with Debezium's PostgreSQL connector and Apicurio's converters: what this project stands in for. */
export async function startConnect(options: ConnectOptions): Promise<ConnectServer> {
  const { java, classPath, plugins } = await installConnect();
  const folder = await scratch('connect');
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  const worker = {
    'bootstrap.servers': options.bootstrap,
    'group.id': 'connect',
    'key.converter': json,
    'value.converter': json,
    ...topics(),
    listeners: url,
    'rest.advertised.host.name': '127.0.0.1',
    'plugin.path': plugins,
    'plugin.discovery': 'service_load',
    ...options.worker,
  };
  const [properties, logging] = [join(folder, 'worker.properties'), join(folder, 'log4j2.properties')];
  await writeFile(properties, propertiesText(worker));
  await writeFile(logging, propertiesText(LOGGING));
  const jvm = [...(options.heap ?? ['-Xms256m', '-Xmx1g']), '-XX:+UseG1GC'];
  const server = await startServer({
    name: 'Kafka Connect',
    port: port!,
    folder,
    command: [
      ...[java, ...jvm, `-Dlog4j2.configurationFile=${logging}`, '-cp', classPath],
      ...['org.apache.kafka.connect.cli.ConnectDistributed', properties],
    ],
    cwd: folder,
    stopSignal: 'SIGTERM',
    ready: async () => (await fetch(`${url}/connectors`, { signal: AbortSignal.timeout(5_000) })).ok,
    startTimeoutMs: 180_000,
  });
  return { ...server, url, pid: await childWith(properties) };
}

/** The process of ours that was started with this argument. */
async function childWith(argument: string): Promise<number> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  for (const pid of children.trim().split(' ')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.split('\0').includes(argument)) return Number(pid);
  }
  throw new Error(`no process was started with ${argument}`);
}

/** From Maven Central: Connect's runtime, Debezium as it is packed for Connect, the converters. */
export async function installConnect(): Promise<{ java: string; classPath: string; plugins: string }> {
  const jdk = await findJdk(17, 23);
  await installKafka(); // The same files of Maven's cache; not two downloads at once.
  const env = { ...process.env, JAVA_HOME: jdk };
  const java = join(jdk, 'bin/java');
  const folder = await installed(`connect-debezium-${DEBEZIUM}`, async (into) => {
    const [lib, plugins] = [join(into, 'lib'), join(into, 'plugins')];
    await mkdir(plugins);
    await copyDependencies('runtime', lib, env);
    await copyDependencies('apicurio', join(plugins, 'apicurio'), env);
    const artifact = `io.debezium:debezium-connector-postgres:${DEBEZIUM}:tar.gz:plugin`;
    const copy = ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`];
    await run('mvn', [...copy, '-Dmdep.useBaseVersion=true'], { env, cwd: into });
    const archive = join(into, `debezium-connector-postgres-${DEBEZIUM}-plugin.tar.gz`);
    await run('tar', ['xzf', archive, '-C', plugins]);
    // Apicurio's jars lack the lists of their converters that `service_load` reads.
    const tool = ['org.apache.kafka.tools.ConnectPluginPath', 'sync-manifests', '--plugin-location'];
    await run(java, ['-cp', `${lib}/*`, ...tool, join(plugins, 'apicurio')]);
  });
  return { java, classPath: `${folder}/lib/*`, plugins: join(folder, 'plugins') };
}

async function copyDependencies(profile: string, into: string, env: NodeJS.ProcessEnv): Promise<void> {
  const goal = ['-q', '-B', '-f', POM, '-P', profile, 'dependency:copy-dependencies'];
  await run('mvn', [...goal, '-DincludeScope=runtime', `-DoutputDirectory=${into}`], { env });
}

function topics(): Record<string, string> {
  const entries = ['config', 'offset', 'status'].flatMap((it) => [
    [`${it}.storage.topic`, `connect-${it}s`],
    [`${it}.storage.replication.factor`, '1'],
  ]);
  const partitions = { 'offset.storage.partitions': '1', 'status.storage.partitions': '1' };
  return { ...(Object.fromEntries(entries) as Record<string, string>), ...partitions };
}
