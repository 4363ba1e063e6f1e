import type { Log } from '../../../base/log.ts';
import { javaConcurrentMapOrder } from '../../../convert/java-map.ts';
import type { ScanStatus } from '../../notifications.ts';
import type { PostgresTable } from '../schema.ts';
import type { ReadableTable } from '../tables.ts';
import type { PendingTable } from './incremental-progress.ts';
import type { Order } from './signals.ts';
import { chunkKey } from './window.ts';

/** What an order to read tables comes to. */
export interface Resolved {
  /** To be read by key, beside the stream, in the order of the signal; among them what cannot be read. */
  readonly added: readonly PendingTable[];
  /** Of our own: to be read as a whole, for want of a key. */
  readonly whole: readonly string[];
}

export interface RequestOptions {
  readonly readable: () => Promise<readonly ReadableTable[]>;
  /** One of these as it is now, null when it is gone. */
  readonly find: (name: string) => Promise<PostgresTable | null>;
  readonly log: Log;
}

/** Finds the tables of an order. `isAhead`: what it wants of this one will come by itself. */
export async function resolveRequests(
  order: Extract<Order, { kind: 'execute' }>,
  options: RequestOptions,
  isAhead: (name: string) => boolean,
): Promise<Resolved> {
  const readable = await options.readable();
  const added: PendingTable[] = [];
  const whole: string[] = [];
  for (const { name: named, tables, condition, surrogateKey } of order.requests) {
    const matching = namesIn(readable, (candidate) => tables.test(candidate));
    // Debezium finds what a pattern names in a map.
    const found = javaConcurrentMapOrder(matching, readable.length);
    for (const name of found.length === 0 ? [named] : found) {
      const table = found.length === 0 ? null : await options.find(name);
      const reason = unreadable(table, surrogateKey);
      const pending = { name, condition, surrogateKey };
      if (!order.isOwn) {
        added.push(reason === null ? pending : { ...pending, unreadable: reason });
        if (reason !== null) options.log.warn({ table: name, reason }, CANNOT_READ);
      } else if (table === null || isAhead(name)) continue;
      else if (reason === null) added.push({ ...pending, own: true });
      else whole.push(name);
    }
  }
  return { added, whole };
}

/**
 * What is named. A part whose rows go out as those of its table is left out where they are read with that anyway.
 */
function namesIn(readable: readonly ReadableTable[], isNamed: (name: string) => boolean): string[] {
  return readable
    .filter(({ fullName, streamedAs }) => {
      const comesWithWhole = streamedAs !== fullName && isNamed(streamedAs);
      return isNamed(fullName) && !comesWithWhole;
    })
    .map(({ fullName }) => fullName);
}

/** The same for what is to be replaced as a whole, which a part that is not published cannot be by itself. */
export function wholesIn(
  readable: readonly ReadableTable[],
  isNamed: (name: string) => boolean,
): readonly string[] {
  return [...new Set(readable.filter((it) => isNamed(it.fullName)).map(({ streamedAs }) => streamedAs))];
}

const CANNOT_READ = 'a table that is not captured, or has no primary key, cannot be read beside the stream';

function unreadable(table: PostgresTable | null, surrogateKey: string): ScanStatus | null {
  if (table === null) return 'UNKNOWN_SCHEMA';
  return chunkKey(table, surrogateKey) === null ? 'NO_PRIMARY_KEY' : null;
}
