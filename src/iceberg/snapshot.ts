import { randomBytes } from 'node:crypto';
import { IcestreamError, invariant } from '../base/errors.ts';
import { applyUpdates } from './apply.ts';
import { type CommitContext, carryOver, type Rewrites, removeAll } from './carry-over.ts';
import type { LoadedTable, TableCommit } from './catalog/catalog.ts';
import { type ExpireOptions, expireSnapshots } from './expire.ts';
import type { DataFile } from './file.ts';
import { UNASSIGNED } from './manifest.ts';
import { ManifestCache } from './manifest-cache.ts';
import { type ManifestFile, printManifestList } from './manifest-list.ts';
import { type AddedManifest, ManifestStore } from './manifest-store.ts';
import {
  assertWritable,
  branchHead,
  MAIN_BRANCH,
  type Snapshot,
  snapshotById,
  specById,
  type TableMetadata,
} from './metadata.ts';
import { checkRequirements } from './requirement.ts';
import { ChangeCounts } from './snapshot-summary.ts';
import { removeUnreachable } from './unreachable.ts';
import type { TableRequirement, TableUpdate } from './update.ts';

export interface SnapshotChange {
  readonly dataFiles: readonly DataFile[];
  readonly deleteFiles: readonly DataFile[];
  /** Removes every live file of the parent; the new files are then the whole table (rules L-6, L-7). */
  readonly replaceAll?: boolean;
  /** Keys of our own for the snapshot summary; the operation and the counts are added. */
  readonly summary: Readonly<Record<string, string>>;
  /** Table properties set in the same commit. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Updates that come first, such as a new schema; the files are written with it. */
  readonly extraUpdates?: readonly TableUpdate[];
  /**
   * What must hold besides the table's identity and the branch's head. Files written for one schema want
   * `assert-current-schema-id` here: a change of schema by another is no conflict in itself.
   */
  readonly extraRequirements?: readonly TableRequirement[];
  readonly branch?: string;
  /** Snapshots to expire in the same commit. */
  readonly expire?: ExpireOptions;
}

/**
 * Writes the manifests of the new files, once, and chooses the snapshot id. Nothing is visible yet; each `attempt` then
 * costs a manifest list only.
 */
export async function prepareSnapshot(
  table: LoadedTable,
  change: SnapshotChange,
  options: { cache?: ManifestCache; signal?: AbortSignal } = {},
): Promise<PreparedSnapshot> {
  const metadata = applyUpdates(table.metadata, change.extraUpdates ?? []);
  assertWritable(metadata);
  const store = new ManifestStore(newSnapshotId(metadata));
  try {
    const files = [...change.dataFiles, ...change.deleteFiles];
    const added = await store.writeAdded(table.storage, metadata, files, options.signal);
    return new PreparedSnapshot(table, change, store, added, options.cache ?? new ManifestCache());
  } catch (error) {
    await store.remove(table.storage, new Set());
    throw error;
  }
}

/** A random positive 63-bit number that no snapshot of the table has. */
export function newSnapshotId(metadata: TableMetadata): bigint {
  for (;;) {
    const id = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
    if (id !== 0n && snapshotById(metadata, id) === null) return id;
  }
}

/** A snapshot ready to be committed, again and again until it succeeds. Made by `prepareSnapshot`. */
export class PreparedSnapshot {
  readonly snapshotId: bigint;
  readonly #uuid: string;
  readonly #change: SnapshotChange;
  readonly #store: ManifestStore;
  readonly #added: readonly AddedManifest[];
  readonly #cache: ManifestCache;
  readonly #rewrites: Rewrites = new Map();
  readonly #branch: string;
  #storage: LoadedTable['storage'];
  /** The table as the latest attempt saw it, and the snapshots which that attempt expires. */
  #base: TableMetadata;
  #expired: readonly Snapshot[] = [];

  constructor(
    table: LoadedTable,
    change: SnapshotChange,
    store: ManifestStore,
    added: readonly AddedManifest[],
    cache: ManifestCache,
  ) {
    this.snapshotId = store.snapshotId;
    this.#uuid = table.metadata['table-uuid'];
    this.#change = change;
    this.#store = store;
    this.#added = added;
    this.#cache = cache;
    this.#branch = change.branch ?? MAIN_BRANCH;
    this.#storage = table.storage;
    this.#base = table.metadata;
  }

  /** Manifests and manifest lists written so far; for the commit intent that is written ahead. */
  get writtenPaths(): readonly string[] {
    return this.#store.paths;
  }

