import { type Reader, Writer } from '@platformatic/kafka';

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

/** Keeps no reference to the records once the library has made one buffer of it. */
export function writeProduce(
  transactionalId: string | null,
  timeoutMs: number,
  batches: readonly PartitionRecords[],
): Writer {
  const topics = Map.groupBy(batches, (batch) => batch.topic);
  return Writer.create()
    .appendString(transactionalId, false)
    .appendInt16(ALL_IN_SYNC)
    .appendInt32(timeoutMs)
    .appendArray(
      [...topics],
      (writer, [topic, ofTopic]) => {
        writer.appendString(topic, false).appendArray(ofTopic, writePartition, false, false);
      },
      false,
      false,
    );
}

function writePartition(writer: Writer, batch: PartitionRecords): void {
  writer.appendInt32(batch.partition).appendInt32(batch.records.length).append(batch.records);
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
