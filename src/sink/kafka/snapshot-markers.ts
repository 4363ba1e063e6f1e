import { type ChangeBatch, Op } from '../../record/batch.ts';
import type { SnapshotMarker } from '../../record/event.ts';

/** Rows that may be sent now, in order. */
export interface Part {
  readonly batch: ChangeBatch;
  readonly from: number;
  readonly to: number;
  readonly first: SnapshotMarker;
  /** Of the rows behind the first. */
  readonly rest: SnapshotMarker;
}

interface Held {
  readonly batch: ChangeBatch;
  readonly row: number;
  readonly marker: SnapshotMarker;
  /** Its table has no more rows. */
  endsTable: boolean;
}

/**
 * Which place a snapshot's rows have in it: `first` and `last` of all, or of their table. Whether a row is the last is only
 * known when the next one has come, or the end of the snapshot, whose last tables may be empty: so one row is held back.
 */
export class SnapshotMarkers {
  #held: Held | null = null;
  /** The next row read is the first of all, or of its table. */
  #begins: 'first' | 'first_in_data_collection' | null = null;
  #inSnapshot = false;
  #tables = 0;
  readonly #send: (part: Part) => void;

  constructor(send: (part: Part) => void) {
    this.#send = send;
  }

  /** Sends what of the batch can be sent, behind what was held back. */
  take(batch: ChangeBatch): void {
    let row = 0;
    for (const mark of batch.tableMarks) {
      this.#rows(batch, row, mark.row);
      row = mark.row;
      if (mark.kind === 'snapshot-start') this.#begin();
      else if (mark.kind === 'snapshot-end') this.#end(mark.last === true);
    }
    this.#rows(batch, row, batch.rowCount);
  }

  /** What is held back, by identity; null when nothing is. */
  get held(): object | null {
    return this.#held;
  }

  /** Sends what is held back: the caller commits, and there may be no next row. */
  flush(): void {
    this.#release(null);
  }

  #begin(): void {
    this.#begins = this.#tables++ === 0 ? 'first' : 'first_in_data_collection';
    this.#inSnapshot = true;
  }

  #end(last: boolean): void {
    if (last) this.#release('last');
    else if (this.#held !== null && this.#begins === null) this.#held.endsTable = true;
    this.#begins = null;
    this.#inSnapshot = !last;
    if (last) this.#tables = 0;
  }

  #rows(batch: ChangeBatch, from: number, to: number): void {
    if (from === to) return;
    this.#release(null);
    if (!this.#inSnapshot || batch.op[from] !== Op.read) {
      const marker = batch.op[from] === Op.read ? 'incremental' : 'false';
      this.#send({ batch, from, to, first: marker, rest: marker });
      return;
    }
    const first = this.#begins ?? 'true';
    this.#begins = null;
    const held = to - 1;
    if (held > from) this.#send({ batch, from, to: held, first, rest: 'true' });
    batch.lease.hold();
    this.#held = { batch, row: held, marker: held === from ? first : 'true', endsTable: false };
  }

  /** The row held back is what it was taken for, or the last one; the very first of all stays that in a table of one row. */
  #release(end: 'last' | null): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const { batch, row, endsTable } = held;
    const inTable = endsTable && held.marker !== 'first' ? 'last_in_data_collection' : held.marker;
    const marker = end ?? inTable;
    this.#send({ batch, from: row, to: row + 1, first: marker, rest: marker });
    batch.lease.release();
  }
}