  /**
   * The commit on top of the table as it is now. After a conflict, call it again with the table reloaded.
   * iceberg.table-replaced when it is another table; iceberg.commit-conflict when an extra requirement does not hold any
   * more, which no further attempt can mend: prepare anew.
   */
  async attempt(table: LoadedTable, signal?: AbortSignal): Promise<TableCommit> {
    this.#assertSameTable(table.metadata);
    const { extraRequirements = [], extraUpdates = [], properties, expire } = this.#change;
    checkRequirements(table.metadata, extraRequirements);
    this.#base = table.metadata;
    this.#storage = table.storage;
    const metadata = applyUpdates(table.metadata, extraUpdates);
    assertWritable(metadata);
    const branchSnapshot = branchHead(table.metadata, this.#branch);
    // A new branch begins where main stands, as with the reference implementation.
    const parent = branchSnapshot ?? branchHead(table.metadata);
    const snapshot = await this.#makeSnapshot(table, metadata, parent, signal);
    const updates: TableUpdate[] = [
      ...extraUpdates,
      { action: 'add-snapshot', snapshot },
      this.#moveBranch(table.metadata),
    ];
    if (properties !== undefined && Object.keys(properties).length > 0) {
      updates.push({ action: 'set-properties', updates: properties });
    }
    if (expire !== undefined) {
      const expiry = expireSnapshots(applyUpdates(table.metadata, updates), expire);
      updates.push(...expiry.updates);
      this.#expired = expiry.expired;
    }
    const requirements: TableRequirement[] = [
      { type: 'assert-table-uuid', uuid: this.#uuid },
      {
        type: 'assert-ref-snapshot-id',
        ref: this.#branch,
        'snapshot-id': branchSnapshot?.['snapshot-id'] ?? null,
      },
      ...extraRequirements,
    ];
    return { ident: table.ident, requirements, updates };
  }

  /**
   * After the commit: removes what earlier attempts left behind and the files that expired snapshots alone held. A
   * failure leaves unused files, never a table without its own; the commit stands in any case.
   */
  async settle(committed: LoadedTable, signal?: AbortSignal): Promise<void> {
    const snapshot = snapshotById(committed.metadata, this.snapshotId);
    invariant(snapshot !== null, 'settle wants the table that holds the snapshot', {
      snapshotId: String(this.snapshotId),
    });
    const manifests = await this.#cache.list(committed.storage, snapshot, signal);
    const used = new Set([snapshot['manifest-list'], ...manifests.map((manifest) => manifest.path)]);
    this.#rememberAdded(committed.metadata, snapshot['sequence-number']);
    await this.#store.remove(committed.storage, used, signal);
    await removeUnreachable(committed, this.#base, this.#expired, this.#cache, signal);
  }

  /** Removes what an abandoned preparation wrote. Only when it is certain that it was not committed. */
  async cleanUp(signal?: AbortSignal): Promise<void> {
    await this.#store.remove(this.#storage, new Set(), signal);
    this.#rewrites.clear();
  }

  async #makeSnapshot(
    table: LoadedTable,
    metadata: TableMetadata,
    parent: Snapshot | null,
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    const { storage } = table;
    const counts = new ChangeCounts();
    const work = { replaced: 0, entries: 0 };
    const context: CommitContext = {
      storage,
      metadata,
      counts,
      work,
      store: this.#store,
      cache: this.#cache,
      signal,
    };
    for (const file of this.#change.dataFiles) counts.add(file);
    for (const file of this.#change.deleteFiles) counts.add(file);
    const sequenceNumber = metadata['last-sequence-number'] + 1n;
    const before = await this.#cache.list(storage, parent, signal);
    const carried = this.#change.replaceAll
      ? await removeAll(before, this.#rewrites, context)
      : await carryOver(before, sequenceNumber, this.#rewrites, context);
    const manifests = arrange([...this.#added.map((each) => each.manifest), ...carried], sequenceNumber);
    const created = manifests.filter((manifest) => manifest.addedSnapshotId === this.snapshotId).length;
    const snapshot: Snapshot = {
      'snapshot-id': this.snapshotId,
      ...(parent === null ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
      'sequence-number': sequenceNumber,
      // Snapshots are read in the order of their times: a clock that was set back must not disturb it.
      'timestamp-ms': latest(BigInt(Date.now()), metadata['last-updated-ms']),
      'manifest-list': this.#store.listPath(metadata),
      summary: {
        operation: counts.operation,
        ...this.#change.summary,
        ...counts.summary(parent),
        'manifests-created': String(created),
        'manifests-kept': String(manifests.length - created),
        'manifests-replaced': String(work.replaced),
        'entries-processed': String(work.entries),
      },
      'schema-id': metadata['current-schema-id'],
    };
    await storage.write(snapshot['manifest-list'], printManifestList(snapshot, manifests), { signal });
    this.#cache.rememberList(snapshot['manifest-list'], manifests);
    return snapshot;
  }

  /** The merge of these manifests some commits later, and the next plan, need not read what we just wrote. */
  #rememberAdded(metadata: TableMetadata, sequenceNumber: bigint): void {
    for (const { manifest, files } of this.#added) {
      const spec = specById(metadata, manifest.specId);
      const entries = files.map((file) => ({
        status: 'added' as const,
        file,
        spec,
        snapshotId: this.snapshotId,
        dataSequenceNumber: sequenceNumber,
        fileSequenceNumber: sequenceNumber,
      }));
      this.#cache.rememberEntries(manifest.path, entries);
    }
  }

  /** The branch keeps its retention settings. */
  #moveBranch(metadata: TableMetadata): TableUpdate {
    const ref = metadata.refs?.[this.#branch];
    if (ref !== undefined && ref.type !== 'branch') {
      throw new IcestreamError('config.invalid', `${this.#branch} is a tag, not a branch`, {
        context: { location: metadata.location, ref: this.#branch },
      });
    }
    return {
      action: 'set-snapshot-ref',
      'ref-name': this.#branch,
      ...ref,
      type: 'branch',
      'snapshot-id': this.snapshotId,
    };
  }

  #assertSameTable(metadata: TableMetadata): void {
    if (metadata['table-uuid'] === this.#uuid) return;
    throw new IcestreamError('iceberg.table-replaced', 'the table was dropped and created again', {
      context: { location: metadata.location },
    });
  }
}

/** Data before deletes, each with the newest first; what this commit wrote gets its sequence number. */
function arrange(manifests: readonly ManifestFile[], sequenceNumber: bigint): ManifestFile[] {
  const numbered = manifests.map((manifest) => {
    if (manifest.sequenceNumber !== UNASSIGNED) return manifest;
    const least = manifest.minSequenceNumber === UNASSIGNED ? sequenceNumber : manifest.minSequenceNumber;
    return { ...manifest, sequenceNumber, minSequenceNumber: least };
  });
  return [
    ...numbered.filter((manifest) => manifest.content === 'data'),
    ...numbered.filter((manifest) => manifest.content === 'deletes'),
  ];
}

function latest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
