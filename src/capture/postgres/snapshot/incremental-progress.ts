import { IcestreamError } from '../../../base/errors.ts';
import type { Held } from '../../../record/offset.ts';
import type { ScanStatus } from '../../notifications.ts';
import type { SnapshotProgress } from '../parts.ts';
import { type Key, ReadProgress } from './progress.ts';

/** A table that is to be read beside the stream. */
export interface PendingTable {
  /** `schema.table`. */
  readonly name: string;
  readonly condition: string;
  readonly surrogateKey: string;
  /** Asked for by ourselves, for a sink that lacks rows. */
  readonly own?: boolean;
  /** Why it cannot be read: it is told of when its turn comes, and passed over. */
  readonly unreadable?: ScanStatus;
}

interface Fields {
  /** Counts every step of incremental snapshots since there was none: of two states the higher is the later. */
  readonly step: number;
  readonly tables: readonly PendingTable[];
  /** Of the first table: the last key that was read, and the highest one there was when it began. */
  readonly last: Key;
  readonly max: Key;
  readonly paused: boolean;
  /** Tables that are to be read as a whole in place of what the sinks have (L-6), by name. */
  readonly replace: readonly string[];
  /** Id of the user's signal that asked for tables last, null for none. */
  readonly signal: string | null;
}

/** Incremental snapshots in progress, as the offset keeps them. Immutable. */
export class IncrementalProgress implements SnapshotProgress, Fields {
  readonly step: number;
  readonly tables: readonly PendingTable[];
  readonly last: Key;
  readonly max: Key;
  readonly paused: boolean;
  readonly replace: readonly string[];
  readonly signal: string | null;

  constructor({ step, tables, last, max, paused, replace, signal }: Fields) {
    this.step = step;
    this.tables = tables;
    this.last = last;
    this.max = max;
    this.paused = paused;
    this.replace = replace;
    this.signal = signal;
  }

  /** @throws IcestreamError config.invalid for text that `toText` did not write */
  static parse(text: string): IncrementalProgress {
    try {
      const { incremental } = JSON.parse(text) as { incremental: Fields };
      const { replace = [], signal = null } = incremental as Partial<Fields>;
      return new IncrementalProgress({ ...incremental, replace, signal });
    } catch (cause) {
      throw new IcestreamError('config.invalid', 'the snapshot progress of the offset cannot be read', {
        cause,
      });
    }
  }

  with(changes: Partial<Fields>): IncrementalProgress {
    return new IncrementalProgress({ ...(this as Fields), ...changes, step: this.step + 1 });
  }

  /** Steps follow one another, whatever the table: what an earlier step had, a later one has too. */
  holds(other: SnapshotProgress, _table: string | null): boolean {
    return other instanceof IncrementalProgress && this.step >= other.step;
  }

  /** Chunks of a later run are other ones, and come later in the log. */
  has(): Held {
    return 'some';
  }

  and(): IncrementalProgress {
    return this;
  }

  min(other: SnapshotProgress): SnapshotProgress {
    return this.holds(other, null) ? other : this;
  }

  toText(): string {
    const { step, tables, last, max, paused } = this;
    const replace = this.replace.length > 0 ? { replace: this.replace } : {};
    const signal = this.signal === null ? {} : { signal: this.signal };
    return JSON.stringify({ incremental: { step, tables, last, max, paused, ...replace, ...signal } });
  }
}

/** Either kind of progress, as an offset holds it. */
export function parseProgress(text: string): SnapshotProgress {
  return text.startsWith('{"incremental":') ? IncrementalProgress.parse(text) : ReadProgress.parse(text);
}
