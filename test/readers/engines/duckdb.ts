import { DuckDBInstance } from '@duckdb/node-api';
import { installDuckdbExtensions } from '../../services/duckdb.ts';
import { DUCKDB } from '../dialects.ts';
import { type Answer, type Engine, localPath, queryText, type Request } from '../engine.ts';

/** DuckDB with its own Iceberg extension, in this process. */
export async function openDuckdb(): Promise<Engine> {
  const extensions = await installDuckdbExtensions();
  const open = async () => {
    const instance = await DuckDBInstance.create(':memory:', {
      allow_unsigned_extensions: 'true',
      memory_limit: '1GB',
    });
    const connection = await instance.connect();
    for (const path of extensions) await connection.run(`LOAD '${path}'`);
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  };
  let connection = await open();
  const askOne = async (request: Request): Promise<Answer> => {
    const from = `iceberg_scan('${localPath(request.exhibit.loaded.metadataLocation)}')`;
    try {
      const result = await connection.runAndReadAll(queryText(DUCKDB, request, from));
      return { rows: result.getRowsJson() };
    } catch (error) {
      // After an internal error every later query fails until the database is opened anew.
      connection.closeSync();
      connection = await open();
      return { error: (error as Error).message };
    }
  };
  return {
    name: 'DuckDB',
    version: String((await connection.runAndReadAll('SELECT version()')).getRowsJson()[0][0]),
    ask: async (requests) => {
      const answers: Answer[] = [];
      for (const request of requests) answers.push(await askOne(request));
      return answers;
    },
    close: async () => connection.closeSync(),
  };
}
