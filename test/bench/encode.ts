/**
 * What merging by key and encoding cost, without a server: changes of the eight columns that the other benchmarks have,
 * from cells to Parquet pages that nobody compresses or keeps.
 *
 *   node test/bench/encode.ts [rows]
 */
import { boolCodec, int4Codec, int8Codec } from '../../src/capture/postgres/codecs/integer.ts';
import { numericCodec } from '../../src/capture/postgres/codecs/numeric.ts';
import { textCodec } from '../../src/capture/postgres/codecs/text.ts';
import { timestampCodec } from '../../src/capture/postgres/codecs/time.ts';
import { ParquetFileWriter } from '../../src/iceberg/parquet/writer.ts';
import type { IcebergType, NestedField } from '../../src/iceberg/schema.ts';
import { type ChangeBatch, Op } from '../../src/record/batch.ts';
import { BatchBuilder } from '../../src/record/builder.ts';
import type { Column, TableSchema } from '../../src/record/table.ts';
import type { Codec, LogicalType } from '../../src/record/value.ts';
import { ImageList } from '../../src/sink/iceberg/image-list.ts';
import { Overlay } from '../../src/sink/iceberg/overlay.ts';
import { RowEncoder } from '../../src/sink/iceberg/row-encoder.ts';
import { TableMerge } from '../../src/sink/iceberg/table-merge.ts';

const BATCH_ROWS = 5000;
const BLOCK_ROWS = 1024;
const BATCHES = 40;
const rows = Number(process.argv[2] ?? 3_000_000);

const COLUMNS: readonly [string, LogicalType, IcebergType, Codec][] = [
  ['id', { kind: 'int64' }, 'long', int8Codec],
  ['cust', { kind: 'int32' }, 'int', int4Codec],
  ['name', { kind: 'string', length: 40 }, 'string', textCodec],
  ['email', { kind: 'string', length: null }, 'string', textCodec],
  ['amount', { kind: 'decimal', precision: 12, scale: 2 }, 'decimal(12, 2)', numericCodec],
  ['active', { kind: 'boolean' }, 'boolean', boolCodec],
  ['created', { kind: 'timestamp', precision: 6 }, 'timestamp', timestampCodec],
  ['note', { kind: 'string', length: null }, 'string', textCodec],
];
const table: TableSchema = {
  id: { database: 'd', schema: 'public', table: 'bench' },
  name: 'public.bench',
  version: 1,
  sourceId: '1',
  columns: COLUMNS.map(
    ([name, type, , codec], i): Column => ({
      name,
      sourceId: i + 1,
      type,
      sourceType: name,
      nullable: i > 0,
      codec,
      defaultCell: null,
    }),
  ),
  keyColumns: [0],
  beforeColumns: [0],
};
const fields = COLUMNS.map(
  ([name, , type], i): NestedField => ({ id: i + 1, name, required: i === 0, type }),
);

const batches = Array.from({ length: BATCHES }, (_, i) => makeBatch(i * BATCH_ROWS));
merge();
await encode();
await run('merge ', merge);
await run('encode', encode);

async function run(name: string, work: () => Promise<void> | void): Promise<void> {
  const cpu = process.cpuUsage();
  let done = 0;
  for (; done < rows; done += BATCHES * BATCH_ROWS) await work();
  const { user, system } = process.cpuUsage(cpu);
  console.log(`${name}  ${((done / (user + system)) * 1).toFixed(2)} M rows/CPU-s`);
}

function merge(): void {
  const list: ChangeBatch[] = [];
  const merged = new TableMerge([table], new Overlay(list), false, BATCHES * BATCH_ROWS);
  for (const batch of batches) {
    const number = list.push(batch) - 1;
    for (let row = 0; row < batch.rowCount; row++) merged.apply(batch, number, row, 0);
  }
}

async function encode(): Promise<void> {
  const output = { location: '', write: async () => {}, close: async () => 0, abort: async () => {} };
  const file = new ParquetFileWriter({ type: 'struct', fields }, output, { compression: 'none' });
  const encoder = new RowEncoder(table, fields, file.columns, () => {});
  for (const batch of batches) {
    const list = new ImageList(batch.rowCount);
    for (let row = 0; row < batch.rowCount; row++) list.push(0, batch.after[row], row, 0);
    for (let from = 0; from < batch.rowCount; from += BLOCK_ROWS) {
      const to = Math.min(batch.rowCount, from + BLOCK_ROWS);
      encoder.write(batch, table, list, from, to);
      const room = file.endRows(to - from);
      if (room !== undefined) await room;
    }
  }
  await file.close();
}

function makeBatch(first: number): ChangeBatch {
  const builder = new BatchBuilder(1 << 20, BATCH_ROWS * COLUMNS.length, BATCH_ROWS);
  for (let i = first; i < first + BATCH_ROWS; i++) {
    const cell = builder.cellCount;
    for (const bytes of cells(i)) builder.cell(builder.append(bytes, 0, bytes.length), bytes.length);
    builder.row(table, Op.create, 0, -1, cell, 0, 0);
  }
  return builder.finish(null);
}

function cells(i: number): Buffer[] {
  const micros = Buffer.alloc(8);
  micros.writeBigInt64BE(757_382_400_000_000n + BigInt(i) * 1_000_000n);
  const id = Buffer.alloc(8);
  id.writeBigInt64BE(BigInt(i));
  const cust = Buffer.alloc(4);
  cust.writeInt32BE((i * 7919) % 100_000);
  const cents = i % 1_000_000;
  const digits = [Math.floor(cents / 100), (cents % 100) * 100];
  const amount = Buffer.from([
    0,
    2,
    0,
    0,
    0,
    0,
    0,
    2,
    ...digits.flatMap((digit) => [digit >> 8, digit & 255]),
  ]);
  const note = i.toString(16).padStart(8, '7').repeat(8);
  const texts = [`customer name ${i}`, `user${i}@example.com`, note].map((text) => Buffer.from(text));
  return [id, cust, texts[0], texts[1], amount, Buffer.from([i & 1]), micros, texts[2]];
}
