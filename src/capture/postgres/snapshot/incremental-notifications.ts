import type { Notification } from '../../../record/notification.ts';
import type { Notifications, ScanStatus } from '../../notifications.ts';
import type { IncrementalProgress, PendingTable } from './incremental-progress.ts';
import type { Resolved } from './requests.ts';
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

  /** A signal asks for tables. Where others are being read already it is not told of, but of what it cannot have. */
  asked(progress: IncrementalProgress | null, id: string, resolved: Resolved): void {
    const isRunning = pendingOf(progress).length > 0;
    if (!isRunning) this.#add((to) => to.incremental(id, 'STARTED', resolved.names));
    for (const [name, status] of resolved.unreadable)
      this.#add((to) => to.chunksRead(id, name, 0, status, resolved.names));
    if (!isRunning && resolved.added.length === 0) this.#add((to) => to.incremental(id, 'COMPLETED', null));
  }

  paused(progress: IncrementalProgress | null, paused: boolean): void {
    const tables = pendingOf(progress);
    if (tables.length === 0 || progress!.paused === paused) return;
    const type = paused ? 'PAUSED' : 'RESUMED';
    this.#add((to) => to.incremental(progress!.signal, type, tables));
  }

  /** Tables are not read after all; the one that was being read is told of last. */
  stopped(progress: IncrementalProgress, isStopped: (table: PendingTable) => boolean): void {
    const [first, ...others] = progress.tables;
    const stopped = [...others, first].filter((table) => table.own !== true && isStopped(table));
    if (stopped.length === 0) return;
    if (stopped.includes(first)) this.#rows = 0;
    const names = stopped.map(({ name }) => name);
    this.#add((to) => to.incremental(progress.signal, 'ABORTED', names));
  }

  /** Before its rows. */
  chunkRead(progress: IncrementalProgress, { rowCount, last, max }: WindowRows): void {
    const [{ name, own }] = progress.tables;
    if (own === true || rowCount === 0) return;
    this.#rows += rowCount;
    const tables = pendingOf(progress);
    this.#add((to) => to.chunkRead(progress.signal, name, last ?? [], max ?? [], tables));
  }

  /** After its last rows. */
  tableRead(progress: IncrementalProgress, { table, max }: WindowRows): void {
    const [{ name, own }] = progress.tables;
    if (own === true) return;
    const tables = pendingOf(progress);
    const status: ScanStatus = table === null ? 'UNKNOWN_SCHEMA' : max === null ? 'EMPTY' : 'SUCCEEDED';
    const rows = this.#rows;
    this.#rows = 0;
    this.#add((to) => to.chunksRead(progress.signal, name, rows, status, tables));
    if (tables.length === 1) this.#add((to) => to.incremental(progress.signal, 'COMPLETED', null));
  }

  #add(make: (to: Notifications) => readonly Notification[]): void {
    if (this.#notifications !== null) this.#gathered.push(...make(this.#notifications));
  }
}

function pendingOf(progress: IncrementalProgress | null): string[] {
  const asked = progress?.tables.filter(({ own }) => own !== true) ?? [];
  return asked.map(({ name }) => name);
}
