import type { ConnectHeader, ConnectRecord } from '../record/connect-record.ts';

/**
 * Some of Debezium's transforms add headers to the very list that a delete and its tombstone have in common, so the tombstone
 * comes with those of the delete. Records whose `headers` are the same array have them in common here.
 */
export class SharedHeaders {
  #given: readonly ConnectHeader[] | null = null;
  #grown: readonly ConnectHeader[] = [];

  /** The record's headers as they are by now, with `added` at their end. */
  add({ headers, value }: ConnectRecord, added: readonly ConnectHeader[]): readonly ConnectHeader[] {
    const current = value === null ? this.of(headers) : headers;
    this.#given = headers;
    this.#grown = added.length === 0 ? current : [...current, ...added];
    return this.#grown;
  }

  /** A tombstone's. */
  of(headers: readonly ConnectHeader[]): readonly ConnectHeader[] {
    return headers === this.#given ? this.#grown : headers;
  }
}
