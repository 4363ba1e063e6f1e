import fc from 'fast-check';
import { Adapter } from '../../../src/capture/postgres/events/adapter.ts';
import { SOURCE_SCHEMA, SourceBlock } from '../../../src/capture/postgres/events/source-block.ts';
import { LSN_NONE } from '../../../src/capture/postgres/lsn.ts';
import { PostgresOffset } from '../../../src/capture/postgres/offset.ts';
import { Transaction } from '../../../src/capture/postgres/transaction.ts';
import { type ChangeBatch, NULL_CELL, Op, type OpCode, UNCHANGED_CELL } from '../../../src/record/batch.ts';
import { BatchBuilder } from '../../../src/record/builder.ts';
import { type ConnectSchema, type ConnectValue, DECIMAL } from '../../../src/record/connect-schema.ts';
import { writeValue } from '../../../src/record/connect-value.ts';
import type { EventField, EventForm, SnapshotMarker } from '../../../src/record/event.ts';
import type { TableSchema } from '../../../src/record/table.ts';
import type { Codec } from '../../../src/record/value.ts';

/** One column: what Connect has of it, and values that it may have. */
interface RandomColumn {
  readonly schema: ConnectSchema;
  readonly values: fc.Arbitrary<ConnectValue>;
}

const named = (name: string, more: Partial<ConnectSchema> = {}) => ({ name, version: 1, ...more });
const POINT: ConnectSchema = {
  type: 'struct',
  optional: true,
  name: 'io.debezium.data.geometry.Point',
  fields: [
    { name: 'x', schema: { type: 'float64', optional: false } },
    { name: 'srid', schema: { type: 'int32', optional: true, default: 4 } },
  ],
};
const TEXTS: ConnectSchema = { type: 'array', optional: true, values: { type: 'string', optional: true } };

/** As `column.propagate.source.type` adds them. */
const PROPAGATED = { '__debezium.source.column.name': 'c', '__debezium.source.column.type': 'T' };

/** Of each type one, and with what its default may be. */
const TYPES: readonly [ConnectSchema, fc.Arbitrary<ConnectValue>][] = [
  [{ type: 'int32', optional: true }, fc.integer()],
  [{ type: 'int16', optional: true }, fc.integer({ min: -32768, max: 32767 })],
  [{ type: 'int64', optional: true }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ type: 'int64', optional: true, ...named('io.debezium.time.MicroTimestamp') }, fc.bigInt(0n, 2n ** 60n)],
  [{ type: 'boolean', optional: true }, fc.boolean()],
  [{ type: 'float64', optional: true }, fc.double({ noNaN: true, noDefaultInfinity: true })],
  [{ type: 'string', optional: true }, fc.string({ unit: 'grapheme' })],
  [{ type: 'bytes', optional: true }, fc.uint8Array()],
  [
    { type: 'bytes', optional: true, ...named(DECIMAL, { parameters: { scale: '2' } }) },
    fc.bigInt(-(10n ** 20n), 10n ** 20n).map((unscaled) => ({ unscaled, scale: 2 })),
  ],
  [TEXTS, fc.array(fc.option(fc.string()))],
  [POINT, fc.tuple(fc.integer(), fc.option(fc.integer())) as fc.Arbitrary<ConnectValue>],
];

const column: fc.Arbitrary<RandomColumn> = fc.constantFrom(...TYPES).chain(([schema, values]) =>
  fc.tuple(fc.boolean(), fc.option(values)).map(([optional, fallback]) => ({
    values,
    schema: {
      ...schema,
      optional,
      parameters: { ...schema.parameters, ...PROPAGATED },
      ...(fallback !== null && { default: fallback }),
    },
  })),
);

export interface RandomTable {
  readonly table: TableSchema;
  readonly form: EventForm;
  readonly columns: readonly RandomColumn[];
}

