import type { Log } from '../base/log.ts';
import type { TaskMetrics } from '../base/metrics.ts';
import type { ChangeBatch } from '../record/batch.ts';
import type { MarkCodec } from '../record/batch-codec.ts';
import type { EventForms } from '../record/event.ts';
import type { Offset, OffsetCodec } from '../record/offset.ts';

/**
 * A database log as batches. One per running task.
 */
export interface Source {
  readonly offsets: OffsetCodec;
  /** For batches that wait on disk (S-1). */
  readonly marks: MarkCodec;
  /** How its rows look as Debezium's events. */
  readonly events?: EventForms;
  /**
   * Reads from `from` (null: nothing was ever made durable: snapshot as the configuration says). Called again only when
   * the reading before has ended: a sink had lost what it took of that. The pull
   * is the backpressure: while nobody asks for the next batch nothing is buffered beyond the source's byte budget, but
   * keepalives go on (P-2). Rejects with an IcestreamError; returns when `signal` aborts or, for modes that end with
   * the snapshot, when it is done.
   */
  read(from: Offset | null, signal: AbortSignal): AsyncIterable<ChangeBatch>;
  /** Everything up to `offset` is durable in every sink: the database may forget it. Called in order, any number of times. */
  ack(offset: Offset): void;
  /** A signal given over REST, as a row of Debezium's signal table: its id, type and data (JSON text). */
  signal?(id: string, type: string, data: string): void;
  /**
   * Tables (`schema.table`) whose existing rows a sink lacks, or has in an older form: they are read again. Before or
   * during `read`; asked for once it is done in spite of restarts.
   */
  reread?(tables: readonly string[], how: Reread): void;
  /** Releases connections; with slot.drop.on.stop also the slot. Called once, after `read` has ended. */
  close(): Promise<void>;
}

/**
 * `replace`: as a whole, between `snapshot-start` and `snapshot-end` marks that replace. `beside`: beside the stream, with
 * MAY_EXIST rows and a `complete` mark at the end; a table without a key is replaced. `finish`: the same, unless that was
 * asked for before a restart and is going on.
 */
export type Reread = 'replace' | 'beside' | 'finish';

/** What a source is given to live with. */
export interface SourceContext {
  readonly connector: string;
  readonly task: number;
  readonly log: Log;
  readonly metrics: TaskMetrics;
  /** A folder of this task alone, for spools; emptied when the task starts. */
  readonly spoolDir: string;
  /** Bytes that the source may hold in memory for batches not yet pulled. */
  readonly memoryBytes: number;
  /** Epoch of the offsets that it makes where it is given none to begin from (O-2); 0 unless offsets were reset. */
  readonly offsetEpoch?: number;
}

export type ConnectorConfig = Readonly<Record<string, string>>;

/** What capture/registry.ts lists: one per database. */
export interface SourceDefinition {
  /** Whether a property means something to this source; others are accepted, too, and noted in the log. */
  accepts(property: string): boolean;
  create(config: ConnectorConfig, context: SourceContext): Promise<Source>;
  /**
   * Static checks first, then, if they pass, a connection. Messages are Debezium's own where it has one.
   * Keys of the result are property names.
   */
  validate(config: ConnectorConfig, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>>;
  /**
   * Runs statements on a connection of their own, for transforms that look things up; the rows of each as lists of values.
   * Of `config` only what says how to connect is read.
   */
  query?(
    config: ConnectorConfig,
    statements: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (readonly (readonly unknown[])[])[]>;
}
