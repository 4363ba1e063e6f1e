/**
 * PostgreSQL to Kafka through icestream and through real Kafka Connect with Debezium, one after the other with the same
 * configuration: changes that wait in a slot, a snapshot, and the time from a commit to a consumer.
 *
 *   npm run bench:kafka -- [--part stream|snapshot|latency]... [--subject icestream|Debezium]... [--schemas on|off]...
 *                          [--inserts N] [--updates N] [--rows N] [--rate N]... [--seconds N] [--repeat N]
 */
import { parseArgs } from 'node:util';
import { Topics } from '../peer/topics.ts';
import { type KafkaServer, startKafka } from '../services/kafka.ts';
import { BenchDatabase, COLUMNS, count, fillTable, median, printTable, rowsSql, timed } from './harness.ts';
import { measureLatency, quantile } from './kafka-latency.ts';
import { connectorConfig, type Subject, type SubjectName, startSubject } from './kafka-subject.ts';

const LOG = 'bench_log';
const BASE = 'bench_base';
const ROWS = 'bench_rows';
const ROWS_PER_TRANSACTION = 1000;
/** Beyond it a run is taken to have failed. */
const LIMIT_MS = 3_600_000;

const list = { type: 'string', multiple: true } as const;
const { values } = parseArgs({
  options: {
    part: { ...list, default: ['stream', 'snapshot', 'latency'] },
    subject: { ...list, default: ['Debezium', 'icestream'] },
    schemas: { ...list, default: ['off', 'on'] },
    rate: { ...list, default: ['100', '2000'] },
    inserts: { type: 'string', default: '1000000' },
    updates: { type: 'string', default: '200000' },
    rows: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '20' },
    repeat: { type: 'string', default: '1' },
  },
});
const subjects = values.subject as SubjectName[];
const repeat = Number(values.repeat);
const inserts = Number(values.inserts);
const updates = Number(values.updates);

