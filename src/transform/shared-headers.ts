import { isDeepStrictEqual } from 'node:util';
import type { ConnectHeader, ConnectRecord } from '../record/connect-record.ts';

/**
 * Some of Debezium's transforms add headers to the very list that a delete and its tombstone have in common, so the tombstone
 * comes with those of the delete. Here that is a tombstone with the key and the very headers array of the record before it.
 */
export class SharedHeaders {
  #last: ConnectRecord | null = null;
  #grown: readonly ConnectHeader[] = [];

  /** The record's headers as they are by now, with `added` at their end. */
  add(record: ConnectRecord, added: readonly ConnectHeader[]): readonly ConnectHeader[] {
    const current = record.value === null ? this.ofTombstone(record) : record.headers;
    this.#last = record;
    this.#grown = added.length === 0 ? current : [...current, ...added];
    return this.#grown;
  }

  ofTombstone({ headers, key }: ConnectRecord): readonly ConnectHeader[] {
    const last = this.#last;
    const isCommon = last !== null && last.headers === headers && isDeepStrictEqual(last.key, key);
    return isCommon ? this.#grown : headers;
  }
}
