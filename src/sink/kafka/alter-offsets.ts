import { readCompacted } from '../../kafka/compacted-log.ts';
import { Producer } from '../../kafka/producer.ts';
import type { OffsetChange, OffsetsContext } from '../sink.ts';
import type { KafkaSinkConfig } from './config.ts';
import { keyOf, textOf } from './connect-offsets.ts';
import { encodeHeaders } from './headers.ts';

/**
 * Writes a stopped connector's offsets into Connect's offsets topic as `PATCH /connectors/{c}/offsets` does there, with
 * tombstones for those that go. Without a topic there is nothing to do.
 *
 * @param changes null: a tombstone for every partition of the connector
 * @throws IcestreamError kafka.*
 */
export async function alterOffsets(
  { producer: settings, offsetsTopic: topic }: KafkaSinkConfig,
  { connector, epoch, log }: OffsetsContext,
  changes: readonly OffsetChange[] | null,
  signal: AbortSignal,
): Promise<void> {
  if (topic === null) return;
  const options = { ...settings, transactionalId: null, clientId: `connector-offsets-${connector}`, log };
  const producer = await Producer.open(options, signal);
  try {
    await producer.prepare(topic, signal);
    const records =
      changes === null
        ? keysOf(connector, await readCompacted(options, topic, signal)).map(tombstone)
        : changes.map(({ partition, offset }) => ({
            key: keyOf(connector, partition),
            value: offset === null ? null : textOf(offset, epoch),
          }));
    for (const { key, value } of records) producer.send(topic, key, value, NO_HEADERS, Date.now());
    await producer.flush(signal);
  } finally {
    await producer.close();
  }
}

const NO_HEADERS = encodeHeaders([]);

function tombstone(key: Buffer): { readonly key: Buffer; readonly value: null } {
  return { key, value: null };
}

/** Keys of the connector's records that are there; byte for byte, since others may write them in another way. */
function keysOf(connector: string, records: ReadonlyMap<string, Buffer | null>): Buffer[] {
  const there = [...records].filter(([, value]) => value !== null).map(([key]) => key);
  return there.filter((key) => connectorOf(key) === connector).map((key) => Buffer.from(key, 'utf8'));
}

function connectorOf(key: string): unknown {
  try {
    const parts: unknown = JSON.parse(key);
    return Array.isArray(parts) ? parts[0] : null;
  } catch {
    // The topic may hold what is none of Connect's.
    return null;
  }
}
