import { randomUUID } from 'node:crypto';
import { metadataPath } from './create.ts';
import type { DataFile } from './file.ts';
import { ManifestWriter } from './manifest.ts';
import type { ManifestContent, ManifestFile } from './manifest-list.ts';
import { intProperty, specById, type TableMetadata } from './metadata.ts';
import type { Storage } from './storage.ts';

/** A manifest of new files, and these files in its order. */
export interface AddedManifest {
  readonly manifest: ManifestFile;
  readonly files: readonly DataFile[];
}

/** Names and writes the metadata files of one commit, and remembers them: what stays unused is removed afterwards. */
export class ManifestStore {
  readonly snapshotId: bigint;
  readonly #uuid = randomUUID();
  readonly #paths = new Set<string>();
  #manifestCount = 0;
  #listCount = 0;

  constructor(snapshotId: bigint) {
    this.snapshotId = snapshotId;
  }

  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /** New manifests for new files: one per content and spec, or more where the target size asks for it. */
  async writeAdded(
    storage: Storage,
    metadata: TableMetadata,
    files: readonly DataFile[],
    signal?: AbortSignal,
  ): Promise<AddedManifest[]> {
    const groups = new Map<string, DataFile[]>();
    for (const file of files) {
      const key = `${contentOf(file)} ${file.specId}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [file]);
      else group.push(file);
    }
    const writes = Array.from(groups.values(), async (group) => {
      const [{ specId }] = group;
      const manifests = await this.write(
        storage,
        metadata,
        specId,
        contentOf(group[0]),
        group,
        'add',
        signal,
      );
      let at = 0;
      return manifests.map((manifest) => ({ manifest, files: group.slice(at, (at += manifest.addedFiles)) }));
    });
    return (await Promise.all(writes)).flat();
  }

  /** Manifests of one content and spec from files (or live files) which the method `how` of the writer takes. */
  async write<H extends 'add' | 'keep' | 'delete'>(
    storage: Storage,
    metadata: TableMetadata,
    specId: number,
    content: ManifestContent,
    files: Iterable<Parameters<ManifestWriter[H]>[0]>,
    how: H,
    signal?: AbortSignal,
  ): Promise<ManifestFile[]> {
    const target = intProperty(metadata, 'commit.manifest.target-size-bytes', 8 * 1024 * 1024);
    const spec = specById(metadata, specId);
    const written: ManifestFile[] = [];
    let writer: ManifestWriter | null = null;
    for (const file of files) {
      writer ??= new ManifestWriter(metadata, spec, content, this.snapshotId);
      (writer[how] as (file: unknown) => void).call(writer, file);
      if (writer.size < target) continue;
      written.push(await this.publish(storage, metadata, writer, signal));
      writer = null;
    }
    if (writer !== null) written.push(await this.publish(storage, metadata, writer, signal));
    return written;
  }

  async publish(
    storage: Storage,
    metadata: TableMetadata,
    writer: ManifestWriter,
    signal?: AbortSignal,
  ): Promise<ManifestFile> {
    const path = this.#name(metadata, `${this.#uuid}-m${this.#manifestCount++}.avro`);
    const { bytes, manifest } = writer.finish(path);
    await storage.write(path, bytes, { signal });
    return manifest;
  }

  /** A name for the next attempt's manifest list. */
  listPath(metadata: TableMetadata): string {
    return this.#name(metadata, `snap-${this.snapshotId}-${++this.#listCount}-${this.#uuid}.avro`);
  }

  /** Removes what was written, but not what `used` names. */
  async remove(storage: Storage, used: ReadonlySet<string>, signal?: AbortSignal): Promise<void> {
    const unused = this.paths.filter((path) => !used.has(path));
    if (unused.length > 0) await storage.remove(unused, signal);
    for (const path of unused) this.#paths.delete(path);
  }

  /** Remembered before the write: a file whose write failed half-way may be there all the same. */
  #name(metadata: TableMetadata, name: string): string {
    const path = metadataPath(metadata, name);
    this.#paths.add(path);
    return path;
  }
}

function contentOf(file: DataFile): ManifestContent {
  return file.content === 'data' ? 'data' : 'deletes';
}
