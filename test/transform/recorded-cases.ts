import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import type { CaseRecord } from './cases.ts';

/** What Kafka Connect 4.3.1 and Debezium 3.5.0 made of the cases. */
export const RECORDED = fileURLToPath(new URL('../fixtures/transform/cases.jsonl.zst', import.meta.url));

export interface Answer {
  readonly name: string;
  /** Null: dropped. */
  readonly record?: CaseRecord | null;
  readonly error?: string;
}

export function recordedAnswers(): Answer[] {
  const text = zstdDecompressSync(readFileSync(RECORDED)).toString('utf8');
  return text.split('\n').map((line) => JSON.parse(line) as Answer);
}
