import type { DataFile } from './file.ts';
import { type ManifestEntry, readManifest } from './manifest.ts';
import { type ManifestFile, readManifestList } from './manifest-list.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import type { Storage } from './storage.ts';

/**
 * Manifest lists and manifests that were read or written lately. Such files never change, so their path is the key; a
 * growing table's next plan or commit then reads only what is new. Bounded by an estimate of the bytes held.
 */
export class ManifestCache {
  readonly #bytesMax: number;
  readonly #items = new Map<string, Item>();
  #bytes = 0;

  constructor(bytesMax = 32 * 1024 * 1024) {
    this.#bytesMax = bytesMax;
  }

  /** The manifests of a snapshot; of none, no manifests. */
  async list(
    storage: Storage,
    snapshot: Snapshot | null,
    signal?: AbortSignal,
  ): Promise<readonly ManifestFile[]> {
    if (snapshot === null) return [];
    const path = snapshot['manifest-list'];
    const cached = this.#touch(path);
    if (cached !== null) return cached as readonly ManifestFile[];
    const manifests = readManifestList(await storage.read(path, signal), path);
    this.rememberList(path, manifests);
    return manifests;
  }

  /** All entries of a manifest, the deleted ones too. Meant for manifests of ordinary size: they are held in memory. */
  async entries(
    storage: Storage,
    manifest: ManifestFile,
    metadata: TableMetadata,
    signal?: AbortSignal,
  ): Promise<readonly ManifestEntry[]> {
    const cached = this.#touch(manifest.path);
    if (cached !== null) return cached as readonly ManifestEntry[];
    const bytes = await storage.read(manifest.path, signal);
    const entries = Array.from(readManifest(bytes, manifest, metadata));
    this.rememberEntries(manifest.path, entries);
    return entries;
  }

  rememberList(path: string, manifests: readonly ManifestFile[]): void {
    this.#put(path, manifests, manifests.length * MANIFEST_BYTES);
  }

  rememberEntries(path: string, entries: readonly ManifestEntry[]): void {
    let bytes = 0;
    for (const entry of entries) bytes += fileBytes(entry.file);
    this.#put(path, entries, bytes);
  }

  #touch(path: string): Item['value'] | null {
    const item = this.#items.get(path);
    if (item === undefined) return null;
    this.#items.delete(path);
    this.#items.set(path, item);
    return item.value;
  }

  #put(path: string, value: Item['value'], bytes: number): void {
    this.#bytes += bytes - (this.#items.get(path)?.bytes ?? 0);
    this.#items.delete(path);
    this.#items.set(path, { value, bytes });
    for (const [oldest, item] of this.#items) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#items.delete(oldest);
      this.#bytes -= item.bytes;
    }
  }
}

interface Item {
  readonly value: readonly ManifestFile[] | readonly ManifestEntry[];
  readonly bytes: number;
}

// Rough sizes of the objects on the heap: what matters is that the bound grows with what is held.
const MANIFEST_BYTES = 500;
const ENTRY_BYTES = 600;
const PAIR_BYTES = 60;

function fileBytes({ metrics, path }: DataFile): number {
  const pairs =
    metrics.columnSizes.size +
    metrics.valueCounts.size +
    metrics.nullValueCounts.size +
    metrics.nanValueCounts.size +
    2 * (metrics.lowerBounds.size + metrics.upperBounds.size);
  return ENTRY_BYTES + path.length + pairs * PAIR_BYTES;
}
