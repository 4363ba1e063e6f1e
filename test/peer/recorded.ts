import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Recording, readRecording } from './recording.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/peer/recordings', import.meta.url));

/** The variants that real Connect with Debezium was recorded with. */
export function recordedVariants(): string[] {
  return globSync('postgres-*.jsonl.zst', { cwd: FOLDER })
    .map((file) => basename(file, '.jsonl.zst').slice('postgres-'.length))
    .sort();
}

export function recorded(variant: string): Recording {
  return readRecording(`${FOLDER}/postgres-${variant}.jsonl.zst`);
}
