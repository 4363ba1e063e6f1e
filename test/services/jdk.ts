import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const JDKS = '/usr/lib/jvm';

/** The home of the newest JDK from version `least` to `most`: JAVA_HOME if it fits, else one of those installed. */
export async function findJdk(least: number, most: number): Promise<string> {
  const found: { version: number; home: string }[] = [];
  const entries = await readdir(JDKS).catch(() => []);
  for (const home of [process.env['JAVA_HOME'] ?? '', ...entries.map((entry) => join(JDKS, entry))]) {
    const text = await readFile(join(home, 'release'), 'utf8').catch(() => '');
    const version = Number(/JAVA_VERSION="(\d+)/.exec(text)?.[1] ?? 0);
    if (version >= least && version <= most) found.push({ version, home });
  }
  found.sort((a, b) => b.version - a.version);
  if (found.length > 0) return found[0]!.home;
  const wanted = Number.isFinite(most) ? `of version ${least} to ${most}` : `of version ${least} or later`;
  throw new Error(`no JDK ${wanted} under ${JDKS} or in JAVA_HOME`);
}
