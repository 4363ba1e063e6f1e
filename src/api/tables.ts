import type { Herder } from '../runtime/herder.ts';

export interface TableDetail {
  readonly table: string;
  /** `ok`, `stale` or `needs-resnapshot`, and why. */
  readonly state: string;
  readonly reason?: string;
  readonly snapshot: { readonly rows: number; readonly total: number | null; readonly done: boolean };
  readonly rows_streamed: number;
  readonly rows_written: number;
  readonly deletes_written: number;
  readonly bytes_written: number;
  readonly files_written: number;
  /** How deletes reach their rows: none, unpartitioned, key, lookup or global (L-3). */
  readonly deletes?: string;
  readonly commits: number;
  /** Commit time at the source of the newest change that is visible in the lake. */
  readonly valid_through: string | null;
}

/** Per-table state of a connector, since its task was last started. @throws RequestError 404 */
export function tablesOf(herder: Herder, name: string): { tables: TableDetail[] } {
  const tables = herder.metrics(name)?.tables ?? new Map();
  return {
    tables: [...tables].map(([table, metrics]) => ({
      table,
      state: metrics.state,
      ...(metrics.reason === '' ? {} : { reason: metrics.reason }),
      snapshot: {
        rows: metrics.rowsSnapshot,
        total: metrics.rowsSnapshotTotal < 0 ? null : metrics.rowsSnapshotTotal,
        done: metrics.snapshotDone,
      },
      rows_streamed: metrics.rowsStreamed,
      rows_written: metrics.rowsWritten,
      deletes_written: metrics.deletesWritten,
      bytes_written: metrics.bytesWritten,
      files_written: metrics.filesWritten,
      ...(metrics.deletes === '' ? {} : { deletes: metrics.deletes }),
      commits: metrics.commits,
      valid_through:
        metrics.validThroughMicros === 0 ? null : new Date(metrics.validThroughMicros / 1000).toISOString(),
    })),
  };
}
