import type { ConnectSchema } from '../../record/connect-schema.ts';
import { FixedRecords } from './fixed-records.ts';
import type { EventConverters, RecordTarget } from './table-events.ts';

const KEY: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.ServerNameKey',
  version: 1,
  fields: [{ name: 'serverName', schema: { type: 'string', optional: false } }],
};

const VALUE: ConnectSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.Heartbeat',
  version: 1,
  fields: [{ name: 'ts_ms', schema: { type: 'int64', optional: false } }],
};

/**
 * `heartbeat.interval.ms`: a record in a topic of its own whenever so much time has passed and the source has been heard of,
 * so that consumers see that the connector lives, and its stored offset moves while no captured table changes.
 */
export class Heartbeat {
  readonly topic: string;
  readonly #records: FixedRecords;
  readonly #prefix: string;
  readonly #intervalMs: number;
  #lastMs = Date.now();

  private constructor(records: FixedRecords, prefix: string, intervalMs: number) {
    this.topic = records.topic;
    this.#records = records;
    this.#prefix = prefix;
    this.#intervalMs = intervalMs;
  }

  /** `topicPrefix` is `topic.heartbeat.prefix` or `heartbeat.topics.prefix`. */
  static async open(
    topicPrefix: string,
    prefix: string,
    intervalMs: number,
    converters: EventConverters,
  ): Promise<Heartbeat> {
    const records = await FixedRecords.open(`${topicPrefix}.${prefix}`, KEY, VALUE, converters);
    return new Heartbeat(records, prefix, intervalMs);
  }

  /** The source was heard of at `nowMs`. */
  heard(nowMs: number, target: RecordTarget): void {
    if (nowMs - this.#lastMs < this.#intervalMs) return;
    this.#lastMs = nowMs;
    this.#records.send([this.#prefix], [BigInt(nowMs)], target);
  }
}
