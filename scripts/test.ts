import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { installAll, type ServiceName } from '../test/services/install.ts';
import { startKafka } from '../test/services/kafka.ts';
import { POSTGRES_VERSIONS, startPostgres } from '../test/services/postgres.ts';
import type { Server } from '../test/services/process.ts';
import { startRestCatalog } from '../test/services/rest-catalog.ts';
import { s3Properties, startS3 } from '../test/services/s3.ts';

/**
 * `test.ts unit|all|full [filter...]` runs test/**\/*.test.ts; a filter is a part of a path. What a file needs is in its
 * name: `.test.ts` nothing but Node, `.pg` PostgreSQL, `.s3` an S3 server, `.catalog` the REST catalog, `.kafka` Kafka
 * and PostgreSQL, `.crash` all of them, `.full` all of them and more time than CI has. Servers are installed where missing (test/services), started once
 * and handed to the files by environment variables. What cannot be installed fails the run where CI is set; elsewhere its
 * files are listed as not run.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SUFFIXES = ['pg', 's3', 'catalog', 'kafka', 'crash', 'full'] as const;
type Need = (typeof SUFFIXES)[number] | 'nothing';

/** For one file; a file that hangs is killed then and counts as failed. */
const TIME_LIMIT_MS = { unit: 60_000, all: 180_000, full: 7_200_000 };
/** In `all`, for files that start and stop the service many times. */
const TIME_LIMIT_SLOW_MS = 600_000;
const SLOW = /^test\/(crash|faults|peer|kafka)\//;
type Mode = keyof typeof TIME_LIMIT_MS;

const SERVICES_OF: Record<Need, readonly ServiceName[]> = {
  nothing: [],
  pg: ['PostgreSQL 18'],
  s3: ['S3'],
  catalog: ['REST catalog'],
  kafka: ['PostgreSQL 18', 'Kafka'],
  crash: ['PostgreSQL 18', 'S3', 'REST catalog', 'Kafka'],
  full: ['PostgreSQL 18', 'S3', 'REST catalog', 'Kafka'],
};

const servers: Server[] = [];
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const [mode, ...filters] = process.argv.slice(2) as [Mode, ...string[]];
if (!Object.hasOwn(TIME_LIMIT_MS, mode ?? '')) {
  console.error('usage: test.ts unit|all|full [filter...]');
  process.exit(2);
}
try {
  process.exitCode = await main();
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
// A handle that a reporter or a server's pipe left open must not hold up CI.
process.exit();

async function main(): Promise<number> {
  const chosen = testFiles();
  if (chosen.length === 0) {
    console.error('no test file matches');
    return 2;
  }
  const missing = await prepare(new Set(chosen.map(need)));
  if (missing.size > 0 && process.env['CI']) {
    for (const [name, error] of missing) console.error(`cannot install ${name}:`, error);
    return 1;
  }
  const runnable = chosen.filter((file) => !SERVICES_OF[need(file)].some((name) => missing.has(name)));
  const notRun = chosen.filter((file) => !runnable.includes(file));
  const counts = await runTests(runnable);
  for (const [name, error] of missing) console.log(`not installed: ${name} (${error.message})`);
  for (const file of notRun) console.log(`NOT RUN: ${relative(ROOT, file)}`);
  console.log(
    `${counts.passed} passed, ${counts.failed} failed, ${counts.cancelled} cancelled, ${counts.skipped} skipped, ` +
      `${counts.todo} todo; ${runnable.length} files run, ${notRun.length} not run`,
  );
  return counts.failed + counts.cancelled === 0 && !stopping.signal.aborted && counts.ended ? 0 : 1;
}

function testFiles(): string[] {
  const all = globSync('test/**/*.test.ts', { cwd: ROOT }).map((file) => `${ROOT}${file}`);
  return all
    .filter((file) => mode === 'full' || need(file) !== 'full')
    .filter((file) => mode !== 'unit' || need(file) === 'nothing')
    .filter((file) => filters.length === 0 || filters.some((part) => relative(ROOT, file).includes(part)))
    .sort();
}

function need(file: string): Need {
  return SUFFIXES.find((suffix) => file.endsWith(`.${suffix}.test.ts`)) ?? 'nothing';
}

/** Installs and starts what these needs ask for; the answer says what is missing. */
async function prepare(needs: ReadonlySet<Need>): Promise<Map<ServiceName, Error>> {
  if (needs.size === 1 && needs.has('nothing')) return new Map();
  const everything = needs.has('crash') || needs.has('full');
  const wanted: ServiceName[] = ['DuckDB extensions'];
  if (everything || needs.has('pg'))
    wanted.push(...POSTGRES_VERSIONS.map((it) => `PostgreSQL ${it}` as const));
  else if (needs.has('kafka')) wanted.push('PostgreSQL 18');
  if (everything || needs.has('kafka')) wanted.push('Kafka');
  if (everything || needs.has('s3') || needs.has('catalog')) wanted.push('S3');
  if (everything || needs.has('catalog')) wanted.push('REST catalog');
  const missing = await installAll(wanted);
  const usable = wanted.filter((name) => !missing.has(name));
  for (const name of usable) await start(name);
  return missing;
}

async function start(name: ServiceName): Promise<void> {
  const share = (variable: string, server: Server & { url: string }): void => {
    servers.push(server);
    process.env[`ICESTREAM_TEST_${variable}`] = server.url;
  };
  if (name === 'S3') share('S3', await startS3());
  if (name === 'Kafka') share('KAFKA', await startKafka());
  const version = POSTGRES_VERSIONS.find((it) => name === `PostgreSQL ${it}`);
  if (version !== undefined) share(`POSTGRES_${version}`, await startPostgres({ version }));
  if (name === 'REST catalog') {
    const s3 = process.env['ICESTREAM_TEST_S3'];
    share('REST_CATALOG', await startRestCatalog(s3 === undefined ? {} : { s3: s3Properties(s3) }));
  }
}

interface Counts {
  passed: number;
  failed: number;
  cancelled: number;
  skipped: number;
  todo: number;
  /** Whether the runner came to its end and said so, each time. */
  ended: boolean;
}

async function runTests(files: string[]): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0, ended: true };
  const isSlow = (file: string) => mode === 'all' && SLOW.test(relative(ROOT, file));
  await runGroup(
    files.filter((file) => !isSlow(file)),
    TIME_LIMIT_MS[mode],
    counts,
  );
  await runGroup(files.filter(isSlow), TIME_LIMIT_SLOW_MS, counts);
  return counts;
}

/** Runs files that have the same time limit, which the runner takes for each of them, and adds to `counts`. */
async function runGroup(files: string[], timeout: number, counts: Counts): Promise<void> {
  if (files.length === 0 || stopping.signal.aborted) return;
  const stream = run({
    files,
    concurrency: Math.min(2, availableParallelism()),
    timeout,
    signal: stopping.signal,
    cwd: ROOT,
  });
  let ended = false;
  stream.on('test:summary', ({ file, counts: { passed, cancelled, skipped, todo, tests } }) => {
    if (file !== undefined) return; // One comes per file, the last one is of all.
    counts.passed += passed;
    counts.failed += tests - passed - cancelled - skipped - todo;
    counts.cancelled += cancelled;
    counts.skipped += skipped;
    counts.todo += todo;
    ended = true;
  });
  const report = stream.compose(spec);
  report.pipe(process.stdout);
  await new Promise((resolve, reject) => report.once('end', resolve).once('error', reject));
  counts.ended &&= ended;
}
