import { IcestreamError } from '../../base/errors.ts';
import type { PostgresConfig } from './config.ts';
import type { PostgresOffset } from './offset.ts';

export interface SnapshotDecision {
  /** Read the tables first. */
  readonly snapshot: boolean;
  /** Go on with an unfinished snapshot instead of beginning anew. */
  readonly resume: boolean;
  readonly stream: boolean;
  /** Begin anew with a snapshot when the slot cannot give what follows the offset. */
  readonly snapshotOnLoss: boolean;
}

/** Whether the mode would ever read existing rows: where it does not, nobody misses them. */
export function readsData(config: PostgresConfig): boolean {
  const mode = config['snapshot.mode'];
  if (mode === 'configuration_based') return config['snapshot.mode.configuration.based.snapshot.data'];
  return mode !== 'no_data';
}

/**
 * `snapshot.mode`. `from` is what was made durable, null for nothing at all. An unfinished snapshot is gone on with in
 * every mode that would take one.
 */
export function decideSnapshot(config: PostgresConfig, from: PostgresOffset | null): SnapshotDecision {
  const mode = config['snapshot.mode'];
  const unfinished = from?.initialSnapshot ?? false;
  const missing = from === null || unfinished;
  const resume = unfinished;
  switch (mode) {
    case 'always':
      return { snapshot: true, resume, stream: true, snapshotOnLoss: true };
    case 'initial':
      return { snapshot: missing, resume, stream: true, snapshotOnLoss: false };
    case 'initial_only':
      return { snapshot: missing, resume, stream: false, snapshotOnLoss: false };
    case 'no_data':
      return { snapshot: false, resume: false, stream: true, snapshotOnLoss: false };
    case 'when_needed':
      return { snapshot: missing, resume, stream: true, snapshotOnLoss: true };
    case 'configuration_based':
      return {
        snapshot: missing && config['snapshot.mode.configuration.based.snapshot.data'],
        resume,
        stream: config['snapshot.mode.configuration.based.start.stream'],
        snapshotOnLoss: config['snapshot.mode.configuration.based.snapshot.on.data.error'],
      };
    default:
      throw new IcestreamError('config.invalid', 'snapshot.mode=custom names a Java class', {
        context: { property: 'snapshot.mode', name: config['snapshot.mode.custom.name'] ?? '' },
        hint: 'Java classes cannot run here; choose configuration_based or another mode.',
      });
  }
}
