import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asIcestreamError } from '../../base/errors.ts';
import { fileErrorCode } from '../../base/file-error.ts';
import type { TableIdent } from '../../iceberg/catalog/catalog.ts';
import { parseJson, printJson } from '../../iceberg/json.ts';

/** One table's part of a commit that is about to be tried. */
export interface IntentEntry {
  readonly table: TableIdent;
  readonly uuid: string;
  readonly snapshotId: bigint;
  readonly files: readonly string[];
}

export interface Intent {
  readonly commitId: string;
  readonly entries: readonly IntentEntry[];
}

/**
 * Commits written down before they are tried, so that files of one that never happened can be removed. Nothing else
 * depends on them (O-3): with the folder lost, such files stay behind and do no harm.
 */
export class CommitIntents {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async write(commitId: string, entries: readonly IntentEntry[]): Promise<void> {
    const path = this.#path(commitId);
    try {
      await mkdir(this.#directory, { recursive: true });
      const file = await open(`${path}.tmp`, 'w');
      try {
        await file.writeFile(
          printJson({
            commitId,
            entries: entries.map((e) => ({ ...e, snapshotId: e.snapshotId.toString() })),
          }),
        );
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.tmp`, path);
    } catch (error) {
      throw asIcestreamError(error, fileErrorCode(error), { path });
    }
  }

  async done(commitId: string): Promise<void> {
    await rm(this.#path(commitId), { force: true });
  }

  /** Intents of commits whose outcome this process has not seen. A file cut short by a crash is one that was never acted on. */
  async left(): Promise<readonly Intent[]> {
    const names = await readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw asIcestreamError(error, 'storage.io', { path: this.#directory });
    });
    const intents: Intent[] = [];
    for (const name of names) {
      const path = join(this.#directory, name);
      if (name.endsWith('.tmp')) await rm(path, { force: true });
      else if (name.endsWith('.json')) intents.push(parseIntent(await readFile(path, 'utf8')));
    }
    return intents;
  }

  #path(commitId: string): string {
    return join(this.#directory, `${commitId}.json`);
  }
}

function parseIntent(text: string): Intent {
  const { commitId, entries } = parseJson(text) as {
    commitId: string;
    entries: (Omit<IntentEntry, 'snapshotId'> & { snapshotId: string })[];
  };
  return { commitId, entries: entries.map((entry) => ({ ...entry, snapshotId: BigInt(entry.snapshotId) })) };
}
