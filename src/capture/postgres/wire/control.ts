import { Fields } from './fields.ts';

/**
 * Messages that come once per transaction or less. Times are microseconds since 1970.
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

/** 'B' Int64 commit LSN, Int64 commit time, Int32 xid. The end LSN is not known before the Commit. */
export interface Begin {
  readonly commitLsn: bigint;
  readonly timestampMicros: number;
  readonly xid: number;
}

/** 'C' Int8 flags, or 'c' Int32 xid, Int8 flags; then Int64 commit LSN, Int64 end LSN, Int64 commit time. */
export interface Commit {
  /** 0 for 'C', which ends the transaction of the last Begin. */
  readonly xid: number;
  readonly commitLsn: bigint;
  readonly endLsn: bigint;
  readonly timestampMicros: number;
}

/** 'A' Int32 xid, Int32 xid of the subtransaction (equal: all of it); with parallel streaming also Int64, Int64. */
export interface StreamAbort {
  readonly xid: number;
  readonly subxid: number;
}

/** 'M' [Int32 xid], Int8 flags (1 transactional), Int64 LSN, String prefix, Int32 length, content. */
export interface LogicalMessage {
  readonly transactional: boolean;
  readonly lsn: bigint;
  readonly prefix: string;
  /** Where prefix (up to its zero byte) and content lie in the bytes that were parsed. */
  readonly prefixStart: number;
  readonly start: number;
  readonly length: number;
}

export function parseBegin(bytes: Buffer, start: number, end: number): Begin {
  const fields = new Fields(bytes, start, end, 'Begin');
  const begin = {
    commitLsn: fields.uint64(),
    timestampMicros: fields.timestampMicros(),
    xid: fields.uint32(),
  };
  fields.done();
  return begin;
}

export function parseCommit(bytes: Buffer, start: number, end: number, streamed: boolean): Commit {
  const fields = new Fields(bytes, start, end, streamed ? 'Stream Commit' : 'Commit');
  const xid = streamed ? fields.uint32() : 0;
  fields.uint8();
  const commit = {
    xid,
    commitLsn: fields.uint64(),
    endLsn: fields.uint64(),
    timestampMicros: fields.timestampMicros(),
  };
  fields.done();
  return commit;
}

export function parseStreamStart(bytes: Buffer, start: number, end: number): number {
  const fields = new Fields(bytes, start, end, 'Stream Start');
  const xid = fields.uint32();
  fields.uint8();
  fields.done();
  return xid;
}

export function parseStreamAbort(bytes: Buffer, start: number, end: number): StreamAbort {
  const fields = new Fields(bytes, start, end, 'Stream Abort');
  const abort = { xid: fields.uint32(), subxid: fields.uint32() };
  if (fields.left > 0) fields.raw(16);
  fields.done();
  return abort;
}

/** `start` is behind the xid, if there is one. */
export function parseLogicalMessage(bytes: Buffer, start: number, end: number): LogicalMessage {
  const fields = new Fields(bytes, start, end, 'Message');
  const transactional = (fields.uint8() & 1) === 1;
  const lsn = fields.uint64();
  const prefixStart = fields.position;
  const prefix = fields.string();
  const length = fields.int32();
  const at = fields.position;
  fields.raw(length);
  fields.done();
  return { transactional, lsn, prefix, prefixStart, start: at, length };
}

/** 'T' [Int32 xid], Int32 count, Int8 options (1 CASCADE, 2 RESTART IDENTITY), count Int32 relation oids. */
export function parseTruncate(bytes: Buffer, start: number, end: number): number[] {
  const fields = new Fields(bytes, start, end, 'Truncate');
  const count = fields.uint32();
  fields.uint8();
  if (count * 4 !== fields.left) throw fields.error(`${count} relations in ${fields.left} bytes`);
  return Array.from({ length: count }, () => fields.uint32());
}