interface Run {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

const database = await BenchDatabase.start();
let kafka: KafkaServer | null = null;
let topics: Topics | null = null;
let runs = 0;
try {
  kafka = await startKafka({ settings: { 'log.segment.bytes': String(256 * 2 ** 20) } });
  topics = await Topics.connect(kafka.bootstrap);
  if (values.part.includes('stream')) await benchStream(kafka, topics);
  if (values.part.includes('snapshot')) await benchSnapshot(kafka, topics);
  if (values.part.includes('latency')) await benchLatency(kafka, topics);
} finally {
  await topics?.close();
  await kafka?.stop();
  await database.stop();
}
process.exit();

async function benchStream(broker: KafkaServer, reader: Topics): Promise<void> {
  const end = await fillSlot();
  const changes = inserts + updates;
  const limits: number[] = [];
  for (let i = 0; i < repeat; i++) limits.push(await drainToNowhere(end));
  const limit = changes / median(limits);
  const start = async (name: string) => {
    await database.client.query(`SELECT pg_copy_logical_replication_slot('${BASE}', '${name}')`);
    return {
      'snapshot.mode': 'no_data',
      'publication.name': BASE,
      'publication.autocreate.mode': 'disabled',
    };
  };
  await benchRuns(broker, reader, {
    title: `${count(inserts)} inserts and ${count(updates)} updates from a slot; pg_recvlogical: ${count(limit)} changes/s`,
    table: LOG,
    rows: changes,
    limit,
    start,
  });
}

async function benchSnapshot(broker: KafkaServer, reader: Topics): Promise<void> {
  const rows = Number(values.rows);
  await fillTable(database, ROWS, rows);
  await benchRuns(broker, reader, {
    title: `Snapshot of ${count(rows)} rows`,
    table: ROWS,
    rows,
    limit: null,
    start: async () => ({ 'snapshot.mode': 'initial' }),
  });
}

interface Plan {
  readonly title: string;
  readonly table: string;
  readonly rows: number;
  /** Rows per second that nothing can exceed, null where none is known. */
  readonly limit: number | null;
  /** Prepares the database for a connector of this name; what its configuration needs more. */
  start(name: string): Promise<Record<string, string>>;
}

/** Every subject with every form of the converters, in turns, and a table of the medians. */
async function benchRuns(broker: KafkaServer, reader: Topics, plan: Plan): Promise<void> {
  const lines = [
    ['schemas', '', 'rows/s', 'of the limit', 'CPU s', 'rows per CPU second', 'peak RSS', 'ratio'],
  ];
  for (const schemas of values.schemas) {
    const found = new Map<SubjectName, Run[]>(subjects.map((subject) => [subject, []]));
    for (let i = 0; i < repeat; i++)
      for (const subject of subjects)
        found.get(subject)!.push(await measure(broker, reader, subject, schemas === 'on', plan));
    const perCpu = (subject: SubjectName) => median(found.get(subject)!.map((it) => it.rows / it.cpuSeconds));
    for (const [subject, all] of found) {
      const rate = median(all.map((it) => it.rows / it.seconds));
      const ratio = found.has('Debezium') ? `${(perCpu(subject) / perCpu('Debezium')).toFixed(1)}` : '';
      lines.push([
        ...[schemas, subject, count(rate)],
        plan.limit === null ? '' : `${Math.round((100 * rate) / plan.limit)} %`,
        median(all.map((it) => it.cpuSeconds)).toFixed(1),
        ...[count(perCpu(subject)), `${count(median(all.map((it) => it.peakRssMb)))} MB`, ratio],
      ]);
    }
  }
  printTable(`${plan.title}; ratio of rows per CPU second, median of ${repeat}`, lines);
}

/** One run: from the connector's creation to its last record in the topic. */
async function measure(
  broker: KafkaServer,
  reader: Topics,
  subjectName: SubjectName,
  schemas: boolean,
  plan: Plan,
): Promise<Run> {
  const name = `bench_${runs++}`;
  const topic = `${name}.public.${plan.table}`;
  const more = await plan.start(name);
  const subject = await startSubject(subjectName, broker.bootstrap);
  try {
    const cpuBefore = subject.cpuSeconds;
    const started = performance.now();
    await subject.connect.create(name, connectorConfig(database, { name, table: plan.table, schemas, more }));
    await arrived(reader, subject, name, topic, plan.rows);
    const seconds = (performance.now() - started) / 1000;
    const cpuSeconds = subject.cpuSeconds - cpuBefore;
    process.stderr.write(
      `${subjectName}, schemas ${schemas ? 'on' : 'off'}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s\n`,
    );
    return { rows: plan.rows, seconds, cpuSeconds, peakRssMb: subject.peakRssMb };
  } finally {
    await cleanUp(subject, name, reader);
  }
}

async function arrived(
  reader: Topics,
  subject: Subject,
  name: string,
  topic: string,
  rows: number,
): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  let exists = false;
  for (let i = 0; ; i++) {
    exists ||= (await reader.ofPrefix(name)).includes(topic);
    const found = exists ? (await reader.counts([topic])).get(topic)! : 0;
    if (found >= rows) return;
    if (Date.now() > deadline) throw new Error(`${found} of ${rows} records after ${LIMIT_MS / 1000} s`);
    if (i % 20 === 0) await subject.connect.check(name);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function cleanUp(subject: Subject, name: string, reader: Topics): Promise<void> {
  try {
    await subject.connect.remove(name);
  } finally {
    await subject.stop();
    await database.dropSlot(name);
    await reader.remove(await reader.ofPrefix(name));
  }
}

async function benchLatency(broker: KafkaServer, reader: Topics): Promise<void> {
  const lines = [['changes/s', '', 'p50', 'p99', 'largest']];
  for (const rate of values.rate.map(Number)) {
    for (const subjectName of subjects) {
      const name = `bench_${runs++}`;
      const subject = await startSubject(subjectName, broker.bootstrap);
      try {
        // By default the real one looks every 500 ms for what it has read.
        const more: Record<string, string> = subjectName === 'Debezium' ? { 'poll.interval.ms': '10' } : {};
        const options = { name, bootstrap: broker.bootstrap, rate, seconds: Number(values.seconds), more };
        const times = await measureLatency(database, subject, options);
        const at = (share: number) => `${quantile(times, share).toFixed(1)} ms`;
        lines.push([count(rate), subjectName, at(0.5), at(0.99), at(1)]);
      } finally {
        await cleanUp(subject, name, reader);
      }
    }
  }
  printTable('From the return of a commit to a consumer; Debezium with poll.interval.ms=10', lines);
}

/** Returns a position that every change precedes and one more transaction follows. */
async function fillSlot(): Promise<string> {
  const { client } = database;
  await client.query(`CREATE TABLE ${LOG} (${COLUMNS})`);
  await client.query(`CREATE PUBLICATION ${BASE} FOR TABLE ${LOG}`);
  await client.query(`SELECT pg_create_logical_replication_slot('${BASE}', 'pgoutput')`);
  for (let first = 1; first <= inserts; first += ROWS_PER_TRANSACTION) {
    const last = Math.min(first + ROWS_PER_TRANSACTION - 1, inserts);
    await client.query(`INSERT INTO ${LOG} ${rowsSql(first, last)}`);
  }
  for (let first = 1; first <= updates; first += ROWS_PER_TRANSACTION) {
    const last = Math.min(first + ROWS_PER_TRANSACTION - 1, updates);
    const set = "amount = amount + 1, note = note || 'x'";
    await client.query(`UPDATE ${LOG} SET ${set} WHERE id BETWEEN ${first} AND ${last}`);
  }
  await client.query('CHECKPOINT');
  const end = await database.value('SELECT pg_current_wal_insert_lsn()');
  await client.query(`UPDATE ${LOG} SET cust = cust WHERE id = 1`);
  return end;
}

/** Seconds that pg_recvlogical takes to read the slot to nowhere. */
async function drainToNowhere(end: string): Promise<number> {
  const slot = 'bench_limit';
  await database.client.query(`SELECT pg_copy_logical_replication_slot('${BASE}', '${slot}')`);
  const server = ['-h', '127.0.0.1', '-p', String(database.port), '-U', 'postgres', '-d', 'postgres'];
  const target = ['--start', '-S', slot, '-f', '/dev/null', '--no-loop', '--endpos', end];
  const output = ['-o', 'proto_version=1', '-o', `publication_names=${BASE}`];
  const { seconds } = await timed('pg_recvlogical', [...server, ...target, ...output]);
  await database.dropSlot(slot);
  return seconds;
}
