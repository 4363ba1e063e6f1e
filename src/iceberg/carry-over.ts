import { ManifestWriter, UNASSIGNED } from './manifest.ts';
import type { ManifestCache } from './manifest-cache.ts';
import { liveFileCount, type ManifestFile } from './manifest-list.ts';
import { mergeOptions, planMerges } from './manifest-merge.ts';
import type { ManifestStore } from './manifest-store.ts';
import { specById, type TableMetadata } from './metadata.ts';
import { ChangeCounts } from './snapshot-summary.ts';
import type { Storage } from './storage.ts';

/** What a commit's attempt works with. */
export interface CommitContext {
  readonly storage: Storage;
  readonly metadata: TableMetadata;
  readonly store: ManifestStore;
  readonly cache: ManifestCache;
  readonly counts: ChangeCounts;
  readonly signal?: AbortSignal;
  /** How many manifests this attempt took out of the parent's list, and how many entries it read for that. */
  readonly work: { replaced: number; entries: number };
}

/** Rewritten manifests by what they were made from: a later attempt with the same parent manifests takes them again. */
export type Rewrites = Map<string, Promise<Rewrite>>;

interface Rewrite {
  readonly manifests: readonly ManifestFile[];
  readonly removed: ChangeCounts;
  readonly entries: number;
}

/**
 * The parent's manifests as the new snapshot holds them: those without live files left out, delete files that reach no
 * data file any more removed, small ones merged.
 */
export async function carryOver(
  parent: readonly ManifestFile[],
  sequenceNumber: bigint,
  rewrites: Rewrites,
  context: CommitContext,
): Promise<ManifestFile[]> {
  const live = parent.filter((manifest) => liveFileCount(manifest) > 0);
  const data = live.filter((manifest) => manifest.content === 'data');
  let minimum = sequenceNumber;
  for (const { minSequenceNumber } of data) if (minSequenceNumber < minimum) minimum = minSequenceNumber;
  const deletes: ManifestFile[] = [];
  for (const manifest of live) {
    if (manifest.content === 'deletes')
      deletes.push(...(await dropDangling(manifest, minimum, rewrites, context)));
  }
  return mergeSmall([...data, ...deletes], rewrites, context);
}

/** The parent's manifests with every live file marked as deleted (rules L-6, L-7). */
export async function removeAll(
  parent: readonly ManifestFile[],
  rewrites: Rewrites,
  context: CommitContext,
): Promise<ManifestFile[]> {
  const result: ManifestFile[] = [];
  for (const manifest of parent) {
    if (liveFileCount(manifest) === 0) continue;
    const key = `remove ${manifest.path}`;
    result.push(
      ...(await rewrite(key, [manifest], () => removeIf(manifest, () => true, context), rewrites, context)),
    );
  }
  return result;
}

/**
 * A delete file whose sequence number lies below that of every live data file reaches nothing any more: no row that it
 * could delete is left, and none can come back.
 */
async function dropDangling(
  manifest: ManifestFile,
  minimum: bigint,
  rewrites: Rewrites,
  context: CommitContext,
): Promise<readonly ManifestFile[]> {
  const { minSequenceNumber } = manifest;
  if (minSequenceNumber === UNASSIGNED || minSequenceNumber === 0n || minSequenceNumber >= minimum)
    return [manifest];
  const entries = await context.cache.entries(context.storage, manifest, context.metadata, context.signal);
  const isDangling = (sequenceNumber: bigint) => sequenceNumber > 0n && sequenceNumber < minimum;
  if (!entries.some((entry) => entry.status !== 'deleted' && isDangling(entry.dataSequenceNumber)))
    return [manifest];
  const key = `drop ${minimum} ${manifest.path}`;
  return rewrite(key, [manifest], () => removeIf(manifest, isDangling, context), rewrites, context);
}

async function mergeSmall(
  manifests: readonly ManifestFile[],
  rewrites: Rewrites,
  context: CommitContext,
): Promise<ManifestFile[]> {
  // A manifest that this attempt wrote keeps its deleted entries: they tell of this snapshot.
  const settled = manifests.filter((manifest) => manifest.sequenceNumber !== UNASSIGNED);
  let result = [...manifests];
  for (const group of planMerges(settled, mergeOptions(context.metadata))) {
    const key = `merge ${group.map((manifest) => manifest.path).join(' ')}`;
    const merged = await rewrite(key, group, () => merge(group, context), rewrites, context);
    const members = new Set(group);
    result = [...merged, ...result.filter((manifest) => !members.has(manifest))];
  }
  return result;
}

async function rewrite(
  key: string,
  sources: readonly ManifestFile[],
  make: () => Promise<Rewrite>,
  rewrites: Rewrites,
  context: CommitContext,
): Promise<readonly ManifestFile[]> {
  let made = rewrites.get(key);
  if (made === undefined) {
    made = make();
    rewrites.set(key, made);
    // What failed is tried again by the next attempt.
    made.catch(() => rewrites.delete(key));
  }
  const { manifests, removed, entries } = await made;
  context.counts.include(removed);
  context.work.replaced += sources.length;
  context.work.entries += entries;
  return manifests;
}

async function removeIf(
  manifest: ManifestFile,
  isRemoved: (dataSequenceNumber: bigint) => boolean,
  context: CommitContext,
): Promise<Rewrite> {
  const { storage, metadata, cache, store, signal } = context;
  const spec = specById(metadata, manifest.specId);
  const writer = new ManifestWriter(metadata, spec, manifest.content, store.snapshotId);
  const removed = new ChangeCounts();
  let entries = 0;
  for (const entry of await cache.entries(storage, manifest, metadata, signal)) {
    entries++;
    if (entry.status === 'deleted') continue;
    if (isRemoved(entry.dataSequenceNumber)) {
      writer.delete(entry);
      removed.remove(entry.file);
    } else {
      writer.keep(entry);
    }
  }
  const manifests = writer.fileCount === 0 ? [] : [await store.publish(storage, metadata, writer, signal)];
  return { manifests, removed, entries };
}

async function merge(group: readonly ManifestFile[], context: CommitContext): Promise<Rewrite> {
  const { storage, metadata, cache, store, signal } = context;
  const lists = await Promise.all(
    group.map((manifest) => cache.entries(storage, manifest, metadata, signal)),
  );
  const live = lists.flat().filter((entry) => entry.status !== 'deleted');
  const [{ specId, content }] = group;
  const manifests = await store.write(storage, metadata, specId, content, live, 'keep', signal);
  // The next tier's merge takes them from here.
  let at = 0;
  for (const { path, existingFiles } of manifests) {
    const kept = live.slice(at, (at += existingFiles));
    cache.rememberEntries(
      path,
      kept.map((entry) => ({ ...entry, status: 'existing' })),
    );
  }
  return {
    manifests,
    removed: new ChangeCounts(),
    entries: lists.reduce((sum, list) => sum + list.length, 0),
  };
}
