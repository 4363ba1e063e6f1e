import { IcestreamError } from '../../../base/errors.ts';
import { type ChangeBatch, MAY_EXIST, Op, type OpCode } from '../../../record/batch.ts';
import { BatchBuilder } from '../../../record/builder.ts';
import type { BatchPool } from '../../../record/pool.ts';
import type { TableSchema } from '../../../record/table.ts';
import { formatLsn, LSN_NONE, type Lsn, lsnOf } from '../lsn.ts';
import type { PostgresOffset } from '../offset.ts';
import { Transaction } from '../transaction.ts';
import { arenaFor, compacted } from './arena.ts';
import {
  type Commit,
  type LogicalMessage,
  parseBegin,
  parseCommit,
  parseLogicalMessage,
  parseStreamAbort,
  parseStreamStart,
  parseTruncate,
  type StreamAbort,
} from './control.ts';
import { Byte, FRAME_HEADER, FRAME_MAX, XLOG_HEADER } from './frames.ts';
import { parseRelation, type RelationMessage, type RelationPlan } from './relation.ts';
import { RowPlan, readTuple } from './rows.ts';

/** Why `run` came back. What to do is in `Decoder`'s comment. */
export const Stop = {
  more: 0,
  relation: 1,
  batch: 2,
  streamCommit: 3,
  streamAbort: 4,
  message: 5,
  server: 6,
  spool: 7,
  pause: 8,
} as const;
export type StopCode = (typeof Stop)[keyof typeof Stop];

/** Smaller arenas are not worth squeezing. */
const SPARSE_MIN = 64 * 1024;
/** Room for what comes behind a large message in the same chunk: without it the arena would double for a few bytes. */
const CHUNK = 128 * 1024;

export interface OwnMessage {
  readonly content: Buffer;
  readonly lsn: Lsn;
}

export interface DecoderOptions {
  readonly messageTable: TableSchema;
  /** Messages of this prefix are not changes: decoding stops with `Stop.message`. */
  readonly ownPrefix: string | null;
  readonly wantsMessage: (prefix: string) => boolean;
  readonly keepalive: (end: Lsn, reply: boolean) => void;
  /** A batch ends with a transaction once it holds this much ... */
  readonly batchBytes: number;
  readonly batchRows: number;
  /** ... and within one at this. */
  readonly batchBytesMax: number;
  /** Where batches take their arrays from, if not made anew. */
  readonly pool?: BatchPool;
}

/**
 * The replication stream's bytes into batches. Chunks from the socket are appended to the arena of the batch being
 * filled, whatever they hold, and rows are cells over these same bytes: one copy per chunk, none per row. What lies
 * between the cells (framing, skipped tables) stays in the arena; `take` squeezes it out when it is the larger part.
 *
 * `run` goes on until it needs something:
 *   more          bytes: `feed` and run again
 *   relation      the plan of `relation`: `resolve` and run again
 *   batch         `take` the batch, which is large enough or must end here
 *   spool         streamed bytes [streamFrom, at) of transaction `streamXid` are to be kept, then run again
 *   streamCommit  the kept bytes of `commit.xid` are to be replayed: `beginReplay`, feed them, `endReplay`
 *   streamAbort   `abort` says whose kept bytes are to be dropped
 *   message       `messages` of our own are to be taken, and the batch before them first
 *   pause         the next transaction is not in front of `pauseAt` any more: set it anew and run again
 *   server        bytes [at, frameEnd) are no CopyData; `skip` them
 *
 * It throws postgres.protocol with the log position for bytes that make no sense, and is of no further use then.
 */
export class Decoder {
  builder: BatchBuilder;
  at = 0;
  frameEnd = 0;
  relation: RelationMessage | null = null;
  commit: Commit | null = null;
  abort: StreamAbort | null = null;
  readonly messages: OwnMessage[] = [];
  /** Of the stream block that we are in, 0 outside. */
  streamXid = 0;
  streamFrom = 0;
  /** Everything that ends before is decoded: end of the last transaction. */
  position: Lsn;
  transaction: Transaction | null = null;
  /** No transaction whose commit is logged here or later is begun. */
  pauseAt: Lsn | null = null;
  /** Carried over into every offset: epoch and snapshot progress. */
  base: PostgresOffset;
  rowsDecoded = 0;
  readonly #options: DecoderOptions;
  readonly #rows = new Map<number, RowPlan | null>();
  #lastOid = -1;
  #lastRow: RowPlan | null = null;
  /** The current transaction is in the builder's list already. */
  #marked = false;
  #flags = 0;
  #cut = false;
  #rowBytes = 0;
  readonly #last: { txId: number | null; timestampMicros: number };
  /** End of the last transaction, or position of the last message outside of one; null: none is known. */
  #previousEnd: Lsn | null;
  /** In a replay: row messages carry the xid of their subtransaction, those of aborted ones are passed over. */
  #aborted: ReadonlySet<number> | null = null;

