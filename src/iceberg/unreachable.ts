import { IcestreamError } from '../base/errors.ts';
import type { LoadedTable } from './catalog/catalog.ts';
import type { ManifestCache } from './manifest-cache.ts';
import type { ManifestFile } from './manifest-list.ts';
import { ancestors, branchHead, type Snapshot, type TableMetadata } from './metadata.ts';

/**
 * Removes the files that only expired snapshots held: their manifest lists, manifests that no remaining snapshot has, and
 * data files that were removed from the table in between. `before` is the metadata that still has the expired snapshots,
 * `table` the one after the commit. Files of remaining snapshots are never touched; a file may be left behind if this is
 * cut short, for its list is then gone from the metadata.
 */
export async function removeUnreachable(
  table: LoadedTable,
  before: TableMetadata,
  expired: readonly Snapshot[],
  cache: ManifestCache,
  signal?: AbortSignal,
): Promise<void> {
  const remaining = new Map(table.metadata.snapshots?.map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const gone = expired.filter((snapshot) => !remaining.has(snapshot['snapshot-id']));
  if (gone.length === 0 || table.metadata.properties?.['gc.enabled'] === 'false') return;
  const reader = { table, before, cache, signal };
  for (const run of splitRuns(before, table.metadata, gone)) await removeRun(run, reader);
  await table.storage.remove(statisticsPaths(before, table.metadata, gone), signal);
}

interface Reader {
  readonly table: LoadedTable;
  readonly before: TableMetadata;
  readonly cache: ManifestCache;
  readonly signal?: AbortSignal;
}

/** Expired snapshots and the remaining ones that decide about their files. */
interface Run {
  /** Oldest first. */
  readonly expired: readonly Snapshot[];
  readonly neighbours: readonly Snapshot[];
  /** The snapshot after the run, where history is one line. */
  readonly next: Snapshot | null;
}

/**
 * Where history is one line, a file is in the table from one snapshot to another without a gap: what neither the
 * remaining snapshot before an expired one nor the one after it has, none has. Otherwise (branches, rollbacks, holes) all
 * remaining snapshots are asked.
 */
function splitRuns(before: TableMetadata, after: TableMetadata, expired: readonly Snapshot[]): Run[] {
  const all = new Map<bigint, Snapshot>();
  for (const snapshot of [...(before.snapshots ?? []), ...(after.snapshots ?? [])]) {
    all.set(snapshot['snapshot-id'], snapshot);
  }
  const line = [...ancestors({ ...after, snapshots: [...all.values()] }, branchHead(after))].reverse();
  if (line.length !== all.size) return [{ expired, neighbours: after.snapshots ?? [], next: null }];
  const isExpired = new Set(expired.map((snapshot) => snapshot['snapshot-id']));
  const runs: Run[] = [];
  for (let i = 0; i < line.length; i++) {
    if (!isExpired.has(line[i]['snapshot-id'])) continue;
    const start = i;
    while (isExpired.has(line[i]['snapshot-id'])) i++;
    // The head of main remains, so there is always one after the run.
    const neighbours = start === 0 ? [line[i]] : [line[start - 1], line[i]];
    runs.push({ expired: line.slice(start, i), neighbours, next: line[i] });
  }
  return runs;
}

async function removeRun(run: Run, reader: Reader): Promise<void> {
  const { storage } = reader.table;
  const lists = (await Promise.all(run.expired.map((snapshot) => listIfThere(snapshot, reader)))).filter(
    (list) => list !== null,
  );
  const kept = await Promise.all(
    run.neighbours.map((snapshot) => reader.cache.list(storage, snapshot, reader.signal)),
  );
  const keptPaths = new Set(kept.flat().map((manifest) => manifest.path));
  const unique = new Map<string, ManifestFile>();
  for (const manifest of lists.flat()) {
    if (!keptPaths.has(manifest.path)) unique.set(manifest.path, manifest);
  }
  if (unique.size > 0 && removedFiles(run, lists, kept)) {
    await removeDataFiles([...unique.values()], lists, kept, reader);
  }
  await storage.remove([...unique.keys()], reader.signal);
  await storage.remove(
    run.expired.map((snapshot) => snapshot['manifest-list']),
    reader.signal,
  );
}

async function listIfThere(snapshot: Snapshot, reader: Reader): Promise<readonly ManifestFile[] | null> {
  try {
    return await reader.cache.list(reader.table.storage, snapshot, reader.signal);
  } catch (error) {
    // Somebody else has cleaned it up.
    if (error instanceof IcestreamError && error.code === 'storage.not-found') return null;
    throw error;
  }
}

/**
 * Whether any data or delete file left the table within the run. On one line each removal stands as a deleted entry in a
 * manifest of the snapshot that removed it; where there is none, all files are still in use and no manifest is read.
 */
function removedFiles(
  run: Run,
  lists: readonly (readonly ManifestFile[])[],
  kept: readonly (readonly ManifestFile[])[],
): boolean {
  if (run.next === null) return true;
  const oldest = run.expired[0]['snapshot-id'];
  const within = new Set([...run.expired, run.next].map((snapshot) => snapshot['snapshot-id']));
  within.delete(oldest);
  return [...lists, ...kept]
    .flat()
    .some((manifest) => manifest.deletedFiles !== 0 && within.has(manifest.addedSnapshotId));
}

/** Paths looked at together: bounds the memory where a large table was replaced. */
const PATHS_AT_ONCE = 50_000;

async function removeDataFiles(
  unique: readonly ManifestFile[],
  lists: readonly (readonly ManifestFile[])[],
  kept: readonly (readonly ManifestFile[])[],
  reader: Reader,
): Promise<void> {
  // A manifest that all the expired snapshots share cannot hold a file that one of them has in another manifest.
  const inEvery = (path: string) => lists.every((list) => list.some((manifest) => manifest.path === path));
  const asked = new Map(
    kept
      .flat()
      .filter((manifest) => !inEvery(manifest.path))
      .map((manifest) => [manifest.path, manifest]),
  );
  for (const group of inGroups(unique)) {
    const candidates = new Set<string>();
    for (const manifest of group) {
      for (const path of await livePaths(manifest, reader)) candidates.add(path);
    }
    for (const manifest of asked.values()) {
      if (candidates.size === 0) break;
      for (const path of await livePaths(manifest, reader)) candidates.delete(path);
    }
    await reader.table.storage.remove([...candidates], reader.signal);
  }
}

function* inGroups(manifests: readonly ManifestFile[]): Generator<readonly ManifestFile[]> {
  let group: ManifestFile[] = [];
  let paths = 0;
  for (const manifest of manifests) {
    group.push(manifest);
    paths += Math.abs(manifest.addedFiles) + Math.abs(manifest.existingFiles);
    if (paths < PATHS_AT_ONCE) continue;
    yield group;
    group = [];
    paths = 0;
  }
  if (group.length > 0) yield group;
}

async function livePaths(
  manifest: ManifestFile,
  { table, before, cache, signal }: Reader,
): Promise<string[]> {
  // The metadata before the commit has every spec that an expired manifest can name; a kept one may be newer.
  const isKnown = before['partition-specs'].some((spec) => spec['spec-id'] === manifest.specId);
  const entries = await cache.entries(table.storage, manifest, isKnown ? before : table.metadata, signal);
  return entries.filter((entry) => entry.status !== 'deleted').map((entry) => entry.file.path);
}

function statisticsPaths(before: TableMetadata, after: TableMetadata, gone: readonly Snapshot[]): string[] {
  const ids = new Set(gone.map((snapshot) => snapshot['snapshot-id']));
  const files = (metadata: TableMetadata) => [
    ...(metadata.statistics ?? []),
    ...(metadata['partition-statistics'] ?? []),
  ];
  const used = new Set(files(after).map((file) => file['statistics-path']));
  return files(before)
    .filter((file) => ids.has(file['snapshot-id']) && !used.has(file['statistics-path']))
    .map((file) => file['statistics-path']);
}
