import type { Reader } from '@platformatic/kafka';
import { ByteBuffer } from '../base/byte-buffer.ts';

/**
 * Produce requests that carry finished record batches; the library's own make their records themselves.
 *
 *     Request v3-8:  transactional_id NULLABLE_STRING, acks INT16, timeout_ms INT32, [name STRING, [index INT32, records BYTES]]
 *     Response v3-8: [name STRING, [index INT32, error_code INT16, base_offset INT64, log_append_time_ms INT64,
 *       log_start_offset INT64 (v5+), [batch_index INT32, message NULLABLE_STRING] (v8+), error_message NULLABLE_STRING (v8+)]],
 *       throttle_time_ms INT32
 */
export const PRODUCE_KEY = 0;
/** From the newest; the later ones only say the same in other ways. */
export const PRODUCE_VERSIONS = [8, 7, 5, 3] as const;

export interface PartitionRecords {
  readonly topic: string;
  readonly partition: number;
  readonly records: Buffer;
}

export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly message: string | null;
}

const ALL_IN_SYNC = -1;

/** The request's parts in order, each batch's records among them as they are. */
export function writeProduce(
  transactionalId: string | null,
  timeoutMs: number,
  batches: readonly PartitionRecords[],
): Buffer[] {
  const topics = Map.groupBy(batches, (batch) => batch.topic);
  const writer = new PartsWriter();
  if (transactionalId === null) writer.int16(-1);
  else writer.string(transactionalId);
  writer.int16(ALL_IN_SYNC);
  writer.int32(timeoutMs);
  writer.int32(topics.size);
  for (const [topic, ofTopic] of topics) {
    writer.string(topic);
    writer.int32(ofTopic.length);
    for (const { partition, records } of ofTopic) {
      writer.int32(partition);
      writer.int32(records.length);
      writer.reference(records);
    }
  }
  return writer.parts();
}

/** Small numbers and texts are gathered, large bytes only referred to. */
class PartsWriter {
  readonly #out = new ByteBuffer(256);
  readonly #parts: Buffer[] = [];
  #from = 0;

  int16(value: number): void {
    const at = this.#out.reserve(2);
    this.#out.bytes.writeInt16BE(value, at);
    this.#out.length += 2;
  }

  int32(value: number): void {
    const at = this.#out.reserve(4);
    this.#out.bytes.writeInt32BE(value, at);
    this.#out.length += 4;
  }

  string(text: string): void {
    const bytes = Buffer.from(text);
    this.int16(bytes.length);
    this.#out.append(bytes);
  }

  reference(bytes: Buffer): void {
    this.#cut();
    this.#parts.push(bytes);
  }

  parts(): Buffer[] {
    this.#cut();
    return this.#parts;
  }

  /** What a part shows is not written again: growing moves the buffer away from under it. */
  #cut(): void {
    if (this.#out.length > this.#from)
      this.#parts.push(this.#out.bytes.subarray(this.#from, this.#out.length));
    this.#from = this.#out.length;
  }
}

export function readProduce(reader: Reader, version: number): readonly PartitionAnswer[] {
  return reader
    .readArray(
      (r) => {
        const topic = r.readString(false);
        return r.readArray((it) => readPartition(it, topic, version), false, false);
      },
      false,
      false,
    )
    .flat();
}

function readPartition(reader: Reader, topic: string, version: number): PartitionAnswer {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(16); // base_offset, log_append_time_ms
  if (version >= 5) reader.skip(8);
  if (version < 8) return { topic, partition, errorCode, message: null };
  const ofRecords = reader.readArray(readRecordError, false, false);
  const message = reader.readNullableString(false) ?? ofRecords.find((it) => it !== null) ?? null;
  return { topic, partition, errorCode, message };
}

function readRecordError(reader: Reader): string | null {
  reader.skip(4);
  return reader.readNullableString(false);
}