/** A table of one to six columns; keyed or not, with whole before-images or the key alone. The second one is called `name`. */
export const randomTable: fc.Arbitrary<RandomTable> = fc
  .record({
    columns: fc.array(column, { minLength: 1, maxLength: 6 }),
    keyed: fc.boolean(),
    full: fc.boolean(),
  })
  .map(({ columns, keyed, full }) => tableOf(columns, keyed, full));

function tableOf(columns: readonly RandomColumn[], keyed: boolean, full: boolean): RandomTable {
  const nameOf = (i: number) => ['id', 'name', 'amount', 'c3', 'c4', 'c5'][i]!;
  const values = new Values();
  const keyColumns = keyed ? [0] : [];
  const table: TableSchema = {
    id: { database: 'shop', schema: 'inv', table: 'orders' },
    name: 'inv.orders',
    version: 1,
    sourceId: '1',
    columns: columns.map(({ schema }, i) => ({
      name: nameOf(i),
      sourceId: i + 1,
      type: { kind: 'string', length: null },
      sourceType: '',
      nullable: schema.optional,
      codec: values.codec(schema),
      defaultCell: null,
    })),
    keyColumns,
    beforeColumns: full || !keyed ? columns.map((_, i) => i) : keyColumns,
  };
  const fields = columns.map(
    ({ schema }, i): EventField => ({
      name: nameOf(i),
      column: i,
      schema,
      adapt: (out) => (schema.type === 'string' && schema.optional ? new EmptyIsNull(out) : out),
      unavailable: schema.type === 'string' ? '__debezium_unavailable_value' : null,
      absent: schema.optional ? null : zero(schema),
    }),
  );
  return { columns, table, form: formOf(fields, keyed ? [fields[0]] : []) };
}

/** Some cells that are not null are one for Connect. */
class EmptyIsNull extends Adapter {
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) this.out.null();
    else this.out.utf8(bytes, start, end);
  }
}

/** Cells are JSON, since they have to be bytes. */
class Values {
  codec(schema: ConnectSchema): Codec {
    return {
      read: (bytes, start, end, out) =>
        writeValue(schema, fromCell(schema, Buffer.from(bytes.subarray(start, end)).toString()), out),
    };
  }
}

function toCell(value: ConnectValue): Buffer {
  const text = JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return { $big: String(each) };
    return each instanceof Uint8Array ? { $bytes: [...each] } : each;
  });
  return Buffer.from(text);
}

function fromCell(schema: ConnectSchema, text: string): ConnectValue {
  const value = JSON.parse(text, (_, each: { $big?: string; $bytes?: number[] } | null) => {
    if (each?.$big !== undefined) return BigInt(each.$big);
    return each?.$bytes === undefined ? each : Uint8Array.from(each.$bytes);
  }) as ConnectValue;
  return schema.type === 'float64' && value === null ? 0 : value;
}

function zero({ type, name }: ConnectSchema): ConnectValue {
  if (name === DECIMAL) return { unscaled: 0n, scale: 2 };
  if (type === 'struct') return [0, null];
  const zeros: Record<string, ConnectValue> = {
    int64: 0n,
    boolean: false,
    string: '',
    bytes: new Uint8Array(),
    array: [],
  };
  return zeros[type] ?? 0;
}

function formOf(fields: readonly EventField[], keyFields: readonly EventField[]): EventForm {
  const text: ConnectSchema = { type: 'string', optional: false };
  const long: ConnectSchema = { type: 'int64', optional: true };
  const topic = 'srv.inv.orders';
  const row: ConnectSchema = { type: 'struct', optional: true, name: `${topic}.Value`, fields };
  const transaction: ConnectSchema = {
    type: 'struct',
    optional: true,
    ...named('event.block'),
    fields: [
      { name: 'id', schema: text },
      { name: 'total_order', schema: { type: 'int64', optional: false } },
      { name: 'data_collection_order', schema: { type: 'int64', optional: false } },
    ],
  };
  const block = new SourceBlock('srv', { database: 'shop', schema: 'inv', table: 'orders' });
  return {
    topic,
    collection: 'inv.orders',
    key:
      keyFields.length === 0
        ? null
        : { type: 'struct', optional: false, name: `${topic}.Key`, fields: keyFields },
    keyFields,
    row,
    fields,
    envelope: {
      type: 'struct',
      optional: false,
      name: `${topic}.Envelope`,
      version: 2,
      fields: [
        { name: 'before', schema: row },
        { name: 'after', schema: row },
        { name: 'source', schema: SOURCE_SCHEMA },
        { name: 'transaction', schema: transaction },
        { name: 'op', schema: text },
        ...['ts_ms', 'ts_us', 'ts_ns'].map((name) => ({ name, schema: long })),
      ],
    },
    writeSource: (batch, index, snapshot, out) => block.write(batch, index, snapshot, out),
    transactionId: () => '7:1',
  };
}

