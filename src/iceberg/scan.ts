import type { LoadedTable } from './catalog/catalog.ts';
import { DeleteIndex } from './delete-index.ts';
import type { DataFile, LiveFile } from './file.ts';
import { ManifestCache } from './manifest-cache.ts';
import { liveFileCount, type ManifestContent, type ManifestFile } from './manifest-list.ts';
import { branchHead, type Snapshot } from './metadata.ts';

/** A data file with the delete files that apply to its rows. */
export interface ScanTask {
  readonly file: LiveFile;
  readonly deletes: readonly LiveFile[];
}

export interface ScanOptions {
  /** Default: the head of main; null is a table without rows. */
  readonly snapshot?: Snapshot | null;
  /** Manifests read before; with it, planning a growing table again reads only what is new. */
  readonly cache?: ManifestCache;
  /** Data files that are of interest; `pruneByKeyBounds` makes such a test. */
  readonly accept?: (file: DataFile) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Plans a scan of a snapshot (specification, "Scan Planning"): every live data file with its deletes. Delete files are
 * held in memory, data files stream by, manifest by manifest.
 */
export async function* planScan(table: LoadedTable, options: ScanOptions = {}): AsyncGenerator<ScanTask> {
  const index = new DeleteIndex(table.metadata);
  for await (const live of liveFiles(table, 'deletes', options)) index.add(live);
  for await (const file of liveFiles(table, 'data', options)) {
    if (options.accept === undefined || options.accept(file.file)) yield { file, deletes: index.find(file) };
  }
}

/** The live data or delete files of a snapshot. */
export async function* liveFiles(
  table: LoadedTable,
  content: ManifestContent,
  options: Omit<ScanOptions, 'accept'> = {},
): AsyncGenerator<LiveFile> {
  const cache = options.cache ?? new ManifestCache(0);
  for (const manifest of await snapshotManifests(table, cache, options)) {
    if (manifest.content !== content || liveFileCount(manifest) === 0) continue;
    const entries = await cache.entries(table.storage, manifest, table.metadata, options.signal);
    for (const entry of entries) if (entry.status !== 'deleted') yield entry;
  }
}

/** Ids of the partition specs under which data files are live: those a delete may have to be written for (rule L-3). */
export async function liveSpecIds(
  table: LoadedTable,
  options: Omit<ScanOptions, 'accept'> = {},
): Promise<Set<number>> {
  const manifests = await snapshotManifests(table, options.cache ?? new ManifestCache(0), options);
  const live = manifests.filter((manifest) => manifest.content === 'data' && liveFileCount(manifest) > 0);
  return new Set(live.map((manifest) => manifest.specId));
}

function snapshotManifests(
  table: LoadedTable,
  cache: ManifestCache,
  { snapshot = branchHead(table.metadata), signal }: ScanOptions,
): Promise<readonly ManifestFile[]> {
  return cache.list(table.storage, snapshot, signal);
}
