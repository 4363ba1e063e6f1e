import { collectDefaultMetrics, Registry } from 'prom-client';
import type { TaskMetrics } from '../base/metrics.ts';
import type { Connector } from './connector.ts';
import type { Herder } from './herder.ts';
import { Exposition } from './metrics-exposition.ts';

const processMetrics = new Registry();
let collectsProcess = false;

/**
 * Everything this worker measures, in Prometheus' text format: Debezium's and Connect's metrics under the names that
 * the usual JMX exporter rules give them, so that existing dashboards and alerts go on, our own as `icestream_*`, and
 * the process's.
 */
export async function renderMetrics(herder: Herder): Promise<string> {
  if (!collectsProcess) collectDefaultMetrics({ register: processMetrics });
  collectsProcess = true;
  const out = new Exposition();
  const connectors = [...herder.all()];
  workerMetrics(out, connectors);
  for (const connector of connectors) {
    const task = { connector: connector.name, task: '0' };
    out.add('icestream_task_restarts_total', 'counter', task, connector.restarts);
    const { metrics } = connector;
    if (metrics === null) continue;
    connectMetrics(out, task, metrics);
    debeziumMetrics(out, connector, metrics);
    taskMetrics(out, task, metrics);
    tableMetrics(out, connector.name, metrics);
  }
  return out.text() + (await processMetrics.metrics());
}

const TASK_STATES = ['running', 'failed', 'paused', 'unassigned', 'restarting'];

function workerMetrics(out: Exposition, connectors: readonly Connector[]): void {
  const statuses = connectors.map((connector) => connector.status());
  out.add('kafka_connect_worker_connector_count', 'gauge', {}, connectors.length);
  out.add(
    'kafka_connect_worker_task_count',
    'gauge',
    {},
    statuses.reduce((count, { tasks }) => count + tasks.length, 0),
  );
  for (const { name, connector, tasks } of statuses) {
    out.add(
      'icestream_connector_state',
      'gauge',
      { connector: name, state: connector.state.toLowerCase() },
      1,
    );
    out.add('kafka_connect_worker_connector_total_task_count', 'gauge', { connector: name }, tasks.length);
    for (const state of TASK_STATES) {
      const count = tasks.filter((task) => task.state.toLowerCase() === state).length;
      out.add(`kafka_connect_worker_connector_${state}_task_count`, 'gauge', { connector: name }, count);
    }
    for (const { id, state } of tasks)
      out.add(
        'kafka_connect_connector_status',
        'gauge',
        { connector: name, task: String(id), status: state.toLowerCase() },
        1,
      );
  }
}

function connectMetrics(out: Exposition, task: Record<string, string>, metrics: TaskMetrics): void {
  const written = [...metrics.tables.values()].reduce(
    (sum, table) => sum + table.rowsSnapshot + table.rowsStreamed,
    0,
  );
  out.add('kafka_connect_source_task_source_record_poll_total', 'counter', task, metrics.eventsSeen);
  out.add('kafka_connect_source_task_source_record_write_total', 'counter', task, written);
  const { recordErrors } = metrics;
  for (const [attribute, value] of [
    ['total_record_failures', recordErrors.failures],
    ['total_record_errors', recordErrors.errors],
    ['total_records_skipped', recordErrors.skipped],
    ['total_retries', recordErrors.retries],
    ['total_errors_logged', recordErrors.logged],
    ['deadletterqueue_produce_requests', recordErrors.deadLetterRequests],
    ['deadletterqueue_produce_failures', recordErrors.deadLetterFailures],
  ] as const)
    out.add(`kafka_connect_task_error_${attribute}`, 'counter', task, value);
  out.add('kafka_connect_task_error_last_error_timestamp', 'gauge', task, recordErrors.lastErrorMillis);
}

function debeziumMetrics(out: Exposition, connector: Connector, metrics: TaskMetrics): void {
  const plugin = connector.plugin.metricsName;
  const name = connector.config['topic.prefix'] ?? connector.name;
  const streaming = { context: 'streaming', name, plugin };
  const now = Date.now();
  const received = metrics.lastEventReceivedMillis;
  for (const [attribute, value] of [
    ['Connected', metrics.connected ? 1 : 0],
    ['MilliSecondsBehindSource', metrics.milliSecondsBehindSource],
    ['MilliSecondsSinceLastEvent', received === 0 ? -1 : now - received],
    ['TotalNumberOfEventsSeen', metrics.eventsSeen],
    ['TotalNumberOfCreateEventsSeen', metrics.creates],
    ['TotalNumberOfUpdateEventsSeen', metrics.updates],
    ['TotalNumberOfDeleteEventsSeen', metrics.deletes],
    ['NumberOfCommittedTransactions', metrics.transactions],
    ['NumberOfEventsFiltered', metrics.eventsFiltered],
    ['NumberOfErroneousEvents', metrics.eventsErroneous],
    ['CurrentQueueSizeInBytes', metrics.queueBytes],
    ['MaxQueueSizeInBytes', metrics.queueBytesMax],
  ] as const)
    out.add(`debezium_metrics_${attribute}`, 'gauge', streaming, value);
  snapshotMetrics(out, { context: 'snapshot', name, plugin }, metrics, now);
}

