import type { OffsetJson } from '../record/offset.ts';

/** What the user wants a connector to be; survives restarts. Connect's words. */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED';

export interface StoredConnector {
  readonly name: string;
  /** As submitted, config provider references unresolved. */
  readonly config: Readonly<Record<string, string>>;
  readonly target: TargetState;
}

export interface StoredOffset {
  readonly partition: OffsetJson | null;
  /** null: PATCHed away, which reads back as null until the connector writes again. */
  readonly offset: OffsetJson | null;
}

export interface StoredStatus {
  readonly connector: string;
  /** -1: the connector itself. */
  readonly task: number;
  readonly state: string;
  readonly trace: string | null;
  readonly workerId: string;
}

export interface StoredLogger {
  readonly name: string;
  readonly level: string;
  readonly modifiedMillis: number;
}

/**
 * The worker's memory. Every write is durable when the call returns. Losing it loses no row: the marker in the lake
 * decides where to resume (O-3); only configurations, target states and resets would have to be submitted again.
 */
export interface Store {
  /** Stable identity of this installation, shown as the cluster id. */
  readonly clusterId: string;
  connectors(): StoredConnector[];
  putConnector(name: string, config: Readonly<Record<string, string>>, target: TargetState): void;
  putTarget(name: string, target: TargetState): void;
  /** Forgets config, target state, status and topics; offsets stay, as in Connect. */
  deleteConnector(name: string): void;

  offsets(connector: string): StoredOffset[];
  /** Raised by every alteration and reset (O-2); 0 at first. Survives the deletion of the connector. */
  offsetEpoch(connector: string): number;
  /** From a task. Ignored if `epoch` is no longer the connector's: a late report of a stopped task must not undo a reset. */
  putOffset(connector: string, epoch: number, offset: StoredOffset): void;
  /** Over REST: writes and raises the epoch at once. */
  alterOffsets(connector: string, offsets: readonly StoredOffset[]): void;
  resetOffsets(connector: string): void;

  statuses(): StoredStatus[];
  putStatus(status: StoredStatus): void;

  topics(connector: string): string[];
  addTopics(connector: string, topics: readonly string[]): void;
  resetTopics(connector: string): void;

  loggers(): StoredLogger[];
  putLogger(logger: StoredLogger): void;
  close(): void;
}
