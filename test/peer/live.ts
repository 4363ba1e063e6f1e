/**
 * Runs the scenario's variants through real Kafka Connect with Debezium and through ours, on the same PostgreSQL and the
 * same broker, and compares the topics. Exit status 1 when any record differs.
 *
 *   npm run peer:events -- [--variant NAME]... [--variants FILE] [--against live|recorded] [--theirs] [--out FOLDER]
 *
 * `--variants` adds variants from a file of the form of test/fixtures/peer/postgres/variants.json. `--against recorded`
 * takes the recordings of test/fixtures/peer for the real service's; with `--theirs` the real service is compared with them.
 * `--out` keeps the recordings.
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startConnect } from '../services/connect.ts';
import { startKafka } from '../services/kafka.ts';
import { compare, describe } from './compare.ts';
import { type Bench, record } from './record.ts';
import { recorded, recordedVariants } from './recorded.ts';
import { type Recording, writeRecording } from './recording.ts';
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
  const bench = await startBench();
  for (const variant of chosen) await compareVariant(bench, variant);
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

async function startBench(): Promise<Benches> {
  const begin = async <T extends Started>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  const database = await begin(startDatabase());
  const { bootstrap } = await begin(startKafka());
  const servers = { database: database.url, kafka: bootstrap, registry: values.registry };
  const needsTheirs = isLive || values.theirs;
  return {
    theirs: needsTheirs ? { ...servers, connect: (await begin(startConnect({ bootstrap }))).url } : null,
    ours: values.theirs ? null : { ...servers, connect: (await begin(startOurs(bootstrap))).url },
  };
}

async function compareVariant(benches: Benches, variant: string): Promise<void> {
  const theirs = benches.theirs && (await recordOn('theirs', benches.theirs, variant));
  const ours = benches.ours && (await recordOn('ours', benches.ours, variant, theirs ?? undefined));
  const reference = isLive && theirs ? theirs : known(variant);
  const other = ours ?? theirs;
  if (reference === null || other === null) {
    console.log(`${variant}: ${other?.records.length ?? 0} records, there is no recording to compare with`);
    return;
  }
  const result = compare(reference, other);
  totals.compared += result.compared;
  totals.equal += result.equal;
  totals.differences += result.differences.length;
  console.log(`${variant}: ${describe(result)}`);
}

function known(variant: string): Recording | null {
  return recordedVariants().includes(variant) ? recorded(variant) : null;
}

async function recordOn(side: string, bench: Bench, variant: string, like?: Recording): Promise<Recording> {
  const prefix = `peer_${variant.replaceAll('-', '_')}`;
  const expected = like ?? known(variant) ?? undefined;
  const recording = await record(bench, { variant, prefix, variants: more, like: expected });
  if (values.out !== undefined) writeRecording(`${values.out}/${variant}-${side}.jsonl.zst`, recording);
  if (recording.about.failure) console.log(`${variant}, ${side}: ${recording.about.failure}`);
  return recording;
}
