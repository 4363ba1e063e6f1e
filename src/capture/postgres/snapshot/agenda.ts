import { IncrementalProgress, type PendingTable } from './incremental-progress.ts';

/** Tables that are to be read again, in the order in which they were asked for, and how far that has come. */
export class Agenda {
  #progress: IncrementalProgress | null;
  /** Steps taken before, so that a later snapshot does not look earlier. */
  #steps = 0;

  constructor(progress: IncrementalProgress | null) {
    this.#progress = progress;
  }

  /** For the offset; null when nothing is left. */
  get progress(): IncrementalProgress | null {
    return this.#progress;
  }

  /** To be read beside the stream; `signal` is the id of the user's signal, null for our own. */
  add(tables: readonly PendingTable[], signal: string | null): void {
    if (tables.length === 0) return;
    const progress = this.#begun();
    const asked = signal === null ? {} : { signal };
    this.#progress = progress.with({ tables: [...progress.tables, ...tables], ...asked });
  }

  /** To be read as a whole, in place of what the sinks have. */
  addReplace(names: readonly string[]): void {
    const replace = this.#progress?.replace ?? [];
    const added = names.filter((name) => !replace.includes(name));
    if (added.length > 0) this.#progress = this.#begun().with({ replace: [...replace, ...added] });
  }

  pause(paused: boolean): void {
    this.#progress = this.#progress?.with({ paused }) ?? null;
  }

  /** Asked for as a whole, and not done. */
  isPending(table: string): boolean {
    if (this.#progress === null) return false;
    return this.#progress.replace.includes(table) || isWhole(this.#progress.tables, table);
  }

  /** Its turn is still to come, so that it will be read as it is by then. `isReading`: the first table's has. */
  isWaiting(table: string, isReading: boolean): boolean {
    if (this.#progress === null) return false;
    const hasBegun = isReading || this.#progress.last !== null;
    return isWhole(this.#progress.tables.slice(hasBegun ? 1 : 0), table);
  }

  /** Something is done; when nothing is left there is no progress to keep. */
  goOn(changes: Partial<IncrementalProgress>): void {
    const next = this.#progress!.with(changes);
    this.#steps = next.step;
    this.#progress = next.tables.length === 0 && next.replace.length === 0 ? null : next;
  }

  #begun(): IncrementalProgress {
    const nothing = { tables: [], last: null, max: null, paused: false, replace: [], signal: null };
    return this.#progress ?? new IncrementalProgress({ step: this.#steps, ...nothing });
  }
}

function isWhole(tables: readonly PendingTable[], table: string): boolean {
  return tables.some(
    ({ name, condition, unreadable }) => name === table && condition === '' && unreadable === undefined,
  );
}
