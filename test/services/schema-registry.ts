import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { installed, run } from './cache.ts';
import { findJdk } from './jdk.ts';
import { freePorts, type Server, scratch, startServer } from './process.ts';
import { sharedAddress } from './shared.ts';

const VERSION = '3.0.9';

export interface SchemaRegistryServer extends Server {
  /** `http://127.0.0.1:PORT`; `apicurioApi` and `confluentApi` say what lies under it. */
  readonly url: string;
}

/** Apicurio's own API of release 2, as `apicurio.registry.url` wants it. */
export function apicurioApi(url: string): string {
  return `${url}/apis/registry/v2`;
}

/** Confluent's API, as `schema.registry.url` wants it. */
export function confluentApi(url: string): string {
  return `${url}/apis/ccompat/v7`;
}

/** Apicurio Registry, which speaks Confluent's API too; its schemas are in memory and gone when it ends. */
export async function startSchemaRegistry(): Promise<SchemaRegistryServer> {
  const { java, jar } = await installSchemaRegistry();
  const folder = await scratch('schema-registry');
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({
    name: 'schema registry',
    port: port!,
    folder,
    command: [
      ...[java, '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      ...[`-Dquarkus.http.host=127.0.0.1`, `-Dquarkus.http.port=${port}`],
      ...['-jar', jar],
    ],
    cwd: folder,
    stopSignal: 'SIGKILL',
    ready: async () =>
      (await fetch(`${confluentApi(url)}/subjects`, { signal: AbortSignal.timeout(5_000) })).ok,
  });
  return { ...server, url };
}

/** The run's shared registry, started when it is first asked for: few files want one. */
export async function testSchemaRegistry(): Promise<string> {
  return await sharedAddress('SCHEMA_REGISTRY', async () => {
    const server = await startSchemaRegistry();
    return { address: server.url, stop: () => server.stop() };
  });
}

/** The program as it is published on Maven Central. Needs a JDK (17 or later) and Maven. */
export async function installSchemaRegistry(): Promise<{ java: string; jar: string }> {
  const jdk = await findJdk(17, Number.POSITIVE_INFINITY);
  const folder = await installed(`schema-registry-${VERSION}`, async (into) => {
    const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
    // Release 3 of the plugin wants to read the artifact's parent, too, which is not published.
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy';
    const args = ['-q', '-B', goal, `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`];
    await run('mvn', args, { cwd: into, env: { ...process.env, JAVA_HOME: jdk } });
    const archive = join(into, `apicurio-registry-app-${VERSION}-all.tar.gz`);
    await run('tar', ['xzf', archive, '-C', into]);
    await rm(archive);
  });
  return { java: join(jdk, 'bin/java'), jar: join(folder, `apicurio-registry-app-${VERSION}-runner.jar`) };
}
