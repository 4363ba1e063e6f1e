import { IcestreamError } from '../../base/errors.ts';

/**
 * A position in PostgreSQL's write-ahead log: 64 bits, as bigint inside, as `hi`/`lo` halves on the hot path.
 *
 *   parseLsn('16/B374D848')     = 0x16_B374_D848n
 *   formatLsn(0x16_B374_D848n)  = '16/B374D848'
 */
export type Lsn = bigint;

/** Before everything; START_REPLICATION takes it for "where the slot stands". */
export const LSN_NONE: Lsn = 0n;

export function lsnOf(hi: number, lo: number): Lsn {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

export function lsnHi(lsn: Lsn): number {
  return Number(lsn >> 32n);
}

export function lsnLo(lsn: Lsn): number {
  return Number(lsn & 0xffff_ffffn);
}

export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

/** @throws IcestreamError postgres.protocol when the text is not `X/Y` in hexadecimal */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9a-fA-F]{1,8})\/([0-9a-fA-F]{1,8})$/.exec(text);
  if (match === null) throw new IcestreamError('postgres.protocol', `not a log position: ${text}`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** Debezium's form, a JSON number; beyond 2^53 (9 PB of log) a string, which both sides read. */
export function lsnToJson(lsn: Lsn): number | string {
  return lsn <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(lsn) : lsn.toString();
}

/** Reads what `lsnToJson` and Debezium write; null for what is neither. */
export function lsnFromJson(value: unknown): Lsn | null {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt.asUintN(64, BigInt(value));
  return null;
}

export function maxLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}

export function minLsn(a: Lsn, b: Lsn): Lsn {
  return a < b ? a : b;
}
