import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../services/cache.ts';
import { installChdb, installPyIceberg, installSpark, type PythonEngine } from '../../services/readers.ts';
import type { Dialect } from '../canonical.ts';
import { CLICKHOUSE, SPARK_SQL } from '../dialects.ts';
import { type Answer, type Engine, localPath, queryText, type Request } from '../engine.ts';

// Engines that run within Python: a script answers all requests in one process, because starting is what takes long.

export async function openSpark(): Promise<Engine> {
  return pythonEngine('Spark', 'spark.py', await installSpark(), sqlRequest(SPARK_SQL));
}

export async function openChdb(): Promise<Engine> {
  return pythonEngine('ClickHouse', 'chdb.py', await installChdb(), sqlRequest(CLICKHOUSE));
}

export async function openPyIceberg(): Promise<Engine> {
  return pythonEngine('PyIceberg', 'pyiceberg.py', await installPyIceberg(), (request) => ({
    location: request.exhibit.loaded.metadataLocation,
    columns: request.exhibit.columns.map((column) => column.name),
    filter: request.question.where,
  }));
}

function sqlRequest(dialect: Dialect) {
  return (request: Request) => ({
    location: localPath(request.exhibit.loaded.metadataLocation),
    sql: queryText(dialect, request, '{table}'),
  });
}

async function pythonEngine(
  name: string,
  script: string,
  { site, env, version }: PythonEngine,
  requestOf: (request: Request) => unknown,
): Promise<Engine> {
  return {
    name,
    version,
    ask: async (requests) => {
      const folder = await mkdtemp(join(tmpdir(), 'icestream-reader-'));
      try {
        const [asked, answered] = [join(folder, 'requests.json'), join(folder, 'answers.json')];
        await writeFile(asked, JSON.stringify(requests.map(requestOf)));
        const file = fileURLToPath(new URL(script, import.meta.url));
        await run('python3', ['-W', 'ignore', file, asked, answered], {
          env: { ...process.env, PYTHONSAFEPATH: '1', PYTHONPATH: site, TZ: 'UTC', ...env },
        });
        return JSON.parse(await readFile(answered, 'utf8')) as Answer[];
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    close: async () => {},
  };
}
