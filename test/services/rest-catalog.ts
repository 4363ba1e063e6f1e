import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installed, run } from './cache.ts';
import { findJdk } from './jdk.ts';
import { freePorts, type Server, scratch, startServer } from './process.ts';
import { sharedAddress } from './shared.ts';

export interface RestCatalogServer extends Server {
  /** `http://127.0.0.1:PORT`; the API lies under /v1. */
  readonly url: string;
  /** The default warehouse, `file:///...` unless set. */
  readonly warehouse: string;
}

export interface RestCatalogOptions {
  readonly warehouse?: string;
  /** Storage properties (s3Properties): then tables may lie under `s3://`, by their own or their namespace's location. */
  readonly s3?: Readonly<Record<string, string>>;
  /** More properties of the catalog behind the server. */
  readonly properties?: Readonly<Record<string, string>>;
}

const FOLDER = fileURLToPath(new URL('./java', import.meta.url));

/** A reference catalog of one's own, kept in a SQLite file of its folder. */
export async function startRestCatalog(options: RestCatalogOptions = {}): Promise<RestCatalogServer> {
  const { java, classPath } = await installRestCatalog();
  const folder = await scratch('rest-catalog');
  const warehouse = options.warehouse ?? `file://${folder}/warehouse`;
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const properties = {
    'catalog-impl': 'org.apache.iceberg.jdbc.JdbcCatalog',
    'jdbc.schema-version': 'V1',
    'jdbc.strict-mode': 'true', // A table needs its namespace, as the specification wants.
    uri: `jdbc:sqlite:${folder}/catalog.db`,
    warehouse,
    'io-impl': 'org.apache.iceberg.io.ResolvingFileIO',
    ...options.s3,
    ...options.properties,
  };
  const server = await startServer({
    name: 'Iceberg REST catalog',
    port: port!,
    folder,
    command: [
      ...[java, '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath],
      ...['org.apache.iceberg.rest.ReferenceCatalog', String(port)],
      ...Object.entries(properties).map(([name, value]) => `${name}=${value}`),
    ],
    // Without a locale of UTF-8 Java cannot name every file, and the request for such a table is never answered.
    env: { ...process.env, LC_ALL: 'C.UTF-8', AWS_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true' },
    cwd: folder,
    stopSignal: 'SIGKILL',
    ready: async () => (await fetch(`${url}/v1/config`, { signal: AbortSignal.timeout(5_000) })).ok,
  });
  return { ...server, url, warehouse };
}

/** The run's shared catalog and a namespace name of one's own in it (not created). */
export async function testCatalog(): Promise<{ url: string; namespace: string }> {
  const url = await sharedAddress('REST_CATALOG', async () => {
    const server = await startRestCatalog();
    return { address: server.url, stop: () => server.stop() };
  });
  return { url, namespace: `t${process.pid}_${counter++}` };
}

let counter = 0;

/** Jars from Maven Central and one class of ours, compiled here. Needs a JDK (17 or later) and Maven. */
export async function installRestCatalog(): Promise<{ java: string; classPath: string }> {
  // Hadoop's classes, which the catalog loads, do not run on JDK 24 and later.
  const jdk = await findJdk(17, 23);
  const folder = await installed('rest-catalog-1.11.0', async (into) => {
    const copy = ['-q', '-B', '-f', join(FOLDER, 'pom.xml'), 'dependency:copy-dependencies'];
    await run('mvn', [...copy, '-DincludeScope=runtime', `-DoutputDirectory=${join(into, 'lib')}`], {
      env: { ...process.env, JAVA_HOME: jdk },
    });
    const source = join(FOLDER, 'ReferenceCatalog.java');
    const target = ['-d', join(into, 'classes')];
    await run(join(jdk, 'bin/javac'), [
      '-nowarn',
      '-cp',
      `${into}/lib/*`,
      '--release',
      '17',
      ...target,
      source,
    ]);
  });
  return { java: join(jdk, 'bin/java'), classPath: `${folder}/classes:${folder}/lib/*` };
}
