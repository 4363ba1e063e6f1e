import { parseArgs } from 'node:util';
import { createLog } from '../../src/base/log.ts';
import { BatchBuffers } from '../../src/kafka/batch-buffers.ts';
import { BatchCodec } from '../../src/kafka/batch-codec.ts';
import { Producer } from '../../src/kafka/producer.ts';
import { producerOptions } from '../../src/kafka/producer-config.ts';
import { COMPRESSIONS, type Compression } from '../../src/kafka/producer-options.ts';
import { RecordBatchBuilder, writeHeader } from '../../src/kafka/record-batch.ts';
import { startKafka } from '../services/kafka.ts';

/**
 * Records per second of this process's CPU time, and per second of the clock: of the encoder alone, and of the whole
 * producer against a broker of its own. Records are like Debezium's without schemas: a key of some 15 bytes, a value of
 * some 450.
 *
 *     npm run bench:produce -- [--records 1000000] [--bootstrap host:port] [--compression none,zstd]
 */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    bootstrap: { type: 'string' },
    compression: { type: 'string', default: COMPRESSIONS.join() },
  },
});
const RECORDS = Number(values.records);
const NO_HEADERS = Buffer.from([0]);
const SAMPLES = 4096;

const keys = Array.from({ length: SAMPLES }, (_, i) => Buffer.from(`{"id":${1_000_000 + i * 7}}`));
const events = Array.from({ length: SAMPLES }, (_, i) => Buffer.from(JSON.stringify(event(i))));

function event(i: number): unknown {
  const row = {
    id: 1_000_000 + i * 7,
    name: `customer ${i}`,
    email: `customer.${i}@example.com`,
    balance: `${i}.50`,
  };
  const source = {
    version: '3.3.1.Final',
    connector: 'postgresql',
    name: 'bench',
    ts_ms: 1_700_000_000_000 + i,
  };
  const place = {
    snapshot: 'false',
    db: 'bench',
    schema: 'public',
    table: 'customers',
    txId: 1000 + i,
    lsn: 2 ** 33 + i,
  };
  return { before: null, after: row, source: { ...source, ...place }, op: 'c', ts_ms: 1_700_000_000_100 + i };
}

report('encoder, none', RECORDS, await measured(encodeAll));
for (const compression of values.compression.split(',') as Compression[]) {
  if (compression === 'none') continue;
  report(`encoder, ${compression}`, RECORDS / 4, await measured(() => encodeAll(compression, RECORDS / 4)));
}
const own = values.bootstrap === undefined ? await startKafka() : null;
try {
  for (const compression of values.compression.split(',') as Compression[]) {
    const records = compression === 'none' ? RECORDS : RECORDS / 4;
    await produceAll(compression, 1, records / 10); // The broker's own code wants to be warm too.
    for (const partitions of [1, 12]) {
      const figures = await measured(() => produceAll(compression, partitions, records));
      report(`producer, ${compression}, ${partitions} partitions`, records, figures);
    }
  }
} finally {
  await own?.stop();
}

async function encodeAll(compression: Compression = 'none', records = RECORDS): Promise<void> {
  const buffers = new BatchBuffers(8 * 1024 * 1024);
  const codec = new BatchCodec(compression, 3, buffers);
  const by = { producerId: 1n, epoch: 0, sequence: 0, transactional: false };
  for (let i = 0; i < records; ) {
    const builder = new RecordBatchBuilder(buffers, 512 * 1024);
    for (; builder.byteLength < 500 * 1024 && i < records; i++) {
      builder.append(keys[i % SAMPLES]!, events[i % SAMPLES]!, NO_HEADERS, 1_700_000_000_000 + i);
    }
    const raw = builder.finish();
    const bytes = await codec.pack(raw);
    writeHeader(bytes, raw, 0, by);
    if (compression === 'none') buffers.give(raw.bytes);
  }
}

async function produceAll(compression: Compression, partitions: number, records: number): Promise<void> {
  const { signal } = new AbortController();
  const producer = await Producer.open(
    {
      ...producerOptions({ 'bootstrap.servers': values.bootstrap ?? own!.bootstrap }),
      compression,
      clientId: 'bench',
      log: createLog('warn'),
      topicCreation: () => ({
        partitions,
        replicationFactor: 1,
        configs: { 'retention.bytes': '1000000000' },
      }),
    },
    signal,
  );
  const topic = `bench-${compression}-${partitions}-${Date.now()}`;
  await producer.prepare(topic, signal);
  for (let i = 0; i < records; i++) {
    producer.send(topic, keys[i % SAMPLES]!, events[i % SAMPLES]!, NO_HEADERS, 1_700_000_000_000 + i);
    if (i % 256 === 0) await producer.room();
  }
  await producer.flush(signal);
  await producer.close();
}

interface Figures {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

async function measured(run: () => Promise<void>): Promise<Figures> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuSeconds: (user + system) / 1e6, seconds };
}

function report(name: string, records: number, { cpuSeconds, seconds }: Figures): void {
  const rate = (per: number) => Math.round(records / per).toLocaleString('en');
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${name}: ${rate(cpuSeconds)} records per CPU s, ${rate(seconds)} per s, peak RSS ${memory} MB`,
  );
}
