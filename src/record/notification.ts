/** Whether nothing more will come behind it: the task is about to fail. */
export function isLast({ type, aggregateType }: Notification): boolean {
  return type === 'ABORTED' && aggregateType === 'Initial Snapshot';
}

/** Something that happened to a connector, for whoever watches it, as Debezium tells it. */
export interface Notification {
  /** The signal's id where one was the cause, else a UUID. */
  readonly id: string;
  /** `STARTED`, `TABLE_SCAN_COMPLETED` and so on. */
  readonly type: string;
  /** `Initial Snapshot` or `Incremental Snapshot`. */
  readonly aggregateType: string;
  /** In the order in which records have it. */
  readonly data: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}
