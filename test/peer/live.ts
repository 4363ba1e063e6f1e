/**
 * Runs the scenario's variants through real Kafka Connect with Debezium and through ours, on the same PostgreSQL and the
 * same broker, and compares the topics. Exit status 1 when any record differs.
 *
 *   npm run peer:events -- [--variant NAME]... [--variants FILE] [--against live|recorded|FOLDER] [--theirs]
 *     [--out FOLDER] [--lanes N] [--registry URL]
 *
 * `--variants` adds variants from a file of the form of test/fixtures/peer/postgres/variants.json. `--against recorded`
 * takes the recordings of test/fixtures/peer for the real service's, a folder those that `--out` left there; with `--theirs` the real service is compared with them.
 * `--out` keeps the recordings. `--lanes` variants run at once (default 2), each on a PostgreSQL of its own.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startConnect } from '../services/connect.ts';
import { startKafka } from '../services/kafka.ts';
import { compare, describe } from './compare.ts';
import { explain } from './known-differences.ts';
import { type Bench, record } from './record.ts';
import { recorded, recordedVariants } from './recorded.ts';
import { type Recording, readRecording, writeRecording } from './recording.ts';
import { allVariants } from './scenario.ts';
import { type Started, startDatabase, startOurs } from './servers.ts';

const { values } = parseArgs({
  options: {
    variant: { type: 'string', multiple: true },
    variants: { type: 'string' },
    against: { type: 'string', default: 'live' },
    theirs: { type: 'boolean', default: false },
    registry: { type: 'string' },
    out: { type: 'string' },
    lanes: { type: 'string', default: '2' },
  },
});
const more = values.variants ?? null;
const isLive = values.against === 'live';
const chosen =
  values.variant ?? allVariants(more).filter((it) => values.registry !== undefined || it !== 'avro');
if (values.out !== undefined) mkdirSync(values.out, { recursive: true });

const started: Started[] = [];
const totals = { compared: 0, equal: 0, differences: 0 };
try {
  const left = [...chosen];
  const lanes = await startBenches(Number(values.lanes));
  await Promise.all(
    lanes.map(async (benches) => {
      for (let variant = left.shift(); variant !== undefined; variant = left.shift())
        await compareVariant(benches, variant);
    }),
  );
  console.log(
    `${chosen.length} variants: ${totals.compared} records compared, ${totals.equal} equal, ${totals.differences} differences`,
  );
} finally {
  for (const server of started.toReversed()) await server.stop();
}
process.exit(totals.differences === 0 ? 0 : 1);

interface Benches {
  readonly theirs: Bench | null;
  readonly ours: Bench | null;
}

async function startBenches(count: number): Promise<Benches[]> {
  const begin = async <T extends Started>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  const databases: Started[] = [];
  for (let i = 0; i < count; i++) databases.push(await begin(startDatabase()));
  const { bootstrap } = await begin(startKafka());
  const theirs = isLive || values.theirs ? await begin(startConnect({ bootstrap })) : null;
  const ours = values.theirs ? null : await begin(startOurs(bootstrap));
  return databases.map(({ url }) => {
    const servers = { database: url, kafka: bootstrap, registry: values.registry };
    return {
      theirs: theirs && { ...servers, connect: theirs.url },
      ours: ours && { ...servers, connect: ours.url },
    };
  });
}

async function compareVariant(benches: Benches, variant: string): Promise<void> {
  const theirs = benches.theirs && (await recordOn('theirs', benches.theirs, variant));
  const ours = benches.ours && (await recordOn('ours', benches.ours, variant, theirs ?? undefined));
  if (theirs?.about.failure) return;
  const reference = isLive && theirs ? theirs : known(variant);
  const other = ours ?? theirs;
  if (reference === null || other === null) {
    console.log(`${variant}: ${other?.records.length ?? 0} records, there is no recording to compare with`);
    return;
  }
  const found = compare(reference, other);
  const { unexplained } = explain(variant, found.differences);
  const result = { ...found, differences: unexplained };
  const knownCount = found.differences.length - unexplained.length;
  totals.compared += result.compared;
  totals.equal += result.equal;
  totals.differences += result.differences.length;
  console.log(
    `${variant}: ${knownCount === 0 ? '' : `(${knownCount} known differences) `}${describe(result)}`,
  );
}

function known(variant: string): Recording | null {
  if (values.against === 'live' || values.against === 'recorded')
    return recordedVariants().includes(variant) ? recorded(variant) : null;
  const path = `${values.against}/${variant}-theirs.jsonl.zst`;
  return existsSync(path) ? readRecording(path) : null;
}

async function recordOn(side: string, bench: Bench, variant: string, like?: Recording): Promise<Recording> {
  const prefix = `peer_${variant.replaceAll('-', '_')}`;
  const expected = like ?? known(variant) ?? undefined;
  const recording = await record(bench, { variant, prefix, variants: more, like: expected });
  if (values.out !== undefined) writeRecording(`${values.out}/${variant}-${side}.jsonl.zst`, recording);
  if (recording.about.failure) console.log(`${variant}, ${side}: ${recording.about.failure.slice(0, 600)}`);
  return recording;
}
