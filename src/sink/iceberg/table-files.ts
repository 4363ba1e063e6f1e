import type { DataFile, PartitionValue } from '../../iceberg/file.ts';
import { specById } from '../../iceberg/metadata.ts';
import { liveSpecIds } from '../../iceberg/scan.ts';
import type { PartitionSpec } from '../../iceberg/schema.ts';
import { type FileOptions, FileWriter, type Images } from './file-writer.ts';
import { ImageList } from './image-list.ts';
import { keyFieldsOf, type LookupContext, lookupKeys, type WantedKey } from './lake-lookup.ts';
import { defaultSpec, type LakeTable } from './lake-table.ts';
import { PartitionReader } from './partition-reader.ts';

interface PartitionImages {
  readonly spec: PartitionSpec;
  readonly partition: readonly PartitionValue[];
  readonly list: ImageList;
}

/**
 * The files that one commit adds to a table. Of an unpartitioned table one file of each content stays open from write to
 * write; otherwise partitions are written one after the other, so that memory holds one open file however many there are.
 */
export class TableFiles {
  readonly dataFiles: DataFile[] = [];
  readonly deleteFiles: DataFile[] = [];
  readonly #table: LakeTable;
  readonly #options: FileOptions;
  readonly #lookup: LookupContext;
  readonly #open = new Map<DataFile[], FileWriter>();

  constructor(table: LakeTable, options: FileOptions, lookup: LookupContext) {
    this.#table = table;
    this.#options = options;
    this.#lookup = lookup;
  }

  /** Writes rows, under the table's default spec. */
  async writeData(images: Images): Promise<void> {
    const spec = defaultSpec(this.#table.loaded!);
    await this.#write(this.dataFiles, null, byPartition(this.#table, spec, images), images);
  }

  /**
   * Writes equality deletes for the keys in the images, each under the spec and partition of the row that it is to reach
   * (L-3): from the key where that has the partition's columns, else from where the lake has the row. A row that the
   * lake does not have needs no delete.
   */
  async writeDeletes(images: Images): Promise<void> {
    if (images.list.count === 0) return;
    const loaded = this.#table.loaded!;
    const { manifests, signal } = this.#lookup;
    const live = await liveSpecIds(loaded, { cache: manifests, signal });
    const specs = [...live].map((id) => specById(loaded.metadata, id));
    const keyIds = keyFieldsOf(this.#table).map((field) => field.id);
    const isKnown = specs.every((spec) => spec.fields.every((field) => keyIds.includes(field['source-id'])));
    const groups: PartitionImages[] = [];
    if (isKnown) for (const spec of specs) groups.push(...byPartition(this.#table, spec, images));
    else groups.push(...(await byLakePartition(this.#table, images, this.#lookup)));
    await this.#write(this.deleteFiles, keyIds, groups, images);
  }

  async close(): Promise<void> {
    for (const [files, writer] of this.#open) files.push(...(await writer.close()));
    this.#open.clear();
  }

  /** Removes everything that was written. */
  async abort(): Promise<void> {
    for (const [files, writer] of this.#open) files.push(...(await writer.abort()));
    this.#open.clear();
    await this.#table.loaded?.storage.remove(
      [...this.dataFiles, ...this.deleteFiles].map((file) => file.path),
    );
  }

  async #write(
    files: DataFile[],
    equalityIds: readonly number[] | null,
    groups: Iterable<PartitionImages>,
    images: Images,
  ): Promise<void> {
    for (const { spec, partition, list } of groups) {
      const writer = this.#open.get(files) ?? this.#writer(equalityIds, spec, partition);
      this.#open.set(files, writer);
      await writer.write({ ...images, list });
      if (spec.fields.length === 0 && spec === defaultSpec(this.#table.loaded!)) continue;
      this.#open.delete(files);
      files.push(...(await writer.close()));
    }
  }

  #writer(
    equalityIds: readonly number[] | null,
    spec: PartitionSpec,
    partition: readonly PartitionValue[],
  ): FileWriter {
    return new FileWriter(
      this.#table.loaded!,
      this.#table.latest!,
      equalityIds,
      spec,
      partition,
      this.#options,
    );
  }
}

/** A file that takes rows as they come; the table is unpartitioned. */
export function openDataWriter(table: LakeTable, options: FileOptions): FileWriter {
  return new FileWriter(table.loaded!, table.latest!, null, defaultSpec(table.loaded!), [], options);
}

function byPartition(table: LakeTable, spec: PartitionSpec, images: Images): Iterable<PartitionImages> {
  if (images.list.count === 0) return [];
  if (spec.fields.length === 0) return [{ spec, partition: [], list: images.list }];
  const reader = new PartitionReader(table, spec);
  const groups = new Map<string, PartitionImages>();
  const { batch, cell, row, schema, count } = images.list;
  for (let i = 0; i < count; i++) {
    const partition = reader.read(images.batches[batch[i]], images.schemas[schema[i]], cell[i]);
    add(groups, reader.text, spec, partition).push(batch[i], cell[i], row[i], schema[i]);
  }
  return groups.values();
}

/** By the partitions in which the lake has the rows. */
async function byLakePartition(
  table: LakeTable,
  images: Images,
  lookup: LookupContext,
): Promise<Iterable<PartitionImages>> {
  const { batch, cell, row, schema, count } = images.list;
  const wanted: WantedKey[] = [];
  for (let i = 0; i < count; i++) {
    wanted.push({
      batch: images.batches[batch[i]],
      cell: cell[i],
      schema: images.schemas[schema[i]],
      tag: i,
    });
  }
  const groups = new Map<string, PartitionImages>();
  await lookupKeys(table, wanted, [], lookup, (i, { file, spec }) => {
    const key = `${file.specId}/${file.partition.map((value) => partitionText(value)).join('/')}`;
    add(groups, key, spec, file.partition).push(batch[i], cell[i], row[i], schema[i]);
  });
  return groups.values();
}

function add(
  groups: Map<string, PartitionImages>,
  key: string,
  spec: PartitionSpec,
  partition: readonly PartitionValue[],
): ImageList {
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = { spec, partition, list: new ImageList() }));
  return group.list;
}

function partitionText(value: PartitionValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
