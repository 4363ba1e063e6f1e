import { javaMapOrder } from '../../convert/java-map.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import type { TransactionBlock } from '../../record/envelope.ts';

const TEXT: ConnectSchema = { type: 'string', optional: false };
const LONG: ConnectSchema = { type: 'int64', optional: false };

const KEY: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.TransactionMetadataKey',
  version: 1,
  fields: [{ name: 'id', schema: TEXT }],
};

const COLLECTION: ConnectSchema = {
  type: 'struct',
  optional: true,
  name: 'event.collection',
  version: 1,
  fields: [
    { name: 'data_collection', schema: TEXT },
    { name: 'event_count', schema: LONG },
  ],
};

const VALUE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.TransactionMetadataValue',
  version: 1,
  fields: [
    { name: 'status', schema: TEXT },
    { name: 'id', schema: TEXT },
    { name: 'event_count', schema: { type: 'int64', optional: true } },
    { name: 'data_collections', schema: { type: 'array', optional: true, values: COLLECTION } },
    { name: 'ts_ms', schema: LONG },
  ],
};

/**
 * `provide.transaction.metadata`: each event's place in its transaction, and a record at the transaction's begin and end
 * with the number of events, in all and by table.
 */
export class Transactions {
  readonly #topic: string;
  readonly #publish: (record: ConnectRecord) => void;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(topic: string, publish: (record: ConnectRecord) => void) {
    this.#topic = topic;
    this.#publish = publish;
  }

  /** `id` as the begin bears it; `millis` of the commit. */
  begin(id: string, millis: number): void {
    this.#total = 0;
    this.#counts.clear();
    this.#send(id, ['BEGIN', id, null, null, BigInt(millis)]);
  }

  /** One more event, of `collection`. */
  event(id: string, collection: string): TransactionBlock {
    const collectionOrder = (this.#counts.get(collection) ?? 0) + 1;
    this.#counts.set(collection, collectionOrder);
    return { id, totalOrder: ++this.#total, collectionOrder };
  }

  end(id: string, millis: number): void {
    const names = javaMapOrder([...this.#counts.keys()]);
    const collections = names.map((name) => [name, BigInt(this.#counts.get(name)!)]);
    this.#send(id, ['END', id, BigInt(this.#total), collections, BigInt(millis)]);
  }

  #send(id: string, value: ConnectValue): void {
    this.#publish({
      topic: this.#topic,
      partition: null,
      keySchema: KEY,
      key: [id],
      valueSchema: VALUE,
      value,
      timestampMs: null,
      headers: [],
    });
  }
}
