import { readCompacted } from '../../kafka/compacted-log.ts';
import type { Producer, ProducerOptions } from '../../kafka/producer.ts';
import type { Offset, OffsetCodec, OffsetJson } from '../../record/offset.ts';
import { encodeHeaders } from './headers.ts';
import { type PublishedRows, parsePublished, writePublished } from './open-transaction.ts';

/** A field of ours beside Debezium's: offsets changed over REST count more than what was published before (O-2). */
const EPOCH_FIELD = 'icestream_epoch';
/** And of a transaction behind the offset: `id:rows`. */
const PUBLISHED_FIELD = 'icestream_published';
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
    this.#key = keyOf(connector, codec.partition);
  }

  get topic(): string {
    return this.#topic;
  }

  /** The published offset, and what is published behind it, or null; one of an epoch below `epoch` does not count. */
  async read(
    options: ProducerOptions,
    epoch: number,
    signal: AbortSignal,
  ): Promise<{ readonly offset: Offset; readonly published: PublishedRows | null } | null> {
    const records = await readCompacted(options, this.#topic, signal);
    const value = records.get(this.#key.toString('utf8')) ?? null;
    if (value === null) return null;
    const {
      [EPOCH_FIELD]: own = 0,
      [PUBLISHED_FIELD]: published,
      ...json
    } = JSON.parse(value.toString('utf8')) as Record<string, string | number | boolean | null>;
    if (Number(own) < epoch) return null;
    return {
      offset: this.#codec.parse(json as OffsetJson, epoch),
      published: parsePublished(published),
    };
  }

  send(offset: Offset, producer: Producer, nowMillis: number, published: PublishedRows | null = null): void {
    const more: OffsetJson = published === null ? {} : { [PUBLISHED_FIELD]: writePublished(published) };
    const value = textOf({ ...offset.toJSON(), ...more }, offset.epoch);
    producer.send(this.#topic, this.#key, value, NO_HEADERS, nowMillis);
  }
}

/** Of a connector's record. */
export function keyOf(connector: string, partition: OffsetJson): Buffer {
  return Buffer.from(JSON.stringify([connector, partition]));
}

export function textOf(offset: OffsetJson, epoch: number): Buffer {
  return Buffer.from(JSON.stringify(epoch === 0 ? offset : { ...offset, [EPOCH_FIELD]: epoch }));
}
