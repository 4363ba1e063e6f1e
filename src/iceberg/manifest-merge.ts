import { liveFileCount, type ManifestFile } from './manifest-list.ts';
import { intProperty, type TableMetadata } from './metadata.ts';

export interface MergeOptions {
  readonly enabled: boolean;
  /** So many manifests of about one size are merged into one. */
  readonly minCount: number;
  readonly targetBytes: number;
}

/** Ours where the table does not say: fewer manifests than the reference's 100, for readers open every one of them. */
const MIN_COUNT = 16;
const TARGET_BYTES = 8 * 1024 * 1024;

export function mergeOptions(metadata: TableMetadata): MergeOptions {
  return {
    enabled: metadata.properties?.['commit.manifest-merge.enabled'] !== 'false',
    minCount: Math.max(2, intProperty(metadata, 'commit.manifest.min-count-to-merge', MIN_COUNT)),
    targetBytes: Math.max(1, intProperty(metadata, 'commit.manifest.target-size-bytes', TARGET_BYTES)),
  };
}

/**
 * Chooses manifests to merge: at most one group for each spec and content, so that a commit's work stays bounded.
 * Manifests are merged with those that hold about as many files, as a log-structured merge tree does: a file's entry is
 * rewritten only as often as the logarithm of the table's file count, and commits do not slow down with age (rule L-11).
 */
export function planMerges(
  manifests: readonly ManifestFile[],
  options: MergeOptions,
): readonly (readonly ManifestFile[])[] {
  if (!options.enabled) return [];
  const tiers = new Map<string, Map<number, ManifestFile[]>>();
  for (const manifest of manifests) {
    // Merging what is half full already would rewrite it again and again for little.
    if (Number(manifest.length) >= options.targetBytes / 2) continue;
    const group = `${manifest.content} ${manifest.specId}`;
    const byTier = tiers.get(group) ?? new Map<number, ManifestFile[]>();
    tiers.set(group, byTier);
    const tier = Math.floor(Math.log(Math.max(1, liveFileCount(manifest))) / Math.log(options.minCount));
    byTier.set(tier, [...(byTier.get(tier) ?? []), manifest]);
  }
  return [...tiers.values()].flatMap((byTier) => {
    const full = [...byTier].filter(([, members]) => members.length >= options.minCount);
    const lowest = full.sort(([a], [b]) => a - b)[0];
    const group = lowest === undefined ? [] : withinTarget(lowest[1], options.targetBytes);
    return group.length < 2 ? [] : [group];
  });
}

/** The oldest members whose sizes together stay within the target; a manifest list has the newest first. */
function withinTarget(members: readonly ManifestFile[], targetBytes: number): readonly ManifestFile[] {
  let bytes = 0;
  let first = members.length;
  while (first > 0 && bytes + Number(members[first - 1].length) <= targetBytes) {
    bytes += Number(members[--first].length);
  }
  return members.slice(first);
}
