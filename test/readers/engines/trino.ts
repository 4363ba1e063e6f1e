import { startTrino, TRINO } from '../../services/trino.ts';
import { TRINO_SQL } from '../dialects.ts';
import { type Answer, type Engine, localPath, queryText, type Request } from '../engine.ts';

/** A Trino server of our own; each table's metadata file is registered in a catalog of its own. */
export async function openTrino(): Promise<Engine> {
  const server = await startTrino();
  const names = new Map<string, string>();
  const register = async ({ exhibit }: Request): Promise<string> => {
    const location = exhibit.loaded.metadataLocation;
    const known = names.get(location);
    if (known !== undefined) return known;
    const name = `t${names.size}`;
    const [root, file] = localPath(location).split('/metadata/');
    await server.query(`CALL files.system.register_table('read', '${name}', '${root}', '${file}')`);
    names.set(location, `files.read.${name}`);
    return `files.read.${name}`;
  };
  const askOne = async (request: Request): Promise<Answer> => {
    try {
      return { rows: await server.query(queryText(TRINO_SQL, request, await register(request))) };
    } catch (error) {
      return { error: (error as Error).message };
    }
  };
  return {
    name: 'Trino',
    version: TRINO,
    ask: async (requests) => {
      const answers: Answer[] = [];
      for (const request of requests) answers.push(await askOne(request));
      return answers;
    },
    close: () => server.stop(),
  };
}
