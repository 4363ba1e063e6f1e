import type { Notification } from '../../../record/notification.ts';
import type { Notifications, ScanStatus } from '../../notifications.ts';
import type { IncrementalProgress, PendingTable } from './incremental-progress.ts';
import type { WindowRows } from './window.ts';

/**
 * What is told of incremental snapshots, gathered until a batch takes it along. What we ask for ourselves is nobody's
 * business. `progress` is always that before the step.
 */
export class IncrementalNotifications {
  readonly #notifications: Notifications | null;
  #gathered: Notification[] = [];
  /** Of the table that is being read, in this run. */
  #rows = 0;

  constructor(notifications: Notifications | null) {
    this.#notifications = notifications;
  }

  get isEmpty(): boolean {
    return this.#gathered.length === 0;
  }

  /** What was gathered since. */
  take(): readonly Notification[] {
    const gathered = this.#gathered;
    this.#gathered = [];
    return gathered;
  }

  /** A signal asks for tables. Where others are being read already it is not told of. */
  asked(progress: IncrementalProgress | null, id: string, tables: readonly PendingTable[]): void {
    if (pendingOf(progress).length > 0) return;
    const names = tables.map(({ name }) => name);
    this.#add((to) => to.incremental(id, 'STARTED', names));
  }

  paused(progress: IncrementalProgress | null, paused: boolean): void {
    const tables = pendingOf(progress);
    if (tables.length === 0 || progress!.paused === paused) return;
    const type = paused ? 'PAUSED' : 'RESUMED';
    this.#add((to) => to.incremental(progress!.signal, type, tables));
  }

  /**
   * Tables are not read after all; the one that was being read is told of last. Where none is left the snapshot counts as
   * completed first, and the end has lost the signal's id: so Debezium does.
   */
  stopped(progress: IncrementalProgress, isStopped: (table: PendingTable) => boolean): void {
    const [first, ...others] = progress.tables;
    const stopped = [...others, first].filter((table) => table.own !== true && isStopped(table));
    if (stopped.length === 0) return;
    if (stopped.includes(first)) this.#rows = 0;
    const names = stopped.map(({ name }) => name);
    const isEnd = stopped.includes(first) && stopped.length === pendingOf(progress).length;
    if (isEnd) this.#add((to) => to.incremental(progress.signal, 'COMPLETED', null));
    this.#add((to) => to.incremental(isEnd ? null : progress.signal, 'ABORTED', names));
  }

  /** Before its rows. */
  chunkRead(progress: IncrementalProgress, { rowCount, last, max }: WindowRows): void {
    const [{ name, own }] = progress.tables;
    if (own === true || rowCount === 0) return;
    this.#rows += rowCount;
    const tables = pendingOf(progress);
    this.#add((to) => to.chunkRead(progress.signal, name, last ?? [], max ?? [], tables));
  }

  /** After its last rows; null: it cannot be read. */
  tableRead(progress: IncrementalProgress, read: WindowRows | null): void {
    const [{ name, own, unreadable }] = progress.tables;
    if (own === true) return;
    const tables = pendingOf(progress);
    const status = unreadable ?? statusOf(read!);
    const rows = this.#rows;
    this.#rows = 0;
    this.#add((to) => to.chunksRead(progress.signal, name, rows, status, tables));
    if (tables.length === 1) this.#add((to) => to.incremental(progress.signal, 'COMPLETED', null));
  }

  #add(make: (to: Notifications) => readonly Notification[]): void {
    if (this.#notifications !== null) this.#gathered.push(...make(this.#notifications));
  }
}

function statusOf({ table, max, refused }: WindowRows): ScanStatus {
  if (refused !== null) return 'SQL_EXCEPTION';
  if (table === null) return 'UNKNOWN_SCHEMA';
  return max === null ? 'EMPTY' : 'SUCCEEDED';
}

function pendingOf(progress: IncrementalProgress | null): string[] {
  const asked = progress?.tables.filter(({ own }) => own !== true) ?? [];
  return asked.map(({ name }) => name);
}
