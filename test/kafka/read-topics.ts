import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installKafka } from '../services/kafka.ts';

/** A record as Java's client reads it. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  /** The one that Java's producer would choose for the key; null without one. */
  readonly javaPartition: number | null;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

const PROGRAM = fileURLToPath(new URL('../services/java/kafka/ReadTopics.java', import.meta.url));

/** All records of the topics, each partition's in order, by Kafka's own Java client. */
export async function readTopics(
  bootstrap: string,
  topics: readonly string[],
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<ReadRecord[]> {
  const { java, classPath } = await installKafka();
  const jvm = ['-XX:TieredStopAtLevel=1', '-Xmx1g', '-cp', classPath];
  const child = spawn(java, [...jvm, PROGRAM, bootstrap, isolation, ...topics], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`ReadTopics ended with ${code}: ${Buffer.concat(errors)}`);
  const lines = Buffer.concat(out).toString('latin1').split('\n');
  return lines.slice(0, -1).map(parse);
}

function parse(line: string): ReadRecord {
  const [topic, partition, java, offset, timestamp, key, value, ...headers] = line.split('\t');
  const pairs: [string, Buffer | null][] = [];
  for (let i = 0; i < headers.length; i += 2)
    pairs.push([bytes(headers[i]!)!.toString(), bytes(headers[i + 1]!)]);
  return {
    topic: topic!,
    partition: Number(partition),
    javaPartition: java === '-' ? null : Number(java),
    offset: Number(offset),
    timestampMs: Number(timestamp),
    key: bytes(key!),
    value: bytes(value!),
    headers: pairs,
  };
}

function bytes(text: string): Buffer | null {
  return text === '-' ? null : Buffer.from(text, 'base64');
}
