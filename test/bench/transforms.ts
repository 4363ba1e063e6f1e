import { parseArgs } from 'node:util';
import { columnType, type PgType } from '../../src/capture/postgres/codecs/index.ts';
import { parsePostgresConfig } from '../../src/capture/postgres/config.ts';
import { PostgresForms } from '../../src/capture/postgres/events/index.ts';
import { LSN_NONE } from '../../src/capture/postgres/lsn.ts';
import { PostgresOffset } from '../../src/capture/postgres/offset.ts';
import type { PostgresColumn, PostgresTable } from '../../src/capture/postgres/schema.ts';
import { Transaction } from '../../src/capture/postgres/transaction.ts';
import { loadConverter } from '../../src/convert/registry.ts';
import type { Producer } from '../../src/kafka/producer.ts';
import { type ChangeBatch, NULL_CELL, Op } from '../../src/record/batch.ts';
import { BatchBuilder } from '../../src/record/builder.ts';
import type { RecordTransform } from '../../src/record/connect-record.ts';
import { contextHeaders } from '../../src/sink/kafka/context-headers.ts';
import type { RecordErrors } from '../../src/sink/kafka/errors.ts';
import { Publisher } from '../../src/sink/kafka/publisher.ts';
import { createChain } from '../../src/transform/chain.ts';

/**
 * What transforms cost (S-3): rows of ten columns, in memory, through the Kafka sink's publisher up to where the producer would
 * take them. Planned, a row is written from its cells; unplanned, the same transforms are given a record of each row.
 *
 *     npm run bench:transforms -- [--rows 500000] [--schemas]
 */
const { values } = parseArgs({
  options: { rows: { type: 'string', default: '500000' }, schemas: { type: 'boolean', default: false } },
});
const ROWS = Number(values.rows);
const ROWS_PER_BATCH = 1000;

const UNWRAP = {
  transforms: 'unwrap',
  'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.unwrap.delete.tombstone.handling.mode': 'rewrite',
  'transforms.unwrap.add.fields': 'op,source.ts_ms,lsn',
};
const ROUTE = {
  transforms: 'route',
  'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
  'transforms.route.regex': '(.*)orders',
  'transforms.route.replacement': '$1all',
};
const unwrap = createChain(UNWRAP);
const route = createChain(ROUTE);
const RUNS: readonly (readonly [string, RecordTransform | null])[] = [
  ['no transform', null],
  ['RegexRouter, planned', route],
  ['RegexRouter, unplanned', unplanned(route)],
  ['ExtractNewRecordState, planned', unwrap],
  ['ExtractNewRecordState, unplanned', unplanned(unwrap)],
];

const { config, errors } = parsePostgresConfig({
  'topic.prefix': 'bench',
  'database.hostname': 'localhost',
  'database.user': 'bench',
  'database.dbname': 'shop',
});
if (errors.size > 0) throw new Error([...errors.keys()].join());
const table = makeTable();
const batch = makeBatch();
const json = (await loadConverter('org.apache.kafka.connect.json.JsonConverter'))!;
const simple = (await loadConverter('org.apache.kafka.connect.storage.SimpleHeaderConverter'))!;

/** No record fails here. */
const failing = {
  isLeftOut: (error: unknown) => Promise.reject(error as Error),
} as unknown as RecordErrors;

console.log('| chain | bytes a row | rows per CPU second | to no transform |\n| --- | --- | --- | --- |');
let plain = 0;
// The first rows are the compiler's.
for (const [, transform] of RUNS) await measure(transform, ROWS / 5);
for (const [name, transform] of RUNS) {
  const { rate, bytes } = await measure(transform, ROWS);
  if (transform === null) plain = rate;
  console.log(`| ${name} | ${bytes} | ${Math.round(rate)} | ${(rate / plain).toFixed(2)} |`);
}

function unplanned(chain: RecordTransform): RecordTransform {
  return { apply: (record) => chain.apply(record), plan: () => null };
}

async function measure(
  transform: RecordTransform | null,
  rows: number,
): Promise<{ rate: number; bytes: number }> {
  let bytes = 0;
  const producer = {
    prepare: async () => {},
    room: () => null,
    send(_topic: string, key: Uint8Array | null, value: Uint8Array | null, headers: Uint8Array) {
      bytes += (key?.length ?? 0) + (value?.length ?? 0) + headers.length;
    },
  };
  const converter = json.create({ 'schemas.enable': String(values.schemas) }, false);
  const publisher = new Publisher({
    forms: new PostgresForms(config),
    converters: {
      key: converter,
      value: converter,
      header: simple.create({}, false),
      classes: { key: '', value: '', header: '' },
    },
    headers: contextHeaders('bench', 0, 'postgresql'),
    tombstones: true,
    skippedOps: new Set(),
    skipsUnchanged: false,
    transactionTopic: null,
    transform,
    errors: failing,
    producer: producer as unknown as Producer,
    published: null,
    signal: new AbortController().signal,
  });
  const before = process.cpuUsage();
  let done = 0;
  for (; done < rows; done += ROWS_PER_BATCH) await publisher.take(batch);
  const { user, system } = process.cpuUsage(before);
  return { rate: (done / (user + system)) * 1e6, bytes: Math.round(bytes / done) };
}

