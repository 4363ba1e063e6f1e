export type Labels = Readonly<Record<string, string>>;

/** What each of our own metrics means; Debezium's and Connect's are described by their projects. */
const HELP: Readonly<Record<string, string>> = {
  icestream_connector_state: 'The state that a connector is in.',
  icestream_task_restarts_total: 'Starts of a task after a failure.',
  icestream_source_read_bytes_total: 'Bytes read from the source.',
  icestream_spooled_bytes: 'Bytes of changes kept on disk for now.',
  icestream_commits_total: 'Commits made.',
  icestream_commit_conflicts_total: 'Commits tried again because another writer came first.',
  icestream_commit_failures_total: 'Commits that failed.',
  icestream_commit_duration_seconds_total: 'Time spent in commits.',
  icestream_last_commit_duration_seconds: 'Duration of the latest commit.',
  icestream_last_commit_timestamp_seconds: 'Time of the latest commit.',
  icestream_table_snapshot_rows: 'Rows read by the snapshot of a table.',
  icestream_table_snapshot_rows_estimated: 'Rows that the snapshot is expected to read; -1 unknown.',
  icestream_table_snapshot_done: '1 once the snapshot of a table is complete.',
  icestream_table_streamed_rows_total: 'Changes read from the log.',
  icestream_table_written_rows_total: 'Rows written to the lake.',
  icestream_table_written_deletes_total: 'Equality deletes written to the lake.',
  icestream_table_written_bytes_total: 'Bytes of data and delete files written.',
  icestream_table_written_files_total: 'Data and delete files written.',
  icestream_table_commits_total: 'Table snapshots committed.',
  icestream_table_valid_through_timestamp_seconds:
    'Commit time at the source of the newest change in the lake.',
  icestream_table_staleness_seconds: 'Age of that change.',
  icestream_table_state: 'The state that a table is in: ok, stale or needs-resnapshot.',
};

/** Collects samples and prints them family by family, as the text format demands. */
export class Exposition {
  private readonly families = new Map<string, { readonly type: string; readonly lines: string[] }>();

  add(name: string, type: 'counter' | 'gauge', labels: Labels, value: number): void {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = { type, lines: [] }));
    const inner = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    family.lines.push(`${name}${inner.length === 0 ? '' : `{${inner.join(',')}}`} ${value}`);
  }

  text(): string {
    let text = '';
    for (const [name, { type, lines }] of this.families) {
      if (HELP[name] !== undefined) text += `# HELP ${name} ${HELP[name]}\n`;
      text += `# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
    }
    return text;
  }
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
