import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Rig } from '../harness/rig.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('what is built for an installation does what the sources do', { timeout: 120_000 }, async (t) => {
  // Within the project, where its dependencies are found.
  const folder = await mkdtemp(join(ROOT, 'node_modules/.built-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await promisify(execFile)(tsc, ['-p', 'tsconfig.build.json', '--outDir', folder], { cwd: ROOT });
  const rig = await Rig.create(t);
  await rig.sql(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'read'), (2, 'gone')`);
  await rig.start({ main: join(folder, 'main.js') });
  await rig.sql('DELETE FROM t WHERE id = 2');
  await rig.caughtUp(`INSERT INTO t VALUES (3, 'streamed')`);
  await rig.service.stop();
  await rig.requireEqual('t');
});
