import type { TaskMetrics } from '../../base/metrics.ts';
import type { DataFile } from '../../iceberg/file.ts';
import type { TableChange } from './group-commit.ts';

/** Counts what a commit brought, in all and by table. */
export function measureCommit(
  metrics: TaskMetrics,
  changes: readonly TableChange[],
  durationMs: number,
): void {
  metrics.commits++;
  metrics.lastCommitMillis = Date.now();
  metrics.lastCommitDurationMs = durationMs;
  metrics.commitDurationMsTotal += durationMs;
  for (const { table, dataFiles, deleteFiles, validThroughMicros } of changes) {
    const own = metrics.table(table.source);
    own.commits++;
    own.rowsWritten += recordCount(dataFiles);
    own.deletesWritten += recordCount(deleteFiles);
    own.filesWritten += dataFiles.length + deleteFiles.length;
    own.bytesWritten += [...dataFiles, ...deleteFiles].reduce(
      (sum, file) => sum + Number(file.fileSizeBytes),
      0,
    );
    own.validThroughMicros = Math.max(own.validThroughMicros, validThroughMicros);
  }
}

function recordCount(files: readonly DataFile[]): number {
  return files.reduce((sum, file) => sum + Number(file.recordCount), 0);
}