function snapshotMetrics(
  out: Exposition,
  labels: Record<string, string>,
  metrics: TaskMetrics,
  now: number,
): void {
  const tables = [...metrics.tables.values()];
  const started = metrics.snapshotStartedMillis;
  const ended = metrics.snapshotEndedMillis || now;
  for (const [attribute, value] of [
    ['SnapshotRunning', metrics.snapshotRunning ? 1 : 0],
    ['SnapshotCompleted', metrics.snapshotCompleted ? 1 : 0],
    ['SnapshotAborted', metrics.snapshotAborted ? 1 : 0],
    ['SnapshotSkipped', metrics.snapshotSkipped ? 1 : 0],
    ['SnapshotPaused', 0],
    ['SnapshotDurationInSeconds', started === 0 ? 0 : Math.floor((ended - started) / 1000)],
    ['TotalTableCount', tables.length],
    [
      'RemainingTableCount',
      metrics.snapshotRunning ? tables.filter((table) => !table.snapshotDone).length : 0,
    ],
  ] as const)
    out.add(`debezium_metrics_${attribute}`, 'gauge', labels, value);
  for (const [table, { rowsSnapshot }] of metrics.tables)
    out.add('debezium_metrics_RowsScanned', 'gauge', { ...labels, table }, rowsSnapshot);
}

function taskMetrics(out: Exposition, task: Record<string, string>, metrics: TaskMetrics): void {
  out.add('icestream_source_read_bytes_total', 'counter', task, metrics.bytesRead);
  out.add('icestream_spooled_bytes', 'gauge', task, metrics.spooledBytes);
  for (const [sink, { spooledBytes, stalls, isAway }] of Object.entries(metrics.sinks)) {
    out.add('icestream_sink_spooled_bytes', 'gauge', { ...task, sink }, spooledBytes);
    out.add('icestream_sink_stalls', 'gauge', { ...task, sink }, stalls ? 1 : 0);
    out.add('icestream_sink_away', 'gauge', { ...task, sink }, isAway ? 1 : 0);
  }
  out.add('icestream_commits_total', 'counter', task, metrics.commits);
  out.add('icestream_commit_conflicts_total', 'counter', task, metrics.commitConflicts);
  out.add('icestream_commit_failures_total', 'counter', task, metrics.commitFailures);
  out.add('icestream_commit_duration_seconds_total', 'counter', task, metrics.commitDurationMsTotal / 1000);
  out.add('icestream_last_commit_duration_seconds', 'gauge', task, metrics.lastCommitDurationMs / 1000);
  out.add('icestream_last_commit_timestamp_seconds', 'gauge', task, metrics.lastCommitMillis / 1000);
}

const TABLE_STATES = ['ok', 'stale', 'needs-resnapshot'];

function tableMetrics(out: Exposition, connector: string, metrics: TaskMetrics): void {
  const now = Date.now();
  for (const [name, table] of metrics.tables) {
    const labels = { connector, table: name };
    out.add('icestream_table_snapshot_rows', 'gauge', labels, table.rowsSnapshot);
    out.add('icestream_table_snapshot_rows_estimated', 'gauge', labels, table.rowsSnapshotTotal);
    out.add('icestream_table_snapshot_done', 'gauge', labels, table.snapshotDone ? 1 : 0);
    out.add('icestream_table_streamed_rows_total', 'counter', labels, table.rowsStreamed);
    out.add('icestream_table_written_rows_total', 'counter', labels, table.rowsWritten);
    out.add('icestream_table_written_deletes_total', 'counter', labels, table.deletesWritten);
    out.add('icestream_table_written_bytes_total', 'counter', labels, table.bytesWritten);
    out.add('icestream_table_written_files_total', 'counter', labels, table.filesWritten);
    out.add('icestream_table_lookup_bytes_total', 'counter', labels, table.lookupBytes);
    out.add('icestream_table_commits_total', 'counter', labels, table.commits);
    if (table.deletes !== '')
      out.add('icestream_table_delete_scope', 'gauge', { ...labels, scope: table.deletes }, 1);
    for (const [column, values] of Object.entries(table.specialValues))
      out.add('icestream_table_special_values_total', 'counter', { ...labels, column }, values);
    if (table.validThroughMicros > 0) {
      out.add(
        'icestream_table_valid_through_timestamp_seconds',
        'gauge',
        labels,
        table.validThroughMicros / 1e6,
      );
      out.add(
        'icestream_table_staleness_seconds',
        'gauge',
        labels,
        now / 1000 - table.validThroughMicros / 1e6,
      );
    }
    for (const state of TABLE_STATES)
      out.add('icestream_table_state', 'gauge', { ...labels, state }, table.state === state ? 1 : 0);
  }
}
