import type { ChangeBatch } from '../../../record/batch.ts';
import { BatchBuilder } from '../../../record/builder.ts';
import type { Lsn } from '../lsn.ts';
import type { PostgresOffset } from '../offset.ts';
import type { PostgresTable } from '../schema.ts';
import type { WindowRows } from './window.ts';

export interface Chunk {
  readonly rows: WindowRows;
  /** What the stream knew of the table when the chunk's own version of it was looked up. */
  readonly streamed: PostgresTable | null;
}

/** One chunk between its two watermarks. */
export interface Window {
  readonly id: string;
  readonly chunk: Promise<Chunk>;
  isOpen: boolean;
  isClosed: boolean;
  /** End of the last transaction before the one whose row closed it; null where a message did. */
  closedAt: Lsn | null;
  /** Transactions whose commits the log had before the window opened. */
  before: readonly string[];
  /** Keys of that table that the log changed while it was open. */
  readonly changed: Set<string>;
  /** By a truncation: the chunk is worth nothing and is read again. */
  spoiled: boolean;
  /** Of what rows of its table are in the stream: the table itself, or of a part the whole. */
  tableName: string;
}

export function newWindow(id: string, tableName: string, chunk: Promise<Chunk>): Window {
  const state = { isOpen: false, isClosed: false, closedAt: null, spoiled: false, before: [] };
  return { id, tableName, chunk, changed: new Set(), ...state };
}

/** No rows, but an offset. */
export function empty(offset: PostgresOffset): ChangeBatch {
  return new BatchBuilder(0, 0, 0).finish(offset);
}
