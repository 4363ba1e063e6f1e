import type { ConnectSchema } from '../../record/connect-schema.ts';
import type { TransactionBlock } from '../../record/envelope.ts';
import { FixedRecords } from './fixed-records.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';

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
  readonly topic: string;
  readonly #records: FixedRecords;
  readonly #counts = new Map<string, number>();
  #total = 0;
  #open = false;

  private constructor(records: FixedRecords) {
    this.topic = records.topic;
    this.#records = records;
  }

  static async open(topic: string, converters: EventConverters): Promise<Transactions> {
    return new Transactions(await FixedRecords.open(topic, KEY, VALUE, converters));
  }

  /** `id` as the begin bears it; `millis` of the commit. */
  begin(id: string, millis: number, target: RecordTarget): void {
    this.#open = true;
    this.#total = 0;
    this.#counts.clear();
    this.#records.send([id], ['BEGIN', id, null, null, BigInt(millis)], target);
  }

  /** One more event, of `collection`. */
  event(id: string, collection: string): TransactionBlock {
    const collectionOrder = (this.#counts.get(collection) ?? 0) + 1;
    this.#counts.set(collection, collectionOrder);
    return { id, totalOrder: ++this.#total, collectionOrder };
  }

  get isOpen(): boolean {
    return this.#open;
  }

  end(id: string, millis: number, target: RecordTarget): void {
    this.#open = false;
    const collections = [...this.#counts].map(([name, count]) => [name, BigInt(count)]);
    this.#records.send([id], ['END', id, BigInt(this.#total), collections, BigInt(millis)], target);
  }
}
