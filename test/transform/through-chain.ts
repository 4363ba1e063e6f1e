import { isDeepStrictEqual } from 'node:util';
import { loadConverter } from '../../src/convert/registry.ts';
import type { ConnectRecord } from '../../src/record/connect-record.ts';
import { createChain } from '../../src/transform/chain.ts';
import { parseRecorded } from '../convert/recorded.ts';
import type { KafkaRecord, Recording } from '../peer/recording.ts';

/** What a recording without transforms would have been with them: records made of its text, transformed, and text again. */
export async function throughChain(
  { about, records }: Recording,
  config: Readonly<Record<string, string>>,
  before: (record: ConnectRecord) => ConnectRecord,
): Promise<Recording> {
  const chain = createChain(config);
  const write = await writers();
  // A delete and its tombstone have their headers in common.
  let last: ConnectRecord | null = null;
  const out: KafkaRecord[] = [];
  for (const record of records) {
    const made = await chain.apply(read(record));
    if (made !== null) out.push(await write(record, made));
  }
  return { about, records: numbered(out) };

  function read(record: KafkaRecord): ConnectRecord {
    const made = before(recordOf(record));
    const follows = made.value === null && last !== null && isDeepStrictEqual(made.key, last.key);
    const headers: ConnectRecord['headers'] = follows ? last!.headers : made.headers;
    last = { ...made, headers };
    return last;
  }
}

export function recordOf({ topic, timestamp, headers, keyRaw, valueRaw }: KafkaRecord): ConnectRecord {
  const nothing = { schema: null, value: null };
  const key = keyRaw == null ? nothing : parseRecorded(keyRaw);
  const value = valueRaw == null ? nothing : parseRecorded(valueRaw);
  return {
    topic,
    partition: null,
    keySchema: key.schema,
    key: key.value,
    valueSchema: value.schema,
    value: value.value,
    timestampMs: timestamp,
    headers: headers.map(([name, text]) => ({
      name,
      schema: { type: 'string', optional: true },
      value: text,
    })),
  };
}

async function writers() {
  const json = await converter('org.apache.kafka.connect.json.JsonConverter');
  const simple = await converter('org.apache.kafka.connect.storage.SimpleHeaderConverter');
  const textOf = async (bytes: Promise<Uint8Array | null> | Uint8Array | null): Promise<string | null> => {
    const done = await bytes;
    return done === null ? null : Buffer.from(done).toString('utf8');
  };
  return async (record: KafkaRecord, made: ConnectRecord): Promise<KafkaRecord> => ({
    ...record,
    topic: made.topic,
    keyRaw: await textOf(json.convert(made.topic, made.keySchema, made.key)),
    valueRaw: await textOf(json.convert(made.topic, made.valueSchema, made.value)),
    headers: await Promise.all(
      made.headers.map(
        async ({ name, schema, value }) =>
          [name, await textOf(simple.convert(made.topic, schema, value))] as const,
      ),
    ),
  });
}

async function converter(name: string) {
  return (await loadConverter(name))!.create({}, false);
}

/** Offsets as the topics would count them. */
function numbered(records: readonly KafkaRecord[]): KafkaRecord[] {
  const next = new Map<string, number>();
  return records.map((record) => {
    const offset = next.get(record.topic) ?? 0;
    next.set(record.topic, offset + 1);
    return { ...record, offset };
  });
}
