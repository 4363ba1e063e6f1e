import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, type Server, scratch, startServer } from './process.ts';
import { propertiesText } from './properties.ts';
import { installTrino } from './readers.ts';

export { TRINO } from './readers.ts';

export interface TrinoServer extends Server {
  /** All rows of the answer. @throws Error with Trino's own message */
  query(sql: string): Promise<unknown[][]>;
}

/** One node with a catalog `files`, whose schema `read` is empty: tables of local files can be registered in it. */
export async function startTrino(): Promise<TrinoServer> {
  const { folder: program, java } = await installTrino();
  const folder = await scratch('trino');
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  await configure(folder, url);
  const query = (sql: string) => statement(url, sql);
  const server = await startServer({
    name: 'Trino',
    port,
    folder,
    command: [
      ...[java, '-Xmx1500M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError'],
      ...['-Djdk.attach.allowAttachSelf=true', '--enable-native-access=ALL-UNNAMED'],
      ...['--add-opens=java.base/java.nio=ALL-UNNAMED', `-Dplugin.dir=${program}/plugin`],
      ...[`-Dconfig=${folder}/config.properties`, `-Dcatalog.config-dir=${folder}/catalog`],
      ...[
        '-Dnode.environment=test',
        '-Dnode.id=test-1',
        '-Dnode.bind-ip=127.0.0.1',
        `-Dnode.data-dir=${folder}`,
      ],
      ...['-Duser.timezone=UTC', '-cp', `${program}/lib/*`, 'io.trino.server.TrinoServer'],
    ],
    cwd: folder,
    stopSignal: 'SIGKILL',
    startTimeoutMs: 180_000,
    // Its port answers some seconds before there is a node to run anything; system tables need none.
    ready: async () => {
      await query('CREATE SCHEMA IF NOT EXISTS files.read');
      await query('CREATE TABLE IF NOT EXISTS files.read.ready AS SELECT 1 AS one');
      return (await query('SELECT one FROM files.read.ready')).length === 1;
    },
  });
  return { ...server, query };
}

async function configure(folder: string, url: string): Promise<void> {
  await mkdir(join(folder, 'catalog'));
  await mkdir(join(folder, 'files'));
  const config = {
    coordinator: 'true',
    'node-scheduler.include-coordinator': 'true',
    'http-server.http.port': new URL(url).port,
    'node.internal-address': '127.0.0.1',
    'discovery.uri': url,
    'query.max-memory': '400MB',
    'query.max-memory-per-node': '400MB',
    'memory.heap-headroom-per-node': '300MB',
  };
  const files = {
    'connector.name': 'iceberg',
    'iceberg.catalog.type': 'TESTING_FILE_METASTORE',
    'hive.metastore.catalog.dir': `file://${folder}/files`,
    'iceberg.register-table-procedure.enabled': 'true',
    'fs.hadoop.enabled': 'true',
  };
  await writeFile(join(folder, 'config.properties'), propertiesText(config));
  await writeFile(join(folder, 'catalog', 'files.properties'), propertiesText(files));
}

interface Page {
  readonly nextUri?: string;
  readonly data?: unknown[][];
  readonly error?: { readonly message: string };
}

/** Trino's own protocol: the first answer and all that follow by `nextUri`. */
async function statement(url: string, sql: string): Promise<unknown[][]> {
  const headers = { 'X-Trino-User': 'test', 'X-Trino-Time-Zone': 'UTC' };
  const rows: unknown[][] = [];
  let request = fetch(`${url}/v1/statement`, { method: 'POST', body: sql, headers });
  for (;;) {
    const response = await request;
    if (!response.ok) throw new Error(`Trino answered ${response.status}: ${await response.text()}`);
    const page = (await response.json()) as Page;
    if (page.error !== undefined) throw new Error(page.error.message);
    rows.push(...(page.data ?? []));
    if (page.nextUri === undefined) return rows;
    request = fetch(page.nextUri, { headers });
  }
}
