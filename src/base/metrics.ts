/**
 * What a task measures. Plain counters and gauges that the owner sets and the runtime copies out once a second; the
 * names under which Prometheus sees them live in `runtime/`, so that nothing on the hot path formats a label.
 */
export class TaskMetrics {
  readonly tables = new Map<string, TableMetrics>();
  readonly recordErrors = new RecordErrorMetrics();
  /** Source positions and times, microseconds since 1970; 0 when unknown. */
  lastCommitTimestampMicros = 0;
  lastEventReceivedMillis = 0;
  milliSecondsBehindSource = -1;
  eventsSeen = 0;
  creates = 0;
  updates = 0;
  deletes = 0;
  transactions = 0;
  eventsFiltered = 0;
  eventsErroneous = 0;
  bytesRead = 0;
  connected = false;
  queueBytes = 0;
  queueBytesMax = 0;
  sourcePosition = '';
  lastTransactionId = '';
  snapshotRunning = false;
  snapshotCompleted = false;
  snapshotAborted = false;
  snapshotSkipped = false;
  snapshotStartedMillis = 0;
  snapshotEndedMillis = 0;
  commits = 0;
  commitConflicts = 0;
  commitFailures = 0;
  lastCommitMillis = 0;
  lastCommitDurationMs = 0;
  commitDurationMsTotal = 0;
  spooledBytes = 0;
  /** By sink, where there are several: how it fares beside the others (S-1). */
  readonly sinks: Record<string, SinkMetrics> = {};

  table(name: string): TableMetrics {
    let table = this.tables.get(name);
    if (table === undefined) this.tables.set(name, (table = new TableMetrics()));
    return table;
  }
}

export interface SinkMetrics {
  /** What waits for it on disk. */
  readonly spooledBytes: number;
  /** Everything waits for it. */
  readonly stalls: boolean;
  /** It is not open while the others are. */
  readonly isAway: boolean;
  /** Code and text of what it failed with or waits for, until it has gone on; no values. */
  readonly error: string | null;
}

/** Records that could not be published, counted as Connect's task-error-metrics are. */
export class RecordErrorMetrics {
  /** Operations that failed, each attempt. */
  failures = 0;
  /** Records that failed for good. */
  errors = 0;
  /** Records left out. */
  skipped = 0;
  retries = 0;
  logged = 0;
  deadLetterRequests = 0;
  deadLetterFailures = 0;
  /** Milliseconds since 1970; 0 none. */
  lastErrorMillis = 0;
}

export class TableMetrics {
  rowsSnapshot = 0;
  /** Estimate of the rows to snapshot (PostgreSQL: reltuples), -1 when unknown. */
  rowsSnapshotTotal = -1;
  snapshotDone = false;
  rowsStreamed = 0;
  rowsWritten = 0;
  deletesWritten = 0;
  bytesWritten = 0;
  filesWritten = 0;
  /** Bytes read from the lake to find older versions of rows (unchanged large values, partitions of deletes). */
  lookupBytes = 0;
  /** How deletes reach their rows in a partitioned lake table (L-3); empty while unknown. */
  deletes: '' | 'none' | 'unpartitioned' | 'key' | 'lookup' | 'global' = '';
  commits = 0;
  /** Commit time at the source of the newest change that is visible in the lake, microseconds since 1970; 0 none. */
  validThroughMicros = 0;
  /** `ok`, `stale` (P-3: defaults being backfilled) or `needs-resnapshot` (L-5). */
  state: 'ok' | 'stale' | 'needs-resnapshot' = 'ok';
  /** Why the state is not ok; a code and a sentence, no values. */
  reason = '';
  /** Values outside the lake type's domain (infinity, NaN) that became NULL, by column. */
  readonly specialValues: Record<string, number> = {};

  special(column: string): void {
    this.specialValues[column] = (this.specialValues[column] ?? 0) + 1;
  }
}
