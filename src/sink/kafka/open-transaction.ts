import type { ChangeBatch } from '../../record/batch.ts';

/** Rows of a source transaction, from its begin on. */
export interface PublishedRows {
  readonly transaction: string;
  readonly rows: number;
}

/**
 * How much was taken of a source transaction that has not ended. Where a transaction in Kafka would outlive its time before the
 * source's ends, what there is of it is committed with this beside the offset, and passed over when it is read again: the
 * log repeats a transaction row by row.
 */
export class OpenTransaction {
  #transaction = '';
  #rows = 0;

  get published(): PublishedRows | null {
    return this.#transaction === '' ? null : { transaction: this.#transaction, rows: this.#rows };
  }

  take({ offset, rowCount, transactionOf, transactions }: ChangeBatch): void {
    if (offset !== null) {
      this.#transaction = '';
      this.#rows = 0;
      return;
    }
    if (rowCount === 0) return;
    const last = transactionOf[rowCount - 1];
    let rows = 0;
    while (rows < rowCount && transactionOf[rowCount - 1 - rows] === last) rows++;
    const { id } = transactions[last];
    this.#rows = id === this.#transaction && rows === rowCount ? this.#rows + rows : rows;
    this.#transaction = id;
  }
}

/** Tells rows that were published before from those that follow them. */
export class PublishedBefore {
  readonly #transaction: string;
  #left: number;

  constructor({ transaction, rows }: PublishedRows) {
    this.#transaction = transaction;
    this.#left = rows;
  }

  /** Asked once for every row, in order. */
  has({ transactions, transactionOf }: ChangeBatch, row: number): boolean {
    const { id } = transactions[transactionOf[row]];
    // What belongs to no transaction comes in between.
    if (id === '' || this.#left === 0) return false;
    this.#left = id === this.#transaction ? this.#left - 1 : 0;
    return id === this.#transaction;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }
}

export function writePublished({ transaction, rows }: PublishedRows): string {
  return `${transaction}:${rows}`;
}

export function parsePublished(text: unknown): PublishedRows | null {
  const parts = /^(.+):(\d+)$/.exec(String(text ?? ''));
  return parts === null ? null : { transaction: parts[1]!, rows: Number(parts[2]) };
}
