import type { DataFile } from './file.ts';
import type { Snapshot } from './metadata.ts';
import { partitionKey } from './partition.ts';

/** Counts what a snapshot adds and removes, for its summary (specification, "Optional Snapshot Summary Fields"). */
export class ChangeCounts {
  readonly #counts = new Map<string, bigint>();
  readonly #partitions = new Set<string>();

  add(file: DataFile): void {
    this.#count(file, 'added', 'added');
  }

  remove(file: DataFile): void {
    this.#count(file, 'deleted', 'removed');
  }

  /** Counts what another has counted, too. */
  include(other: ChangeCounts): void {
    for (const [key, amount] of other.#counts) this.#sum(key, amount);
    for (const partition of other.#partitions) this.#partitions.add(partition);
  }

  /** What the snapshot did, in the words of a row delta. */
  get operation(): 'append' | 'overwrite' | 'delete' {
    const addsData = this.#counts.has('added-data-files');
    const removesRows =
      this.#counts.has('added-delete-files') ||
      this.#counts.has('deleted-data-files') ||
      this.#counts.has('removed-delete-files');
    if (addsData) return removesRows ? 'overwrite' : 'append';
    return removesRows ? 'delete' : 'append';
  }

  /**
   * The metrics of the summary. Totals go on from the parent's; one that the parent lacks or that makes no sense is left
   * out, for a wrong total is worse than none.
   */
  summary(parent: Snapshot | null): Record<string, string> {
    const summary: Record<string, string> = {};
    for (const [key, count] of this.#counts) if (count > 0n) summary[key] = String(count);
    summary['changed-partition-count'] = String(this.#partitions.size);
    for (const { total, added, removed } of TOTALS) {
      const before = parent === null ? 0n : parseCount(parent.summary?.[total]);
      if (before === null) continue;
      const after = before + (this.#counts.get(added) ?? 0n) - (this.#counts.get(removed) ?? 0n);
      if (after >= 0n) summary[total] = String(after);
    }
    return summary;
  }

  #count(file: DataFile, dataVerb: 'added' | 'deleted', verb: 'added' | 'removed'): void {
    this.#partitions.add(partitionKey(file.specId, file.partition));
    this.#sum(`${verb}-files-size`, file.fileSizeBytes);
    switch (file.content) {
      case 'data':
        this.#sum(`${dataVerb}-data-files`, 1n);
        this.#sum(`${dataVerb}-records`, file.recordCount);
        return;
      case 'equality-deletes':
        this.#sum(`${verb}-delete-files`, 1n);
        this.#sum(`${verb}-equality-delete-files`, 1n);
        this.#sum(`${verb}-equality-deletes`, file.recordCount);
        return;
      case 'position-deletes':
        this.#sum(`${verb}-delete-files`, 1n);
        this.#sum(`${verb}-position-delete-files`, 1n);
        this.#sum(`${verb}-position-deletes`, file.recordCount);
    }
  }

  #sum(key: string, amount: bigint): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0n) + amount);
  }
}

const TOTALS = [
  { total: 'total-records', added: 'added-records', removed: 'deleted-records' },
  { total: 'total-files-size', added: 'added-files-size', removed: 'removed-files-size' },
  { total: 'total-data-files', added: 'added-data-files', removed: 'deleted-data-files' },
  { total: 'total-delete-files', added: 'added-delete-files', removed: 'removed-delete-files' },
  { total: 'total-position-deletes', added: 'added-position-deletes', removed: 'removed-position-deletes' },
  { total: 'total-equality-deletes', added: 'added-equality-deletes', removed: 'removed-equality-deletes' },
] as const;

function parseCount(text: string | undefined): bigint | null {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : null;
}
