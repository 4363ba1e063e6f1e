/**
 * What crosses between the worker's main thread and the thread of one task: configuration, commands, states, offsets
 * and metrics. Rows never do.
 */
import type { RetryClass } from '../base/errors.ts';
import type { OffsetJson } from '../record/offset.ts';

/** `workerData` of a task thread. */
export interface TaskStart {
  readonly connector: string;
  readonly task: number;
  /** With config provider references already resolved. */
  readonly config: Readonly<Record<string, string>>;
  /** The worker's own properties, for defaults such as `offset.flush.interval.ms`. */
  readonly worker: Readonly<Record<string, string>>;
  /** The store's offset, null where there is none or it was reset. */
  readonly offset: OffsetJson | null;
  /** Raised by every PATCH and DELETE of offsets (O-2). */
  readonly offsetEpoch: number;
  /** Folder of this task alone. */
  readonly stateDir: string;
  /** This task's share of the process's memory budget, bytes (S-2). */
  readonly memoryBytes: number;
  readonly logLevel: string;
  readonly paused: boolean;
}

export type TaskCommand =
  | { readonly type: 'pause' | 'resume' }
  /** Stop reading, commit what can be committed within `timeoutMs`, close, exit. */
  | { readonly type: 'stop'; readonly timeoutMs: number }
  | { readonly type: 'log-level'; readonly level: string }
  /** A signal by REST (execute-snapshot and the like), as Debezium's signal table rows: id, type, data (JSON text). */
  | { readonly type: 'signal'; readonly id: string; readonly signal: string; readonly data: string };

export type TaskReport =
  | { readonly type: 'state'; readonly state: 'RUNNING' | 'PAUSED' }
  /** The task has ended by an error; the supervisor decides by `error.retry`. */
  | { readonly type: 'failed'; readonly error: TaskError }
  /** The task has ended as asked, or because its work is done (snapshot.mode=initial_only). */
  | { readonly type: 'stopped'; readonly finished: boolean }
  /** Durable in every sink. */
  | { readonly type: 'offset'; readonly partition: OffsetJson; readonly offset: OffsetJson }
  /** Topic names (as Debezium would call them) seen since the last report. */
  | { readonly type: 'topics'; readonly topics: readonly string[] }
  /** A structured clone of the task's TaskMetrics, once a second. */
  | { readonly type: 'metrics'; readonly metrics: unknown };

export interface TaskError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retry: RetryClass;
  /** Stack with causes, as shown in the status's `trace`. */
  readonly trace: string;
}