  constructor(base: PostgresOffset, options: DecoderOptions) {
    this.base = base;
    this.position = base.lsn;
    this.#last = { txId: base.txId, timestampMicros: base.timestampMicros };
    this.#previousEnd = base.txId === null ? null : base.lsn;
    this.#options = options;
    this.builder = new BatchBuilder(arenaFor(0), 256, 64);
  }

  /** True when what the builder holds ends at a transaction's end and may be taken at once. */
  get ready(): boolean {
    return this.builder.rowCount > 0 && !this.#within;
  }

  /** The last row's transaction goes on. */
  get #within(): boolean {
    return this.transaction !== null && this.#marked;
  }

  feed(chunk: Uint8Array): void {
    const builder = this.builder;
    if (builder.rowCount === 0 && this.at > 0) this.#rewind();
    const at = builder.reserve(chunk.length);
    builder.bytes.set(chunk, at);
    builder.byteLength = at + chunk.length;
  }

  /** The answer to `Stop.relation`. */
  resolve(plan: RelationPlan | null): void {
    const oid = this.relation!.oid;
    this.#rows.set(oid, plan === null ? null : new RowPlan(oid, plan));
    this.#lastOid = -1;
    this.relation = null;
  }

  /** Ends the batch before what is not decoded yet, which moves on to the next one. */
  take(): ChangeBatch {
    const done = this.builder;
    const offset = this.#within ? null : this.offset();
    const rest = done.byteLength - this.at;
    const { pool = null } = this.#options;
    const size = arenaFor(Math.max(this.at, rest));
    const next = new BatchBuilder(size, done.cellCount + 64, done.rowCount + 16, pool);
    next.append(done.bytes, this.at, done.byteLength);
    done.byteLength = this.at;
    this.builder = next;
    const sparse = this.at > SPARSE_MIN && this.#rowBytes < this.at >> 2;
    this.streamFrom -= this.at;
    this.at = 0;
    this.#marked = false;
    this.#cut = false;
    this.#rowBytes = 0;
    const batch = done.finish(offset);
    return sparse ? compacted(batch) : batch;
  }

  offset(): PostgresOffset {
    return this.base.lsn === this.position
      ? this.base
      : this.base.with({ lsn: this.position, ...this.#last });
  }

  skip(): void {
    this.at = this.frameEnd;
  }

  /** Takes away and returns what is not decoded yet, so that spooled bytes can go first. */
  detach(): Buffer {
    const rest = Buffer.from(this.builder.bytes.subarray(this.at, this.builder.byteLength));
    this.builder.byteLength = this.at;
    return rest;
  }

  beginReplay(commit: Commit, aborted: ReadonlySet<number>): void {
    this.#begin(commit.xid, commit.commitLsn, commit.timestampMicros);
    this.#aborted = aborted;
  }

  endReplay(commit: Commit): void {
    if (this.at !== this.builder.byteLength)
      throw this.#malformed('a spooled transaction ends within a message');
    this.#aborted = null;
    this.#end(commit);
  }

  run(): StopCode {
    for (;;) {
      const bytes = this.builder.bytes;
      const at = this.at;
      const available = this.builder.byteLength - at;
      if (available < FRAME_HEADER) return this.#pause();
      const length = int32(bytes, at + 1);
      if (length < 4 || length > FRAME_MAX) throw this.#malformed(`frame of ${length} bytes`);
      if (available <= length) {
        if (length > CHUNK) this.builder.reserve(length + CHUNK - available);
        return this.#pause();
      }
      const end = at + 1 + length;
      this.frameEnd = end;
      if (bytes[at] !== Byte.copyData) return Stop.server;
      const stop = this.#frame(bytes, at, end);
      if (stop !== Stop.more) return stop;
    }
  }

  /** Advances `at` behind the frame, unless it stops for something that is to be looked at again. */
  #frame(bytes: Buffer, at: number, end: number): StopCode {
    if (bytes[at + 5] === Byte.xLogData && end > at + XLOG_HEADER) {
      const type = bytes[at + XLOG_HEADER];
      if (this.streamXid !== 0) return this.#inStream(type, end);
      this.at = end;
      const xid = this.#aborted === null ? 0 : 4;
      const body = at + XLOG_HEADER + 1 + xid;
      if (xid !== 0 && this.#passedOver(bytes, body, end)) return Stop.more;
      if (type === Byte.insert || type === Byte.update || type === Byte.delete) {
        return this.#row(bytes, type, at, body, end);
      }
      return this.#control(bytes, type, at, body, end);
    }
    if (bytes[at + 5] === Byte.keepalive && end === at + 23) {
      this.at = end;
      this.#options.keepalive(bytes.readBigUInt64BE(at + 6), bytes[at + 22] === 1);
      return Stop.more;
    }
    throw this.#malformed(`CopyData of kind ${bytes[at + 5]} with ${end - at} bytes`);
  }

  /**
   * 'I' oid 'N' tuple; 'U' oid ['K' | 'O' tuple] 'N' tuple; 'D' oid 'K' | 'O' tuple. 'K' holds the replica identity's
   * columns, the others null; 'O' the whole old row.
   */
  #row(bytes: Buffer, type: number, frame: number, body: number, end: number): StopCode {
    if (body + 5 > end) throw this.#malformed('row message ends too early');
    const row = this.#plan(int32(bytes, body) >>> 0);
    const builder = this.builder;
    if (row === null)
      return builder.rowCount > 0 && end >= this.#options.batchBytesMax ? Stop.batch : Stop.more;
    if (this.transaction === null) throw this.#malformed('a row outside a transaction');
    let at = body + 4;
    let before = -1;
    let after = -1;
    if (type !== Byte.insert && (bytes[at] === Byte.keyTuple || bytes[at] === Byte.oldTuple)) {
      before = builder.cellCount;
      at = readTuple(builder, at + 1, end, row);
    }
    if (type !== Byte.delete) {
      if (at >= end || bytes[at] !== Byte.newTuple) throw this.#malformed('a row without its new tuple');
      after = builder.cellCount;
      at = readTuple(builder, at + 1, end, row);
    } else if (before < 0) throw this.#malformed('a delete without its old tuple');
    if (at !== end) throw this.#malformed(`${end - at} bytes too many in a row message`);
    const op = type === Byte.insert ? Op.create : type === Byte.update ? Op.update : Op.delete;
    this.#append(row.plan.table, op, before, after, int32(bytes, frame + 6), int32(bytes, frame + 10));
    this.#rowBytes += end - frame;
    if (row.plan.cut) this.#cut = true;
    return end >= this.#options.batchBytesMax ? Stop.batch : Stop.more;
  }

  #plan(oid: number): RowPlan | null {
    if (oid === this.#lastOid) return this.#lastRow;
    const row = this.#rows.get(oid);
    if (row === undefined) throw this.#malformed(`a row of relation ${oid}, which was not described`);
    this.#lastOid = oid;
    this.#lastRow = row;
    return row;
  }

  #append(table: TableSchema, op: OpCode, before: number, after: number, hi: number, lo: number): void {
    if (!this.#marked) {
      this.builder.transaction(this.transaction!);
      this.#marked = true;
    }
    this.builder.row(table, op, this.#flags, before, after, hi, lo);
    this.rowsDecoded++;
  }

  #control(bytes: Buffer, type: number, frame: number, body: number, end: number): StopCode {
    switch (type) {
      case Byte.begin: {
        if (this.transaction !== null) throw this.#malformed('Begin within a transaction');
        const begin = parseBegin(bytes, body, end);
        if (this.#isBeyond(begin.commitLsn)) return this.#stopBefore(frame);
        this.#begin(begin.xid, begin.commitLsn, begin.timestampMicros);
        return Stop.more;
      }
      case Byte.commit:
        if (this.transaction === null) throw this.#malformed('Commit without Begin');
        this.#end(parseCommit(bytes, body, end, false));
        if (this.messages.length > 0) return Stop.message;
        return this.#full(end) ? Stop.batch : Stop.more;
      case Byte.relation:
        this.relation = parseRelation(bytes, body, end);
        return Stop.relation;
      case Byte.truncate:
        return this.#truncate(parseTruncate(bytes, body, end), bytes, frame);
      case Byte.message:
        return this.#logicalMessage(parseLogicalMessage(bytes, body, end), bytes, frame, end);
      case Byte.streamStart:
        this.streamXid = parseStreamStart(bytes, body, end);
        this.streamFrom = end;
        return Stop.more;
      case Byte.streamCommit:
        this.commit = parseCommit(bytes, body, end, true);
        if (this.#isBeyond(this.commit.commitLsn)) return this.#stopBefore(frame);
        return Stop.streamCommit;
      case Byte.streamAbort:
        this.abort = parseStreamAbort(bytes, body, end);
        return Stop.streamAbort;
      case Byte.origin:
      case Byte.type:
        return Stop.more;
      default:
        throw this.#malformed(`message of unknown type ${type}`);
    }
  }

  #isBeyond(commitLsn: Lsn): boolean {
    return this.pauseAt !== null && commitLsn >= this.pauseAt;
  }

  #stopBefore(frame: number): StopCode {
    this.at = frame;
    return Stop.pause;
  }

  /** Frames between Stream Start and Stream Stop are kept as they are. */
  #inStream(type: number, end: number): StopCode {
    if (type !== Byte.streamStop) {
      this.at = end;
      return Stop.more;
    }
    if (this.streamFrom < this.at) return Stop.spool;
    this.at = end;
    this.streamXid = 0;
    return Stop.more;
  }

  /** The caller has kept bytes [streamFrom, at) of the stream block. */
  spooled(): void {
    this.streamFrom = this.at;
  }

  /** In a replay every message carries, before its own fields, the xid of the subtransaction that wrote it. */
  #passedOver(bytes: Buffer, body: number, end: number): boolean {
    if (body > end) throw this.#malformed('streamed message ends too early');
    return this.#aborted!.size > 0 && this.#aborted!.has(int32(bytes, body - 4) >>> 0);
  }

  /** No whole frame is left: in a stream block what has come so far goes to the spool. */
  #pause(): StopCode {
    return this.streamXid !== 0 && this.streamFrom < this.at ? Stop.spool : Stop.more;
  }

  #begin(xid: number, commitLsn: Lsn, timestampMicros: number): void {
    this.transaction = new Transaction(this.base, xid, timestampMicros, commitLsn, this.#previousEnd);
    this.#marked = false;
    this.#flags = this.base.mayExistUntil > commitLsn ? MAY_EXIST : 0;
  }

  #end(commit: Commit): void {
    const transaction = this.transaction!;
    transaction.end = commit.endLsn;
    this.position = commit.endLsn;
    this.#previousEnd = commit.endLsn;
    this.#last.txId = transaction.xid;
    this.#last.timestampMicros = transaction.timestampMicros;
    this.transaction = null;
  }

  #full(end: number): boolean {
    const { rowCount } = this.builder;
    if (rowCount === 0) return false;
    return this.#cut || end >= this.#options.batchBytes || rowCount >= this.#options.batchRows;
  }

  #truncate(oids: readonly number[], bytes: Buffer, frame: number): StopCode {
    if (this.transaction === null) throw this.#malformed('a Truncate outside a transaction');
    const tables = new Map<TableSchema, readonly number[] | null>();
    const append = (table: TableSchema) =>
      this.#append(table, Op.truncate, -1, -1, int32(bytes, frame + 6), int32(bytes, frame + 10));
    const published = new Set<TableSchema>();
    for (const oid of oids) {
      const row = this.#plan(oid);
      if (row === null) continue;
      const { table, parts = null } = row.plan;
      tables.set(table.whole ?? table, parts);
      if (table.whole === undefined) continue;
      append(table);
      published.add(table.whole);
    }
    // Of a partitioned table the server names the partitions only; some of them are not all of it.
    for (const [table, parts] of tables) {
      if (parts?.some((oid) => !oids.includes(oid))) this.builder.mark(table, 'incomplete', true);
      else if (published.has(table)) this.builder.mark(table, 'truncated', true);
      else append(table);
    }
    return Stop.more;
  }

  #logicalMessage(message: LogicalMessage, bytes: Buffer, frame: number, end: number): StopCode {
    if (message.prefix === this.#options.ownPrefix) {
      const content = Buffer.from(bytes.subarray(message.start, message.start + message.length));
      this.messages.push({ content, lsn: message.lsn });
      return message.transactional ? Stop.more : Stop.message;
    }
    if (!this.#options.wantsMessage(message.prefix)) return Stop.more;
    const hi = int32(bytes, frame + 6);
    const lo = int32(bytes, frame + 10);
    const alone = !message.transactional && this.transaction === null;
    if (alone) {
      this.#previousEnd = message.lsn;
      this.#begin(0, message.lsn, this.#last.timestampMicros);
    }
    const builder = this.builder;
    const cells = builder.cellCount;
    builder.cell(message.prefixStart, message.start - message.prefixStart - 5);
    builder.cell(message.start, message.length);
    this.#append(this.#options.messageTable, Op.message, -1, cells, hi, lo);
    this.#rowBytes += end - frame;
    if (alone) {
      this.position = this.transaction!.end;
      this.transaction = null;
    }
    return Stop.more;
  }

  #rewind(): void {
    const builder = this.builder;
    builder.bytes.copyWithin(0, this.at, builder.byteLength);
    builder.byteLength -= this.at;
    this.streamFrom -= this.at;
    this.frameEnd -= this.at;
    this.at = 0;
    builder.cellCount = 0;
  }

  #malformed(what: string): IcestreamError {
    const at = this.at;
    const { bytes, byteLength } = this.builder;
    const framed = at + 14 <= byteLength && bytes[at + 5] === Byte.xLogData;
    const lsn = framed ? lsnOf(int32(bytes, at + 6), int32(bytes, at + 10)) : LSN_NONE;
    return new IcestreamError('postgres.protocol', `the replication stream is malformed: ${what}`, {
      context: { lsn: formatLsn(lsn), after: formatLsn(this.position), position: at },
    });
  }
}

function int32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
