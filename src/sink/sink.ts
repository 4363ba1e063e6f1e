import type { IcestreamError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { TaskMetrics } from '../base/metrics.ts';
import type { ChangeBatch } from '../record/batch.ts';
import type { RecordTransform } from '../record/connect-record.ts';
import type { EventForms } from '../record/event.ts';
import type { Offset, OffsetCodec, OffsetJson } from '../record/offset.ts';

/** Makes batches durable. One per running task and sink name. */
export interface Sink {
  /**
   * Connects, finishes or discards what a crash left behind, and says what this sink itself holds as committed (null:
   * nothing, or it keeps no offsets of its own).
   */
  open(signal: AbortSignal): Promise<Offset | null>;
  /**
   * Source tables (`schema.table`) whose content here is incomplete: only a snapshot that replaces it makes them go on
   * (L-5). Asked after `open`.
   */
  readonly needsSnapshot: readonly string[];
  /**
   * Where the reading begins: called once, after `open` and before the first batch. With an offset although the sink has
   * none, it is new beside others that go on: rows of before are its own to ask for (L-12).
   */
  begins?(from: Offset | null): void;
  /** Whether what was written so far must be committed before this batch, at the offset that precedes it. */
  needsCommitBefore(batch: ChangeBatch): boolean;
  /** Accepts a batch. Resolves when there is room for the next one, not when this one is durable. Never called concurrently. */
  write(batch: ChangeBatch): Promise<void>;
  /** What was accepted and is not yet part of a commit. */
  readonly pending: PendingWork;
  /**
   * Makes everything written before the call durable together with `offset`, the offset of the last batch written.
   * Resolves with the offset that is now durable. `write` may be called meanwhile: what it brings belongs to the next
   * commit. At most one commit runs at a time.
   */
  commit(offset: Offset, signal: AbortSignal): Promise<Offset>;
  close(): Promise<void>;
}

export interface PendingWork {
  /** Bytes of memory held, spilled bytes not counted. */
  readonly memoryBytes: number;
  /** Bytes of changes accepted, wherever they are. */
  readonly bytes: number;
  readonly rows: number;
  /** So much is held that more would go to disk before long: a commit is due at the next boundary, whatever the policy says. */
  readonly full: boolean;
}

export interface CommitPolicy {
  readonly intervalMs: number;
  readonly bytes: number;
  readonly rows: number;
}

export interface SinkContext {
  readonly connector: string;
  readonly task: number;
  readonly log: Log;
  readonly metrics: TaskMetrics;
  readonly offsets: OffsetCodec;
  /** The store's epoch: an offset of the sink's own with a lower one is ignored (O-2). */
  readonly epoch: number;
  /** For spills and the commit intent; survives restarts, but nothing depends on that (O-3). */
  readonly stateDir: string;
  readonly memoryBytes: number;
  /** How rows look as Debezium's events; absent where the source has none. */
  readonly forms?: EventForms;
  /** The configured transforms, for sinks that publish records; absent: none (L-8). */
  readonly transform?: RecordTransform;
  /** The store's offset, for sinks that keep none of their own. */
  readonly stored?: Offset | null;
  /** Told of what `open` or a commit waits for to pass. */
  readonly onWaiting?: (error: IcestreamError) => void;
  /** Has the source read tables again that are incomplete here (P-3, L-12). */
  readonly reread?: (tables: readonly string[], how: 'replace' | 'beside' | 'finish') => void;
}

/** What sink/registry.ts lists: one per sink. */
export interface SinkDefinition {
  /** @throws IcestreamError config.invalid */
  create(config: Readonly<Record<string, string>>, context: SinkContext): Promise<Sink>;
  commitPolicy(config: Readonly<Record<string, string>>): CommitPolicy;
  /** The properties that it adds to a connector's configuration. */
  readonly properties: readonly SinkProperty[];
  /** Errors by property, without contacting anything. */
  validate(config: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]>;
  /**
   * Changes the offsets of a connector that is stopped where the sink keeps them beside what it writes, for others to read.
   * `changes` null: all of them go. Durable when it resolves. Absent: there is no such place.
   */
  alterOffsets?(
    config: Readonly<Record<string, string>>,
    context: OffsetsContext,
    changes: readonly OffsetChange[] | null,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface OffsetsContext {
  readonly connector: string;
  /** That offsets have from this change on (O-2). */
  readonly epoch: number;
  readonly log: Log;
}

export interface OffsetChange {
  readonly partition: OffsetJson;
  /** Null: it goes. */
  readonly offset: OffsetJson | null;
}

/** One property as `GET /connector-plugins/{class}/config` describes it. */
export interface SinkProperty {
  readonly name: string;
  readonly type: 'STRING' | 'BOOLEAN' | 'LONG' | 'INT' | 'PASSWORD' | 'LIST';
  readonly default: string | null;
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW';
  readonly doc: string;
}
