import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ByteBuffer } from '../../src/base/byte-buffer.ts';
import type { SchemaWriter } from '../../src/convert/converter.ts';
import { loadConverter } from '../../src/convert/registry.ts';
import { type ConnectField, type ConnectSchema, DECIMAL } from '../../src/record/connect-schema.ts';
import { writeInt64 } from '../../src/record/connect-value.ts';

/**
 * Converters alone: records per CPU second of the envelope of a row of ten fields, its calls made as the sink makes them. JSON
 * without schemas is 600 bytes. `--seconds N` for each, 2 unless told; `--only WORD` for those whose name has it.
 */
const SECONDS = Number(option('--seconds') ?? 2);
const ONLY = option('--only') ?? '';
const BATCH = 1000;

const JSON_CLASS = 'org.apache.kafka.connect.json.JsonConverter';
const RUNS: readonly [string, string, Record<string, string>][] = [
  ['JSON, no schemas', JSON_CLASS, { 'schemas.enable': 'false' }],
  ['JSON, schemas', JSON_CLASS, {}],
  ['Avro', 'io.confluent.connect.avro.AvroConverter', { 'schema.registry.url': await startRegistry() }],
];

const row: readonly ConnectField[] = [
  field('id', { type: 'int64', optional: false }),
  field('customer', { type: 'int32', optional: true }),
  field('name', { type: 'string', optional: true }),
  field('email', { type: 'string', optional: true }),
  field('amount', {
    type: 'bytes',
    optional: true,
    name: DECIMAL,
    version: 1,
    parameters: { scale: '2', 'connect.decimal.precision': '12' },
  }),
  field('active', { type: 'boolean', optional: true }),
  field('created', { type: 'int64', optional: true, name: 'io.debezium.time.MicroTimestamp', version: 1 }),
  field('weight', { type: 'float64', optional: true }),
  field('deleted', { type: 'int32', optional: true }),
  field('note', { type: 'string', optional: true }),
];
const int64: ConnectSchema = { type: 'int64', optional: true };
const string: ConnectSchema = { type: 'string', optional: false };
const optionalString: ConnectSchema = { type: 'string', optional: true };
const image: ConnectSchema = { type: 'struct', optional: true, name: 'p.public.orders.Value', fields: row };
const source: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.postgresql.Source',
  version: 1,
  fields: [
    ...['version', 'connector', 'name'].map((name) => field(name, string)),
    field('ts_ms', { type: 'int64', optional: false }),
    field('snapshot', {
      type: 'string',
      optional: true,
      name: 'io.debezium.data.Enum',
      version: 1,
      parameters: {
        allowed: 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental',
      },
      default: 'false',
    }),
    field('db', string),
    field('sequence', optionalString),
    field('ts_us', int64),
    field('ts_ns', int64),
    field('schema', string),
    field('table', string),
    ...['txId', 'lsn', 'xmin'].map((name) => field(name, int64)),
    field('origin', optionalString),
    field('origin_lsn', int64),
  ],
};
const block: ConnectSchema = {
  type: 'struct',
  optional: true,
  name: 'event.block',
  version: 1,
  fields: [
    field('id', string),
    field('total_order', { type: 'int64', optional: false }),
    field('data_collection_order', { type: 'int64', optional: false }),
  ],
};
const envelope: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'p.public.orders.Envelope',
  version: 2,
  fields: [
    field('before', image),
    field('after', image),
    field('source', source),
    field('transaction', block),
    field('op', string),
    ...['ts_ms', 'ts_us', 'ts_ns'].map((name) => field(name, int64)),
  ],
};

const cells = Buffer.from(
  'customer name 4711user4711@example.com0123456789abcdef0123456789abcdef0123456789abcdef',
);
const facts = [
  '3.5.0.Final',
  'postgresql',
  'prefix',
  'false',
  'shop',
  '["706631056","706631056"]',
  'public',
  'orders',
  'c',
];
const factBytes = facts.map((fact) => Buffer.from(fact));

console.log('| converter | bytes a record | records per CPU second | MB/s |\n| --- | --- | --- | --- |');
for (const [name, className, config] of RUNS.filter(([name]) => name.includes(ONLY))) {
  const definition = await loadConverter(className);
  if (definition === null) throw new Error(className);
  const writer = await definition.create(config, false).writer('topic', envelope);
  const { bytes, rate } = measure(writer);
  console.log(`| ${name} | ${bytes} | ${Math.round(rate)} | ${Math.round((rate * bytes) / 1e6)} |`);
}

/** Gives every schema the same id. */
async function startRegistry(): Promise<string> {
  const server = createServer((_, response) => response.end('{"id":1}'))
    .listen(0, '127.0.0.1')
    .unref();
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function measure(writer: SchemaWriter): { bytes: number; rate: number } {
  const out = new ByteBuffer(1 << 16);
  batch(writer, out);
  const deadline = performance.now() + SECONDS * 1000;
  let best = 0;
  while (performance.now() < deadline) {
    const before = process.cpuUsage();
    let records = 0;
    const until = performance.now() + 100;
    while (performance.now() < until) records += batch(writer, out);
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (records / (user + system)) * 1e6);
  }
  return { bytes: Math.round(out.length / BATCH), rate: best };
}

function batch(writer: SchemaWriter, out: ByteBuffer): number {
  out.clear();
  for (let i = 0; i < BATCH; i++) {
    writer.begin(out);
    record(writer, i);
    writer.end();
  }
  return BATCH;
}

function record(out: SchemaWriter, i: number): void {
  out.beginStruct();
  out.null();
  out.beginStruct();
  writeInt64(5_000_000 + i, out);
  out.int32(i * 37);
  out.utf8(cells, 0, 18);
  out.utf8(cells, 18, 38);
  out.decimalSmall(1234567 + i, 2);
  out.bool((i & 1) === 0);
  writeInt64(1_795_227_649_194_812 + i, out);
  out.float64(i / 4);
  out.null();
  out.utf8(cells, 38, 86);
  out.endStruct();
  out.beginStruct();
  fact(out, 0);
  fact(out, 1);
  fact(out, 2);
  writeInt64(1_795_227_649_194, out);
  fact(out, 3);
  fact(out, 4);
  fact(out, 5);
  writeInt64(1_795_227_649_194_812, out);
  out.int64(417985127, 3_000_000_000);
  fact(out, 6);
  fact(out, 7);
  writeInt64(1579, out);
  writeInt64(706_665_352, out);
  out.null();
  out.null();
  out.null();
  out.endStruct();
  out.null();
  fact(out, 8);
  writeInt64(1_795_227_649_300, out);
  writeInt64(1_795_227_649_300_123, out);
  out.int64(417985127, 3_100_000_000);
  out.endStruct();
}

function fact(out: SchemaWriter, i: number): void {
  out.utf8(factBytes[i], 0, factBytes[i].length);
}

function field(name: string, schema: ConnectSchema): ConnectField {
  return { name, schema };
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}
