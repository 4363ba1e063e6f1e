import { int4Codec, int8Codec } from '../../src/capture/postgres/codecs/integer.ts';
import { SOURCE_SCHEMA, SourceBlock } from '../../src/capture/postgres/events/source-block.ts';
import { LSN_NONE } from '../../src/capture/postgres/lsn.ts';
import { PostgresOffset } from '../../src/capture/postgres/offset.ts';
import { Transaction } from '../../src/capture/postgres/transaction.ts';
import { type ChangeBatch, Op } from '../../src/record/batch.ts';
import { BatchBuilder } from '../../src/record/builder.ts';
import type { ConnectSchema } from '../../src/record/connect-schema.ts';
import type { EventField, EventForms } from '../../src/record/event.ts';
import type { Column, TableSchema } from '../../src/record/table.ts';

/** Row n has key n modulo this. */
export const KEYS = 1000;
const TIME_MICROS = 1_795_227_643_716_029;
const ID = { database: 'd', schema: 'public', table: 'numbers' };

const table: TableSchema = {
  id: ID,
  name: 'public.numbers',
  version: 1,
  sourceId: '1',
  columns: [column('id', 1), column('n', 2)],
  keyColumns: [0],
  beforeColumns: [0],
};

function column(name: string, sourceId: number): Column {
  const isKey = sourceId === 1;
  return {
    name,
    sourceId,
    type: { kind: isKey ? 'int32' : 'int64' },
    sourceType: isKey ? 'integer' : 'bigint',
    nullable: false,
    codec: isKey ? int4Codec : int8Codec,
    defaultCell: null,
  };
}

/** Events of the one table, as Debezium's of a table with two integers. */
export function numberedForms(prefix: string): EventForms {
  const topic = `${prefix}.public.numbers`;
  const text: ConnectSchema = { type: 'string', optional: false };
  const long: ConnectSchema = { type: 'int64', optional: true };
  const field = (
    name: string,
    column: number,
    type: 'int32' | 'int64',
    absent: number | bigint,
  ): EventField => ({
    ...{ name, column, schema: { type, optional: false }, unavailable: null, absent },
    adapt: (out) => out,
  });
  const fields = [field('id', 0, 'int32', 0), field('n', 1, 'int64', 0n)];
  const struct = (name: string, of: ConnectSchema['fields'], optional: boolean): ConnectSchema => {
    return { type: 'struct', optional, name: `${topic}.${name}`, fields: of };
  };
  const row = struct('Value', fields, true);
  const block = new SourceBlock(prefix, ID);
  const envelope = struct(
    'Envelope',
    [
      { name: 'before', schema: row },
      { name: 'after', schema: row },
      { name: 'source', schema: SOURCE_SCHEMA },
      { name: 'transaction', schema: { type: 'struct', optional: true, name: 'event.block', fields: [] } },
      { name: 'op', schema: text },
      ...['ts_ms', 'ts_us', 'ts_ns'].map((name) => ({ name, schema: long })),
    ],
    false,
  );
  const form = {
    topic,
    collection: table.name,
    key: struct('Key', fields.slice(0, 1), false),
    keyFields: fields.slice(0, 1),
    row,
    fields,
    envelope,
    writeSource: block.write.bind(block),
    transactionId: () => '7:1',
  };
  return { of: () => form, transactionEnd: () => '7:1', prefix, connector: 'postgresql' };
}

/** The offset behind row n. */
export function offsetAt(n: number): PostgresOffset {
  return new PostgresOffset({
    ...{ epoch: 0, lsn: BigInt(n), txId: null, timestampMicros: TIME_MICROS },
    ...{ initialSnapshot: false, progress: null, mayExistUntil: LSN_NONE },
  });
}

/** Rows `from` to `to`, both included, as one transaction. */
export function rowsOf(from: number, to: number): ChangeBatch {
  const count = to - from + 1;
  const builder = new BatchBuilder(count * 12, count * 2, count);
  builder.transaction(new Transaction(offsetAt(from - 1), 7, TIME_MICROS, BigInt(to), BigInt(from - 1)));
  const bytes = Buffer.alloc(12);
  for (let n = from; n <= to; n++) {
    bytes.writeInt32BE(n % KEYS, 0);
    bytes.writeBigInt64BE(BigInt(n), 4);
    const at = builder.append(bytes, 0, 12);
    const cell = builder.cellCount;
    builder.cell(at, 4);
    builder.cell(at + 4, 8);
    builder.row(table, Op.create, 0, -1, cell, 0, n);
  }
  return builder.finish(offsetAt(to));
}