function makeTable(): PostgresTable {
  const specs: readonly [string, string, string, number][] = [
    ['id', 'int8', 'int8send', -1],
    ['customer', 'int4', 'int4send', -1],
    ['name', 'text', 'textsend', -1],
    ['email', 'text', 'textsend', -1],
    ['amount', 'int8', 'int8send', -1],
    ['active', 'bool', 'boolsend', -1],
    ['created', 'timestamptz', 'timestamptz_send', -1],
    ['weight', 'float8', 'float8send', -1],
    ['deleted', 'int4', 'int4send', -1],
    ['note', 'text', 'textsend', -1],
  ];
  const columns = specs.map(([name, type, send, typmod], i) => makeColumn(name, type, send, typmod, i + 1));
  return {
    id: { database: 'shop', schema: 'public', table: 'orders' },
    name: 'public.orders',
    version: 1,
    sourceId: '1',
    oid: 1,
    withChildren: false,
    replicaIdentity: 'd',
    columns,
    primaryKey: ['id'],
    uniqueKey: [],
    keyColumns: [0],
    beforeColumns: [0],
    omitted: new Map(),
    asStreamed: false,
  };
}

function makeColumn(
  name: string,
  typeName: string,
  send: string,
  typmod: number,
  number: number,
): PostgresColumn {
  const type: PgType = {
    oid: number,
    name: typeName,
    kind: 'b',
    send,
    element: 0,
    typmod: -1,
    labels: [],
    attributes: [],
  };
  const options = {
    hstoreHandlingMode: 'json',
    moneyFractionDigits: 2,
    includeUnknownDatatypes: false,
  } as const;
  const { type: logical, codec, wireFormat } = columnType(number, typmod, () => type, options)!;
  return {
    name,
    sourceId: number,
    type: logical,
    sourceType: typeName,
    nullable: name !== 'id',
    codec,
    defaultCell: null,
    typeOid: number,
    typmod,
    wireFormat,
    added: 'none',
    missingCell: null,
    defaultSql: null,
    typeName,
    root: { type, typmod, logical, element: null },
    keyOnly: false,
    plainCodec: codec,
  };
}

/** Inserts, one update in four and one delete in ten. */
function makeBatch(): ChangeBatch {
  const builder = new BatchBuilder(1 << 20, 1 << 15, ROWS_PER_BATCH);
  const offset = new PostgresOffset({
    epoch: 0,
    lsn: 706_585_728n,
    txId: null,
    timestampMicros: 1_795_227_643_716_029,
    initialSnapshot: false,
    progress: null,
    mayExistUntil: LSN_NONE,
  });
  builder.transaction(new Transaction(offset, 1564, 1_795_227_643_716_029, 900n, 706_585_552n));
  for (let i = 0; i < ROWS_PER_BATCH; i++) {
    const op = i % 10 === 9 ? Op.delete : i % 4 === 3 ? Op.update : Op.create;
    const before = op === Op.delete ? image(builder, i, true) : -1;
    const after = op === Op.delete ? -1 : image(builder, i, false);
    builder.row(table, op, 0, before, after, 0, 706_585_728 + i * 100);
  }
  return builder.finish(null);
}

function image(builder: BatchBuilder, i: number, keyOnly: boolean): number {
  const first = builder.cellCount;
  const cells = [
    int64(5_000_000n + BigInt(i)),
    int32(i * 37),
    Buffer.from(`customer name ${i}`),
    Buffer.from(`user${i}@example.com`),
    int64(1_234_567n + BigInt(i)),
    Buffer.of(i & 1),
    int64(840_000_000_000_000n + BigInt(i)),
    float64(i / 4),
    null,
    Buffer.from('0123456789abcdef'.repeat(3)),
  ];
  for (const [column, cell] of cells.entries()) {
    if (cell === null || (keyOnly && column > 0)) builder.cell(0, NULL_CELL);
    else builder.cell(builder.append(cell, 0, cell.length), cell.length);
  }
  return first;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function float64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
