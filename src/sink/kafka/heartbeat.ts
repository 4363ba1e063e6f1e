import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';

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
  readonly #topic: string;
  readonly #prefix: string;
  readonly #intervalMs: number;
  #lastMs = Date.now();

  /** `topicPrefix` is `topic.heartbeat.prefix` or `heartbeat.topics.prefix`. */
  constructor(topicPrefix: string, prefix: string, intervalMs: number) {
    this.#topic = `${topicPrefix}.${prefix}`;
    this.#prefix = prefix;
    this.#intervalMs = intervalMs;
  }

  /** The source was heard of at `nowMs`: the record that is due, or null. */
  heard(nowMs: number): ConnectRecord | null {
    if (nowMs - this.#lastMs < this.#intervalMs) return null;
    this.#lastMs = nowMs;
    return {
      topic: this.#topic,
      partition: null,
      keySchema: KEY,
      key: [this.#prefix],
      valueSchema: VALUE,
      value: [BigInt(nowMs)],
      timestampMs: null,
      headers: [],
    };
  }
}
