import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { installed, run } from './cache.ts';
import { findJdk } from './jdk.ts';

// The engines that read our tables in the full tests, each at the version that docs/readers.md speaks of.

export const SPARK = '3.5.9';
export const ICEBERG = '1.12.0';
export const CHDB = '4.4.0';
export const CLICKHOUSE = '26.9';
export const PYICEBERG = '0.12.0';
export const TRINO = '476';

/** Where a Python engine's packages lie (PYTHONPATH) and what else it needs in its environment. */
export interface PythonEngine {
  readonly site: string;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
}

/** ClickHouse as a Python module. */
export async function installChdb(): Promise<PythonEngine> {
  const folder = await installed(`chdb-${CHDB}`, (into) => pip(into, [`chdb==${CHDB}`]));
  return { site: join(folder, 'site'), env: {}, version: `${CLICKHOUSE} (chDB ${CHDB})` };
}

/** PySpark, Iceberg's runtime jar and the driver of SQLite catalogs. Needs a JDK of version 17 to 23. */
export async function installSpark(): Promise<PythonEngine> {
  const jdk = await findJdk(17, 23);
  const folder = await installed(`spark-${SPARK}-iceberg-${ICEBERG}`, async (into) => {
    await pip(into, [`pyspark==${SPARK}`]);
    const jars = join(into, 'site', 'pyspark', 'jars');
    await jar(`org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:${ICEBERG}`, jars, jdk);
    await jar('org.xerial:sqlite-jdbc:3.49.1.0', jars, jdk);
  });
  return {
    site: join(folder, 'site'),
    env: { JAVA_HOME: jdk, SPARK_LOCAL_IP: '127.0.0.1' },
    version: `${SPARK}, Iceberg ${ICEBERG}`,
  };
}

/** Refuses equality deletes: it reads tables without a key. */
export async function installPyIceberg(): Promise<PythonEngine> {
  const folder = await installed(`pyiceberg-${PYICEBERG}`, (into) =>
    pip(into, [`pyiceberg[pyarrow,sql-sqlite]==${PYICEBERG}`]),
  );
  return { site: join(folder, 'site'), env: {}, version: PYICEBERG };
}

/** A Trino server's `lib` and, of its plugins, Iceberg's alone. Needs a JDK of version 24 or later. */
export async function installTrino(): Promise<{ folder: string; java: string }> {
  const jdk = await findJdk(24, Number.POSITIVE_INFINITY);
  const folder = await installed(`trino-${TRINO}`, async (into) => {
    await jar(`io.trino:trino-server:${TRINO}:tar.gz`, into, jdk);
    const archive = join(into, `trino-server-${TRINO}.tar.gz`);
    // Its jars are there once, and then as hard links: all must be unpacked before the other plugins can go.
    await run('tar', ['xzf', archive, '-C', into]);
    const unpacked = join(into, `trino-server-${TRINO}`);
    await mkdir(join(into, 'plugin'));
    await rename(join(unpacked, 'lib'), join(into, 'lib'));
    await rename(join(unpacked, 'plugin', 'iceberg'), join(into, 'plugin', 'iceberg'));
    await rm(unpacked, { recursive: true });
    await rm(archive);
  });
  return { folder, java: join(jdk, 'bin/java') };
}

async function pip(into: string, packages: readonly string[]): Promise<void> {
  const target = ['--target', join(into, 'site')];
  await run('python3', ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...target, ...packages]);
}

/** Copies one artifact `group:name:version[:type]` into a folder. */
async function jar(artifact: string, into: string, jdk: string): Promise<void> {
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
  const args = ['-q', '-B', goal, `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`];
  await run('mvn', args, { env: { ...process.env, JAVA_HOME: jdk } });
}
