import { readCompacted } from '../../kafka/compacted-log.ts';
import type { Producer, ProducerOptions } from '../../kafka/producer.ts';
import type { Offset, OffsetCodec, OffsetJson } from '../../record/offset.ts';
import { encodeHeaders } from './headers.ts';

/** A field of ours beside Debezium's: offsets changed over REST count more than what was published before (O-2). */
const EPOCH_FIELD = 'icestream_epoch';
const NO_HEADERS = encodeHeaders([]);

/**
 * This connector's record in Connect's offsets topic: key `["name",{partition}]`, value the offset as flat JSON, so that
 * Connect and we can each go on where the other stopped, and so that a lost state directory loses nothing.
 */
export class ConnectOffsets {
  readonly #topic: string;
  readonly #key: Buffer;
  readonly #codec: OffsetCodec;

  constructor(topic: string, connector: string, codec: OffsetCodec) {
    this.#topic = topic;
    this.#codec = codec;
    this.#key = Buffer.from(JSON.stringify([connector, codec.partition]));
  }

  get topic(): string {
    return this.#topic;
  }

  /** The published offset, or null; one of an epoch below `epoch` does not count. */
  async read(options: ProducerOptions, epoch: number, signal: AbortSignal): Promise<Offset | null> {
    const records = await readCompacted(options, this.#topic, signal);
    const value = records.get(this.#key.toString('utf8')) ?? null;
    if (value === null) return null;
    const { [EPOCH_FIELD]: own = 0, ...json } = JSON.parse(value.toString('utf8')) as Record<
      string,
      string | number | boolean | null
    >;
    return Number(own) < epoch ? null : this.#codec.parse(json as OffsetJson, epoch);
  }

  send(offset: Offset, producer: Producer, nowMillis: number): void {
    const { epoch } = offset;
    const json = epoch === 0 ? offset.toJSON() : { ...offset.toJSON(), [EPOCH_FIELD]: epoch };
    producer.send(this.#topic, this.#key, Buffer.from(JSON.stringify(json)), NO_HEADERS, nowMillis);
  }
}
