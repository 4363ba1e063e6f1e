import { join } from 'node:path';
import { installed, run } from '../services/cache.ts';

const VERSION = '0.12.0';

/** Runs a Python script with PyIceberg at hand; its output. Installed with pip on the first call. */
export async function runPyIceberg(script: string, ...args: string[]): Promise<string> {
  const folder = await installed(`pyiceberg-${VERSION}`, async (into) => {
    const packages = [`pyiceberg[pyarrow,sql-sqlite]==${VERSION}`];
    await run('python3', [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      '--target',
      join(into, 'site'),
      ...packages,
    ]);
  });
  const env = { ...process.env, PYTHONPATH: join(folder, 'site'), PYTHONWARNINGS: 'ignore' };
  return await run('python3', ['-c', script, ...args], { env });
}
