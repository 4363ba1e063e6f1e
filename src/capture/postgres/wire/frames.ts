import type { Lsn } from '../lsn.ts';

/**
 * Framing of the replication stream.
 *
 * Server:  'd' Int32 length, then
 *            'w' Int64 start LSN, Int64 end LSN, Int64 send time, then one pgoutput message (XLogData)
 *            'k' Int64 end of WAL, Int64 send time, Int8 reply requested (keepalive)
 * Client:  'd' Int32 length, 'r' Int64 written, Int64 flushed, Int64 applied, Int64 time, Int8 reply requested
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */
export const Byte = {
  copyData: 0x64, // d
  xLogData: 0x77, // w
  keepalive: 0x6b, // k
  begin: 0x42, // B
  commit: 0x43, // C
  origin: 0x4f, // O
  relation: 0x52, // R
  type: 0x59, // Y
  insert: 0x49, // I
  update: 0x55, // U
  delete: 0x44, // D
  truncate: 0x54, // T
  message: 0x4d, // M
  streamStart: 0x53, // S
  streamStop: 0x45, // E
  streamCommit: 0x63, // c
  streamAbort: 0x41, // A
  keyTuple: 0x4b, // K
  oldTuple: 0x4f, // O
  newTuple: 0x4e, // N
  cellNull: 0x6e, // n
  cellUnchanged: 0x75, // u
  cellText: 0x74, // t
  cellBinary: 0x62, // b
} as const;

/** Of a CopyData frame: type and length. */
export const FRAME_HEADER = 5;
/** From the frame's begin to the pgoutput message of XLogData. */
export const XLOG_HEADER = 30;
/** Larger than what PostgreSQL can send (1 GB and a little): anything above is a sign of broken framing. */
export const FRAME_MAX = 0x4800_0000;

/**
 * What the database may forget: everything that ends at or before `flushed`. `received` tells it only how far behind
 * we are.
 */
export function statusUpdate(received: Lsn, flushed: Lsn, nowMillis: number): Buffer {
  const message = Buffer.allocUnsafe(39);
  message[0] = Byte.copyData;
  message.writeInt32BE(38, 1);
  message[5] = 0x72;
  message.writeBigUInt64BE(received, 6);
  message.writeBigUInt64BE(flushed, 14);
  message.writeBigUInt64BE(flushed, 22);
  message.writeBigInt64BE(BigInt(nowMillis - 946_684_800_000) * 1000n, 30);
  message[38] = 0;
  return message;
}

export function simpleQuery(sql: string): Buffer {
  const length = Buffer.byteLength(sql);
  const message = Buffer.allocUnsafe(length + 6);
  message[0] = 0x51;
  message.writeInt32BE(length + 5, 1);
  message.write(sql, 5, 'utf8');
  message[length + 5] = 0;
  return message;
}

export const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
export const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

/** Fields of an ErrorResponse or NoticeResponse by their letter: S severity, C SQLSTATE, M message. */
export function responseFields(bytes: Buffer, start: number, end: number): Map<string, string> {
  const fields = new Map<string, string>();
  let at = start;
  while (at < end && bytes[at] !== 0) {
    const zero = bytes.indexOf(0, at + 1);
    if (zero < 0 || zero >= end) break;
    fields.set(String.fromCharCode(bytes[at]), bytes.toString('utf8', at + 1, zero));
    at = zero + 1;
  }
  return fields;
}
