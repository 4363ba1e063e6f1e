/**
 * Runs the cases through the real transforms of an installed Kafka Connect with Debezium and writes what became of them:
 *
 *     node test/transform/record-cases.ts FOLDER
 *
 * FOLDER has Connect's jars in lib/ and Debezium's in plugins/debezium-connector-postgres/.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { findJdk } from '../services/jdk.ts';
import { CASES } from './cases.ts';
import { RECORDED } from './recorded-cases.ts';

const [connect] = process.argv.slice(2);
if (connect === undefined) throw new Error('usage: record-cases.ts FOLDER, see above');

const home = await findJdk(17, Number.POSITIVE_INFINITY);
const source = fileURLToPath(new URL('./java/RunTransforms.java', import.meta.url));
const path = [join(connect, 'lib/*'), join(connect, 'plugins/debezium-connector-postgres/*')].join(':');
const input = CASES.map(({ steps, record }) => `${JSON.stringify({ steps, record })}\n`).join('');
const output = execFileSync(join(home, 'bin/java'), ['-cp', path, source], {
  input,
  maxBuffer: 2 ** 28,
  stdio: ['pipe', 'pipe', 'ignore'],
}).toString('utf8');
const lines = output.split('\n').filter((line) => line.startsWith('{'));
if (lines.length !== CASES.length) throw new Error(`${CASES.length} cases, ${lines.length} answers`);
const recorded = lines.map((line, i) =>
  JSON.stringify({ name: CASES[i]!.name, ...(JSON.parse(line) as object) }),
);
writeFileSync(RECORDED, zstdCompressSync(Buffer.from(recorded.join('\n'))));
