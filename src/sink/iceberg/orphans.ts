import { isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { snapshotById } from '../../iceberg/metadata.ts';
import type { CommitIntents, IntentEntry } from './intent.ts';
import type { LakeTable } from './lake-table.ts';
import { identText } from './naming.ts';

/**
 * Files of commits that a crash cut off. Whether such a commit happened is certain only once the table has a later one of
 * ours: until then the catalog may still be carrying out a request that was under way. So they are looked at after a commit
 * to their table, and removed if their snapshot is not there.
 */
export class Orphans {
  readonly #intents: CommitIntents;
  readonly #log: Log;
  #left: { readonly commitId: string; entries: readonly IntentEntry[] }[] = [];

  constructor(intents: CommitIntents, log: Log) {
    this.#intents = intents;
    this.#log = log;
  }

  /**
   * Reads what is left of earlier processes, before this one writes intents of its own. `commits`: our newest commit to each
   * table; one that has an intent left did happen.
   */
  async load(commits: ReadonlyMap<string, string>): Promise<void> {
    for (const { commitId, entries } of await this.#intents.left()) {
      const open = entries.filter((entry) => commits.get(identText(entry.table)) !== commitId);
      if (open.length > 0) this.#left.push({ commitId, entries: open });
      else await this.#intents.done(commitId);
    }
  }

  /** Called with tables that have just been committed to. A failure leaves files behind, which do no harm. */
  async sweep(committed: readonly LakeTable[], signal: AbortSignal): Promise<void> {
    if (this.#left.length === 0) return;
    const tables = new Map(committed.map((table) => [table.name, table]));
    for (const intent of this.#left) {
      const due = intent.entries.filter((entry) => tables.has(identText(entry.table)));
      try {
        for (const entry of due) await this.#remove(entry, tables.get(identText(entry.table))!, signal);
        intent.entries = intent.entries.filter((entry) => !due.includes(entry));
        if (intent.entries.length === 0) await this.#intents.done(intent.commitId);
      } catch (error) {
        if (isAbort(error)) throw error;
        this.#log.warn(
          { error, commit: intent.commitId },
          'files of a commit that was cut off were left behind',
        );
      }
    }
    this.#left = this.#left.filter((intent) => intent.entries.length > 0);
  }

  async #remove(entry: IntentEntry, table: LakeTable, signal: AbortSignal): Promise<void> {
    const { metadata, storage } = table.loaded!;
    // Of another table under the same name nothing can be said.
    if (metadata['table-uuid'] !== entry.uuid || snapshotById(metadata, entry.snapshotId) !== null) return;
    await storage.remove(entry.files, signal);
    this.#log.info(
      { table: table.name, files: entry.files.length },
      'files of a commit that was cut off were removed',
    );
  }
}
