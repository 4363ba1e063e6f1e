import type { Log } from '../../../base/log.ts';
import type { ScanStatus } from '../../notifications.ts';
import type { PostgresTable } from '../schema.ts';
import type { PendingTable } from './incremental-progress.ts';
import type { Order } from './signals.ts';
import { chunkKey } from './window.ts';

/** What an order to read tables comes to. */
export interface Resolved {
  /** To be read by key, beside the stream. */
  readonly added: readonly PendingTable[];
  /** Of our own: to be read as a whole, for want of a key. */
  readonly whole: readonly string[];
  /** Everything that the order names, in its order. */
  readonly names: readonly string[];
  /** What of it cannot be read, and why. */
  readonly unreadable: ReadonlyMap<string, ScanStatus>;
}

export interface RequestOptions {
  /** Names of all captured tables. */
  readonly tableNames: () => Promise<readonly string[]>;
  /** A captured table as it is now, null when it is gone. */
  readonly find: (name: string) => Promise<PostgresTable | null>;
  readonly log: Log;
}

/** Finds the tables of an order. `isAhead`: what it wants of this one will come by itself. */
export async function resolveRequests(
  order: Extract<Order, { kind: 'execute' }>,
  options: RequestOptions,
  isAhead: (name: string) => boolean,
): Promise<Resolved> {
  const captured = await options.tableNames();
  const added: PendingTable[] = [];
  const whole: string[] = [];
  const names: string[] = [];
  const unreadable = new Map<string, ScanStatus>();
  for (const { name: named, tables, condition, surrogateKey } of order.requests) {
    const found = captured.filter((candidate) => tables.test(candidate));
    if (found.length === 0) unreadable.set(named, 'UNKNOWN_SCHEMA');
    names.push(...(found.length === 0 ? [named] : found));
    for (const name of found) {
      const table = await options.find(name);
      if (table === null) unreadable.set(name, 'UNKNOWN_SCHEMA');
      else if (order.isOwn && isAhead(name)) continue;
      else if (chunkKey(table, surrogateKey) !== null)
        added.push({ name, condition, surrogateKey, ...(order.isOwn ? { own: true } : {}) });
      else if (order.isOwn) whole.push(name);
      else {
        unreadable.set(name, 'NO_PRIMARY_KEY');
        options.log.warn({ table: name }, 'a table without a primary key cannot be read beside the stream');
      }
    }
  }
  return { added, whole, names, unreadable };
}