export interface RandomRow {
  readonly op: OpCode;
  readonly before: readonly Cell[] | null;
  readonly after: readonly Cell[] | null;
  readonly snapshot: SnapshotMarker;
}

/** A value, or one that did not change and is not in the log. */
type Cell = { readonly value: ConnectValue } | 'unchanged';

/** Rows with the images that their operations have; of an update the key may change. */
export function randomRows({ columns, table, form }: RandomTable): fc.Arbitrary<RandomRow[]> {
  const cell = ({ values, schema }: RandomColumn) =>
    (schema.optional ? fc.option(values) : values).map((value): Cell => ({ value }));
  const image = fc.tuple(...columns.map(cell)) as fc.Arbitrary<Cell[]>;
  const updated = fc.tuple(
    ...columns.map((each, i) =>
      table.keyColumns.includes(i) ? cell(each) : fc.oneof(cell(each), fc.constant<Cell>('unchanged')),
    ),
  ) as fc.Arbitrary<Cell[]>;
  const none = fc.constant(null);
  const snapshot = fc.constant<SnapshotMarker>('false');
  const full = table.beforeColumns.length === columns.length;
  const before = full ? image : fc.option(image, { freq: 2 });
  const row = fc.oneof(
    fc.record({
      op: fc.constant(Op.read),
      before: none,
      after: image,
      snapshot: fc.constantFrom<SnapshotMarker>('true', 'first', 'last'),
    }),
    fc.record({ op: fc.constant(Op.create), before: none, after: image, snapshot }),
    fc.record({ op: fc.constant(Op.update), before, after: updated, snapshot }),
    fc.record({ op: fc.constant(Op.delete), before: image, after: none, snapshot }),
    fc.record({ op: fc.constant(Op.truncate), before: none, after: none, snapshot }),
  );
  return fc.array(row as fc.Arbitrary<RandomRow>, { minLength: 1, maxLength: form.key === null ? 4 : 8 });
}

export function batchOf(table: TableSchema, rows: readonly RandomRow[]): ChangeBatch {
  const builder = new BatchBuilder(64, 8, 4);
  const offset = new PostgresOffset({
    epoch: 0,
    lsn: 5n,
    txId: null,
    timestampMicros: 1_795_227_643_716_029,
    initialSnapshot: false,
    progress: null,
    mayExistUntil: LSN_NONE,
  });
  builder.transaction(new Transaction(offset, 1564, 1_795_227_643_716_029, 900n, 706_585_552n));
  const image = (cells: readonly Cell[] | null): number => {
    if (cells === null) return -1;
    const first = builder.cellCount;
    for (const cell of cells) {
      if (cell === 'unchanged' || cell.value === null) {
        builder.cell(0, cell === 'unchanged' ? UNCHANGED_CELL : NULL_CELL);
        continue;
      }
      const bytes = toCell(cell.value);
      builder.cell(builder.append(bytes, 0, bytes.length), bytes.length);
    }
    return first;
  };
  rows.forEach(({ op, before, after }, i) => {
    builder.row(table, op, 0, image(before), image(after), 164, 706_585_728 + i);
  });
  return builder.finish(offset);
}
