import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed, run } from './cache.ts';
import { findJdk } from './jdk.ts';
import { accepts, freePorts, type Server, scratch, startServer } from './process.ts';
import { LOGGING, propertiesText } from './properties.ts';
import { sharedAddress } from './shared.ts';

export interface KafkaServer extends Server {
  /** `127.0.0.1:PORT` of the listener without encryption and login. */
  readonly bootstrap: string;
  /** The same, as the name under which a run shares its servers wants it. */
  readonly url: string;
  /** `127.0.0.1:PORT` of the listener that wants SASL, where `sasl` is set. */
  readonly saslBootstrap: string;
  /** `localhost:PORT` of the listener with TLS, where `tls` is set. */
  readonly tlsBootstrap: string;
}

export interface KafkaOptions {
  /** More lines of server.properties, over the defaults below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A listener with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 for this one user. */
  readonly sasl?: { readonly user: string; readonly password: string };
  /** A listener with TLS, from a PEM file that holds key and certificate. */
  readonly tls?: { readonly keyStore: string };
  /** The address that clients are told to use, for a proxy that stands before the broker. */
  readonly advertised?: string;
  /** The port of the plain listener, where something must know it before the broker starts. */
  readonly port?: number;
}

const VERSION = '4.3.1';
const FOLDER = fileURLToPath(new URL('./java/kafka', import.meta.url));

/** One broker that is its own controller (KRaft), with topics of one partition unless they say otherwise. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const folder = await scratch('kafka');
  const [free, controller, sasl, tls] = await freePorts(4);
  const port = options.port ?? free;
  const settings = configure(options, folder, { port, controller, sasl, tls });
  const server = await startNode({ folder, port, settings, sasl: options.sasl });
  const bootstrap = `127.0.0.1:${port}`;
  return {
    ...server,
    bootstrap,
    url: bootstrap,
    saslBootstrap: `127.0.0.1:${sasl}`,
    tlsBootstrap: `localhost:${tls}`,
  };
}

export interface KafkaNode {
  readonly folder: string;
  /** The one that it listens at when it is ready. */
  readonly port: number;
  /** server.properties */
  readonly settings: Readonly<Record<string, string>>;
  readonly sasl?: KafkaOptions['sasl'];
  readonly heapMb?: number;
}

/** One process of Kafka, its folder formatted. */
export async function startNode({ folder, port, settings, sasl, heapMb = 512 }: KafkaNode): Promise<Server> {
  const { java, classPath } = await installKafka();
  const properties = join(folder, 'server.properties');
  const logging = join(folder, 'log4j2.properties');
  await writeFile(properties, propertiesText(settings));
  await writeFile(logging, propertiesText(LOGGING));
  const log = `-Dlog4j2.configurationFile=${logging}`;
  const jvm = [java, `-Xmx${heapMb}m`, '-XX:+UseSerialGC', log, '-cp', classPath];
  await format(jvm, properties, sasl);
  return await startServer({
    name: 'Kafka',
    port,
    folder,
    command: [...jvm, 'kafka.Kafka', properties],
    cwd: folder,
    stopSignal: 'SIGTERM',
    ready: () => accepts(port),
  });
}

/** The run's shared broker, and a prefix for topics (and transactional ids) of one's own in it. */
export async function testKafka(): Promise<{ bootstrap: string; prefix: string }> {
  const bootstrap = await sharedAddress('KAFKA', async () => {
    const server = await startKafka();
    return { address: server.bootstrap, stop: () => server.stop() };
  });
  return { bootstrap, prefix: `t${process.pid}-${counter++}-` };
}

let counter = 0;

/** Jars from Maven Central. Needs a JDK (17 or later) and Maven. */
export async function installKafka(): Promise<{ java: string; classPath: string }> {
  const jdk = await findJdk(17, Number.POSITIVE_INFINITY);
  const folder = await installed(`kafka-${VERSION}`, async (into) => {
    const copy = ['-q', '-B', '-f', join(FOLDER, 'pom.xml'), 'dependency:copy-dependencies'];
    await run('mvn', [...copy, '-DincludeScope=runtime', `-DoutputDirectory=${join(into, 'lib')}`], {
      env: { ...process.env, JAVA_HOME: jdk },
    });
  });
  return { java: join(jdk, 'bin/java'), classPath: `${folder}/lib/*` };
}

/** Gives the folder its cluster id and, because they are kept in the log, the users of SCRAM. */
async function format(jvm: readonly string[], properties: string, sasl: KafkaOptions['sasl']): Promise<void> {
  const [java, ...args] = jvm;
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
    sasl ? ['--add-scram', `${mechanism}=[name=${sasl.user},password=${sasl.password}]`] : [],
  );
  const tool = ['kafka.tools.StorageTool', 'format', '-t', 'aWNlc3RyZWFtLXRlc3RzIQ', '-c', properties];
  await run(java!, [...args, ...tool, ...users]);
}

interface Ports {
  readonly port: number;
  readonly controller: number;
  readonly sasl: number;
  readonly tls: number;
}

function configure(options: KafkaOptions, folder: string, ports: Ports): Record<string, string> {
  const listeners = [`PLAINTEXT://127.0.0.1:${ports.port}`];
  if (options.sasl) listeners.push(`SASL_PLAINTEXT://127.0.0.1:${ports.sasl}`);
  if (options.tls) listeners.push(`SSL://localhost:${ports.tls}`);
  const advertised = [...listeners];
  if (options.advertised) advertised[0] = `PLAINTEXT://${options.advertised}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${ports.controller}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    ...commonSettings(1),
    ...(options.sasl ? saslSettings(options.sasl) : {}),
    ...(options.tls ? { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': options.tls.keyStore } : {}),
    ...options.settings,
  };
}

/** What every broker has, in a cluster of `count`. */
export function commonSettings(count: number): Record<string, string> {
  return {
    'offsets.topic.replication.factor': String(count),
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': String(count),
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'share.coordinator.state.topic.replication.factor': String(count),
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Tests write records of any time; old ones would go at the next look at the logs.
    'log.retention.ms': '-1',
    // A broker that was killed may come back only when its session has ended.
    'broker.heartbeat.interval.ms': '200',
    'broker.session.timeout.ms': '1000',
  };
}

function saslSettings({ user, password }: { user: string; password: string }): Record<string, string> {
  const security = 'org.apache.kafka.common.security';
  const scram = `${security}.scram.ScramLoginModule required;`;
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${security}.plain.PlainLoginModule required user_${user}="${password}";`,
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config': scram,
  };
}
