import type { Client } from 'pg';
import type { Log } from '../../../base/log.ts';
import type { TaskMetrics } from '../../../base/metrics.ts';
import type { ChangeBatch } from '../../../record/batch.ts';
import type { Notifications } from '../../notifications.ts';
import type { PostgresConfig } from '../config.ts';
import type { Filters } from '../filters.ts';
import { formatLsn, type Lsn, parseLsn } from '../lsn.ts';
import type { PostgresOffset } from '../offset.ts';
import type { PostgresTable } from '../schema.ts';
import { snapshotReader } from './index.ts';

/** An exported snapshot, alive until it is closed. It holds exactly the transactions that committed before `point`. */
export interface HeldSnapshot {
  readonly name: string;
  readonly point: Lsn;
  close(): Promise<void>;
}

export interface ReplacementOptions {
  readonly config: PostgresConfig;
  readonly filters: Filters;
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  /** Waits until every transaction that runs now has ended. */
  readonly hold: (signal: AbortSignal) => Promise<HeldSnapshot>;
  /** A captured table as it is now, null when it is gone. */
  readonly find: (name: string) => Promise<PostgresTable | null>;
  /** Who is to be told of what a user has asked for, null: nobody. */
  readonly notifications: Notifications | null;
  readonly log: Log;
  readonly metrics: TaskMetrics;
  readonly memoryBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Reads whole tables again in the middle of the stream, at the very place in the log where their snapshot was taken:
 * what was logged before it is handed out before, what comes later comes later. So nothing is repeated and nothing left
 * out, of tables without a key neither, and versions of a table follow each other as they did at the source.
 *
 * First the stream comes near the log's end by itself, because the snapshot keeps the server from cleaning up and the
 * sinks from getting anything else (`nearEnd`). Then it stands still while the snapshot is made, goes on up to its
 * point, where it pauses (`pauseAt`), and the tables are read.
 */
export class Replacement {
  readonly #options: ReplacementOptions;
  #nearEnd: Lsn | null = null;
  #held: HeldSnapshot | null = null;
  #reading: Promise<void> = Promise.resolve();

  constructor(options: ReplacementOptions) {
    this.#options = options;
  }

  get pauseAt(): Lsn | null {
    return this.#held?.point ?? null;
  }

  /** Whether there is something to do when the stream stands at `position`. */
  isDue(position: Lsn): boolean {
    return position >= (this.pauseAt ?? this.#nearEnd ?? 0n);
  }

  /** True when the snapshot is there and the stream stands at its point: the tables are to be read now. */
  async prepare(
    position: Lsn,
    query: <T>(run: (client: Client) => Promise<T>) => Promise<T>,
  ): Promise<boolean> {
    if (this.#held !== null) return position >= this.#held.point;
    this.#nearEnd ??= await query(logEnd);
    if (position < this.#nearEnd) return false;
    this.#held = await this.#options.hold(this.#options.signal);
    this.#nearEnd = null;
    return position >= this.#held.point;
  }

  /**
   * The tables' rows between snapshot-start and snapshot-end marks, without offsets of their own. One that is gone has
   * no marks. `asked`: by a user.
   */
  async *read(names: readonly string[], offset: PostgresOffset, asked: boolean): AsyncGenerator<ChangeBatch> {
    const held = this.#held!;
    const { config, filters, find, log, metrics, notifications, signal } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reading = promise;
    log.info({ tables: names, lsn: formatLsn(held.point) }, 'tables are read anew, the stream waits');
    const read = snapshotReader({
      ...this.#options,
      config: { ...config, 'snapshot.delay.ms': 0 },
      filters: { ...filters, inSnapshot: () => true },
      tables: async () => {
        const tables: PostgresTable[] = [];
        for (const name of names) {
          const table = await find(name);
          if (table === null) log.warn({ table: name }, 'table is gone and cannot be read anew');
          else tables.push(table);
        }
        return tables;
      },
      replace: true,
      notifications: asked ? notifications : null,
    });
    metrics.snapshotRunning = true;
    try {
      yield* read({
        exportedSnapshot: held.name,
        consistentPoint: held.point,
        progress: null,
        offset: (_progress, _mayExistUntil, timestampMicros) => offset.with({ timestampMicros }),
        signal,
      });
    } finally {
      metrics.snapshotRunning = false;
      this.#held = null;
      await held.close();
      resolve();
    }
  }

  /** After the stream has ended. */
  async close(): Promise<void> {
    await this.#reading;
    await this.#held?.close();
    this.#held = null;
  }
}

async function logEnd(client: Client): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_catalog.pg_current_wal_lsn()::text AS lsn');
  return parseLsn(rows[0].lsn);
}
