import type { DataFile, PartitionValue } from '../../iceberg/file.ts';
import { specById } from '../../iceberg/metadata.ts';
import { liveSpecIds } from '../../iceberg/scan.ts';
import type { PartitionSpec } from '../../iceberg/schema.ts';
import { type FileOptions, FileWriter, type Images, type RowWriter } from './file-writer.ts';
import { keyFieldsOf, type LookupContext, lookupKeys, type WantedKey } from './lake-lookup.ts';
import { defaultSpec, type LakeTable } from './lake-table.ts';
import { byPartition, PartitionGroups, type PartitionImages } from './partition-images.ts';
import { PartitionedWriter } from './partitioned-writer.ts';
import { planDeletes } from './readers.ts';

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
  /** By where its files go: that of the unpartitioned table, and that of the partition which is being written. */
  readonly #staying = new Map<DataFile[], FileWriter>();
  readonly #passing = new Map<DataFile[], FileWriter>();

  constructor(table: LakeTable, options: FileOptions, lookup: LookupContext) {
    this.#table = table;
    this.#options = options;
    this.#lookup = lookup;
  }

  /** Writes rows, under the table's default spec. */
  async writeData(images: Images): Promise<void> {
    const spec = defaultSpec(this.#table.loaded!);
    await this.#write(this.dataFiles, null, byPartition(this.#table, spec, images).values(), images);
  }

  /**
   * Writes equality deletes for the keys in the images, each under the spec and partition of the row that it is to reach
   * (L-3): from the key where that has the partition's columns, else from where the lake has the row. A row that the
   * lake does not have needs no delete. Where the readers ask for it, one delete is for all partitions.
   */
  async writeDeletes(images: Images): Promise<void> {
    if (images.list.count === 0) return;
    const loaded = this.#table.loaded!;
    const plan = planDeletes(loaded.metadata, this.#table.latest!, this.#table.readers);
    const keyIds = keyFieldsOf(this.#table).map((field) => field.id);
    if (plan.scope === 'global') {
      const everywhere = { spec: plan.spec!, partition: [], list: images.list };
      return this.#write(this.deleteFiles, keyIds, [everywhere], images);
    }
    const { manifests, signal } = this.#lookup;
    const live = await liveSpecIds(loaded, { cache: manifests, signal });
    const specs = [...live].map((id) => specById(loaded.metadata, id));
    const isKnown = specs.every((spec) => spec.fields.every((field) => keyIds.includes(field['source-id'])));
    const groups: PartitionImages[] = [];
    if (isKnown) for (const spec of specs) groups.push(...byPartition(this.#table, spec, images).values());
    else groups.push(...(await byLakePartition(this.#table, images, this.#lookup)));
    await this.#write(this.deleteFiles, keyIds, groups, images);
  }

  async close(): Promise<void> {
    for (const [files, writer] of this.#staying) files.push(...(await writer.close()));
    this.#staying.clear();
  }

  /** Removes everything that was written. */
  async abort(): Promise<void> {
    for (const open of [this.#staying, this.#passing]) {
      for (const [files, writer] of open) files.push(...(await writer.abort()));
      open.clear();
    }
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
      const stays = spec.fields.length === 0 && spec === defaultSpec(this.#table.loaded!);
      const open = stays ? this.#staying : this.#passing;
      const writer = open.get(files) ?? this.#writer(equalityIds, spec, partition);
      open.set(files, writer);
      await writer.write({ ...images, list });
      if (stays) continue;
      open.delete(files);
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

/** Takes rows as they come. */
export function openDataWriter(table: LakeTable, options: FileOptions): RowWriter {
  const spec = defaultSpec(table.loaded!);
  if (spec.fields.length > 0) return new PartitionedWriter(table, options);
  return new FileWriter(table.loaded!, table.latest!, null, spec, [], options);
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
  const groups = new PartitionGroups();
  await lookupKeys(table, wanted, [], lookup, (i, { file, spec }) => {
    groups.of(spec, file.partition).push(batch[i], cell[i], row[i], schema[i]);
  });
  return groups.groups.values();
}
