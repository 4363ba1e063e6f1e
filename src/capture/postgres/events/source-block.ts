import { DEBEZIUM_VERSION } from '../../../base/debezium.ts';
import type { ChangeBatch, TransactionMark } from '../../../record/batch.ts';
import type { ConnectSchema } from '../../../record/connect-schema.ts';
import { writeBigInt, writeInt64 } from '../../../record/connect-value.ts';
import type { SnapshotMarker } from '../../../record/event.ts';
import type { TableId } from '../../../record/table.ts';
import type { ValueWriter } from '../../../record/value.ts';
import { type Lsn, lsnHi, lsnLo, lsnOf } from '../lsn.ts';
import type { PostgresOffset } from '../offset.ts';
import { SnapshotMark, Transaction, WindowMark } from '../transaction.ts';
import { INT64, named, optional, TEXT } from './shape.ts';
import { writeThousandfold } from './wide.ts';

export const CONNECTOR = 'postgresql';

const MARKERS: readonly SnapshotMarker[] = [
  'true',
  'first',
  'first_in_data_collection',
  'last_in_data_collection',
  'last',
  'false',
  'incremental',
];

const OPTIONAL_TEXT = optional(TEXT);
const OPTIONAL_LONG = optional(INT64);

export const SOURCE_SCHEMA: ConnectSchema = {
  ...named('struct', 'io.debezium.connector.postgresql.Source'),
  fields: [
    { name: 'version', schema: TEXT },
    { name: 'connector', schema: TEXT },
    { name: 'name', schema: TEXT },
    { name: 'ts_ms', schema: INT64 },
    {
      name: 'snapshot',
      schema: {
        ...named('string', 'io.debezium.data.Enum', { allowed: MARKERS.join(',') }),
        optional: true,
        default: 'false',
      },
    },
    { name: 'db', schema: TEXT },
    { name: 'sequence', schema: OPTIONAL_TEXT },
    { name: 'ts_us', schema: OPTIONAL_LONG },
    { name: 'ts_ns', schema: OPTIONAL_LONG },
    { name: 'schema', schema: TEXT },
    { name: 'table', schema: TEXT },
    { name: 'txId', schema: OPTIONAL_LONG },
    { name: 'lsn', schema: OPTIONAL_LONG },
    { name: 'xmin', schema: OPTIONAL_LONG },
    { name: 'origin', schema: OPTIONAL_TEXT },
    { name: 'origin_lsn', schema: OPTIONAL_LONG },
  ],
};

const VERSION_BYTES = Buffer.from(DEBEZIUM_VERSION);
const CONNECTOR_BYTES = Buffer.from(CONNECTOR);
const MARKER_BYTES = Object.fromEntries(MARKERS.map((marker) => [marker, Buffer.from(marker)])) as Record<
  SnapshotMarker,
  Buffer
>;

const TWO_32 = 0x1_0000_0000;
/** Beyond it a number is no longer exact: 9 PB of log. */
const EXACT_HI = 0x20_0000;

/**
 * Writes the `source` of one table's rows. What rows of a transaction share is worked out when the first of them comes.
 */
export class SourceBlock {
  readonly #name: Buffer;
  readonly #database: Buffer;
  readonly #schema: Buffer;
  readonly #table: Buffer;
  #mark: TransactionMark | null = null;
  #txId: number | null = null;
  /** `["previous","`, then the row's own position. */
  readonly #sequence = Buffer.alloc(64);
  #sequenceStart = 0;

  constructor(prefix: string, { database, schema, table }: TableId) {
    this.#name = Buffer.from(prefix);
    this.#database = Buffer.from(database);
    this.#schema = Buffer.from(schema);
    this.#table = Buffer.from(table);
  }

  write(batch: ChangeBatch, row: number, snapshot: SnapshotMarker, out: ValueWriter): void {
    const mark = batch.transactions[batch.transactionOf[row]];
    if (mark !== this.#mark) this.#begin(mark);
    const micros = sourceMicros(mark);
    const hi = Math.floor(micros / TWO_32);
    const isStreamed = mark instanceof Transaction;
    const lsn = isStreamed ? null : positionOf(mark);
    const lsnHigh = lsn === null ? batch.positionHi[row] : lsnHi(lsn);
    const lsnLow = lsn === null ? batch.positionLo[row] : lsnLo(lsn);
    out.beginStruct();
    writeAll(VERSION_BYTES, out);
    writeAll(CONNECTOR_BYTES, out);
    writeAll(this.#name, out);
    writeInt64(Math.floor(micros / 1000), out);
    // Of changes it is left out: `false` is the schema's default.
    if (snapshot === 'false') out.null();
    else writeAll(MARKER_BYTES[snapshot], out);
    writeAll(this.#database, out);
    out.utf8(this.#sequence, 0, this.#endSequence(lsnHigh, lsnLow));
    out.int64(hi, micros - hi * TWO_32);
    if (isStreamed || mark instanceof SnapshotMark) writeThousandfold(hi, micros - hi * TWO_32, out);
    else writeBigInt(BigInt(micros) * 1000n + (process.hrtime.bigint() % 1000n), out);
    writeAll(this.#schema, out);
    writeAll(this.#table, out);
    if (this.#txId === null) out.null();
    else writeInt64(this.#txId, out);
    if (isStreamed || mark instanceof SnapshotMark) out.int64(lsnHigh | 0, lsnLow);
    else out.null();
    out.null();
    out.null();
    out.null();
    out.endStruct();
  }

  #begin(mark: TransactionMark): void {
    this.#mark = mark;
    let previous: bigint | null;
    if (mark instanceof Transaction) {
      this.#txId = mark.xid === 0 ? null : mark.xid;
      previous = mark.previousEnd;
    } else if (mark instanceof SnapshotMark) {
      this.#txId = mark.txId;
      previous = null;
    } else {
      // An incremental snapshot's rows belong to no transaction: they stand where the stream does.
      this.#txId = null;
      previous = positionOf(mark);
    }
    const before = previous === null ? '[null,"' : `["${previous}","`;
    this.#sequenceStart = this.#sequence.write(before, 'latin1');
  }

  #endSequence(hi: number, lo: number): number {
    let end = putDecimal(this.#sequence, this.#sequenceStart, hi, lo);
    this.#sequence[end++] = 0x22;
    this.#sequence[end++] = 0x5d;
    return end;
  }
}

function positionOf(mark: TransactionMark): Lsn {
  return mark instanceof WindowMark ? mark.position : (mark.offset as PostgresOffset).lsn;
}

/** Of an incremental snapshot's rows Debezium says when it read them, of others when they were committed. */
function sourceMicros(mark: TransactionMark): number {
  if (mark instanceof Transaction || mark instanceof SnapshotMark) return mark.timestampMicros;
  return Date.now() * 1000;
}

/** The position of a row in decimal digits, as all of Debezium's texts have it. */
export function lsnText(hi: number, lo: number): string {
  return hi < EXACT_HI ? String(hi * TWO_32 + lo) : String(lsnOf(hi, lo));
}

function putDecimal(to: Buffer, at: number, hi: number, lo: number): number {
  if (hi >= EXACT_HI) return at + to.write(lsnText(hi, lo), at, 'latin1');
  let value = hi * TWO_32 + lo;
  let end = at + 1;
  for (let limit = 10; value >= limit; limit *= 10) end++;
  for (let place = end - 1; place >= at; place--) {
    const rest = Math.floor(value / 10);
    to[place] = 0x30 + (value - rest * 10);
    value = rest;
  }
  return end;
}

function writeAll(bytes: Buffer, out: ValueWriter): void {
  out.utf8(bytes, 0, bytes.length);
}
