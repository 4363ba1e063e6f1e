/** Enough for every transaction that may be committed in the log and not yet visible to a query. */
const RECENT_XIDS = 4096;

/** The transactions that the log had last. */
export class RecentXids {
  readonly #xids: string[] = [];

  /** '' is none. */
  add(xid: string): void {
    if (xid === '') return;
    this.#xids.push(xid);
    if (this.#xids.length > 2 * RECENT_XIDS) this.#xids.splice(0, RECENT_XIDS);
  }

  all(): string[] {
    return this.#xids.slice();
  }
}
