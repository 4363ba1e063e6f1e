import { readFileSync, writeFileSync } from 'node:fs';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** What a connector wrote to Kafka while a scenario ran. */
export interface Recording {
  readonly about: About;
  /** By topic, partition and offset. */
  readonly records: readonly KafkaRecord[];
}

export interface About {
  readonly database: string;
  readonly variant: string;
  /** `topic.prefix`, which is the connector's name, too. */
  readonly prefix: string;
  /** As sent, passwords as `***`. */
  readonly config: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, before the first statement and after the last record. */
  readonly started: number;
  readonly ended: number;
  /** What GET /connectors/NAME/offsets said after the stop. */
  readonly offsets?: unknown;
  /** The trace of a task that failed. */
  readonly failure?: string | null;
  /** Avro schemas by their id in the registry, where a converter writes by one. */
  readonly schemas?: Readonly<Record<string, unknown>>;
}

/** Exact text, or base64 of bytes that are not text; both absent or null: no bytes (a tombstone's value). */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** 1: given by the producer, 2: by the broker. */
  readonly timestampType: number;
  readonly timestamp: number;
  readonly headers: readonly (readonly [string, string | null])[];
  readonly keyRaw?: string | null;
  readonly valueRaw?: string | null;
  readonly keyB64?: string;
  readonly valueB64?: string;
}

/** Reads lines of JSON, the first one `{"recording": About}`, the others records; `.zst` is unpacked. */
export function readRecording(path: string): Recording {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('utf8');
  const [first, ...lines] = text.trimEnd().split('\n');
  return {
    about: (JSON.parse(first!) as { recording: About }).recording,
    records: lines.map((line) => JSON.parse(line) as KafkaRecord),
  };
}

export function writeRecording(path: string, recording: Recording): void {
  const lines = [{ recording: recording.about }, ...recording.records].map((it) => `${JSON.stringify(it)}\n`);
  const bytes = Buffer.from(lines.join(''));
  writeFileSync(path, path.endsWith('.zst') ? zstdCompressSync(bytes) : bytes);
}
