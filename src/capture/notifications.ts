import { randomUUID } from 'node:crypto';
import type { Log } from '../base/log.ts';
import { javaSetOrder } from '../convert/java-map.ts';
import type { Notification } from '../record/notification.ts';

type Data = Readonly<Record<string, string>>;

const INITIAL = 'Initial Snapshot';
const INCREMENTAL = 'Incremental Snapshot';

/** Row values, which belong into no log. */
const ROW_VALUES = ['maximum_key', 'last_processed_key'];

/**
 * `notification.enabled.channels`: what it makes for the channel `sink` goes with a batch to the sinks, for `log` into the
 * log at once. `jmx` has nobody to tell.
 *
 * Data comes in the order that Java's HashMap gives these keys, which is the order in which records show them; where it
 * differs from run to run there, in one of these orders.
 */
export class Notifications {
  readonly #connector: string;
  readonly #toSink: boolean;
  readonly #log: Log | null;

  private constructor(connector: string, toSink: boolean, log: Log | null) {
    this.#connector = connector;
    this.#toSink = toSink;
    this.#log = log;
  }

  /** Null where no channel is enabled: then nothing need be made. `connector` is the topic prefix. */
  static open(channels: readonly string[], connector: string, log: Log): Notifications | null {
    const toSink = channels.includes('sink');
    const toLog = channels.includes('log');
    return toSink || toLog ? new Notifications(connector, toSink, toLog ? log : null) : null;
  }

  /** Of the initial snapshot, or of a blocking one: its begin and its end. */
  snapshot(type: 'STARTED' | 'COMPLETED' | 'ABORTED' | 'SKIPPED'): Notification[] {
    return this.#tell(randomUUID(), type, INITIAL, { connector_name: this.#connector });
  }

  tableBegins(table: string, tables: readonly string[]): Notification[] {
    return this.#tell(randomUUID(), 'IN_PROGRESS', INITIAL, {
      current_collection_in_progress: table,
      connector_name: this.#connector,
      data_collections: javaSetOrder(tables).join(','),
    });
  }

  tableRead(table: string, rows: number, tables: readonly string[]): Notification[] {
    return this.#tell(
      randomUUID(),
      'TABLE_SCAN_COMPLETED',
      INITIAL,
      this.#scanned(table, rows, 'SUCCEEDED', tables),
    );
  }

  /** It cannot be read, which ends the snapshot. */
  tableFailed(table: string): Notification[] {
    const data = { connector_name: this.#connector, scanned_collection: table, status: 'SQL_EXCEPTION' };
    return this.#tell(randomUUID(), 'TABLE_SCAN_COMPLETED', INITIAL, data);
  }

  /** Of a snapshot with several threads. `rows`: in the table's chunks that are done. */
  tableChunkBegins(table: string, { index, total }: ChunkPlace, rows: number): Notification[] {
    return this.#tell(randomUUID(), 'TABLE_CHUNK_IN_PROGRESS', INITIAL, {
      current_collection_in_progress: table,
      chunk_index: String(index),
      connector_name: this.#connector,
      total_chunks: String(total),
      total_rows_scanned: String(rows),
    });
  }

  tableChunkRead(table: string, { index, total }: ChunkPlace, tables: readonly string[]): Notification[] {
    return this.#tell(randomUUID(), 'TABLE_CHUNK_COMPLETED', INITIAL, {
      scanned_collection: table,
      chunk_index: String(index),
      connector_name: this.#connector,
      total_chunks: String(total),
      data_collections: tables.join(','),
      status: 'SUCCEEDED',
    });
  }

  /** Of an incremental snapshot; `id` is the signal's, null for one that is not known any more. */
  incremental(
    id: string | null,
    type: 'STARTED' | 'PAUSED' | 'RESUMED' | 'ABORTED' | 'COMPLETED',
    tables: readonly string[] | null,
  ): Notification[] {
    const data = { connector_name: this.#connector };
    const named = tables === null ? data : { ...data, data_collections: tables.join(',') };
    return this.#tell(id ?? randomUUID(), type, INCREMENTAL, named);
  }

  /** Keys as the database writes them. */
  chunkRead(
    id: string | null,
    table: string,
    lastKey: readonly string[],
    maximumKey: readonly string[],
    tables: readonly string[],
  ): Notification[] {
    return this.#tell(id ?? randomUUID(), 'IN_PROGRESS', INCREMENTAL, {
      current_collection_in_progress: table,
      connector_name: this.#connector,
      maximum_key: maximumKey.join(','),
      data_collections: tables.join(','),
      last_processed_key: lastKey.join(','),
    });
  }

  chunksRead(
    id: string | null,
    table: string,
    rows: number,
    status: ScanStatus,
    tables: readonly string[],
  ): Notification[] {
    const data = this.#scanned(table, rows, status, tables);
    return this.#tell(id ?? randomUUID(), 'TABLE_SCAN_COMPLETED', INCREMENTAL, data);
  }

  #scanned(table: string, rows: number, status: ScanStatus, tables: readonly string[]): Data {
    return {
      scanned_collection: table,
      connector_name: this.#connector,
      total_rows_scanned: String(rows),
      status,
      data_collections: tables.join(','),
    };
  }

  #tell(id: string, type: string, aggregateType: string, data: Data): Notification[] {
    const shown = Object.entries(data).filter(([name]) => !ROW_VALUES.includes(name));
    this.#log?.info({ id, type, aggregateType, data: Object.fromEntries(shown) }, 'notification');
    return this.#toSink ? [{ id, type, aggregateType, data, timestampMs: Date.now() }] : [];
  }
}

export type ScanStatus = 'SUCCEEDED' | 'EMPTY' | 'NO_PRIMARY_KEY' | 'SQL_EXCEPTION' | 'UNKNOWN_SCHEMA';

/** A chunk among those of its table; `total` is what is known of it at the time. */
export interface ChunkPlace {
  readonly index: number;
  readonly total: number;
}
