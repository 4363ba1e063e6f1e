import type { DataFile, PartitionValue } from '../../iceberg/file.ts';
import { currentSchema } from '../../iceberg/metadata.ts';
import type { PartitionSpec } from '../../iceberg/schema.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import { type FileOptions, FileWriter } from './file-writer.ts';
import { ImageList } from './image-list.ts';
import { defaultSpec, type LakeTable } from './lake-table.ts';
import { PartitionReader } from './partition-reader.ts';

export type FilesContent = 'data' | 'equality-deletes';

/** A set of row images and where they are to be found. */
export interface Images {
  readonly batches: readonly ChangeBatch[];
  readonly schemas: readonly TableSchema[];
  readonly list: ImageList;
}

/**
 * Writes images as the files of one commit: one writer per partition, one partition after the other, so that memory
 * holds one open file however many partitions there are.
 */
export async function writeFiles(
  table: LakeTable,
  content: FilesContent,
  images: Images,
  options: FileOptions,
): Promise<DataFile[]> {
  const spec = defaultSpec(table.loaded!);
  const files: DataFile[] = [];
  for (const { partition, list } of byPartition(table, spec, images)) {
    const writer = openWriter(table, content, spec, partition, options);
    try {
      await writer.write(images.batches, images.schemas, list, 0, list.count);
      files.push(...(await writer.close()));
    } catch (error) {
      files.push(...(await writer.abort()));
      await table.loaded!.storage.remove(files.map((file) => file.path));
      throw error;
    }
  }
  return files;
}

export function openWriter(
  table: LakeTable,
  content: FilesContent,
  spec: PartitionSpec,
  partition: readonly PartitionValue[],
  options: FileOptions,
): FileWriter {
  const ids = content === 'data' ? null : equalityIds(table);
  return new FileWriter(table.loaded!, table.latest!, ids, spec, partition, options);
}

/** Field ids of the columns that rows are merged by. */
function equalityIds(table: LakeTable): number[] {
  const { fields } = currentSchema(table.loaded!.metadata);
  const { keyColumns, columns } = table.latest!;
  return keyColumns.map((column) => fields.find((field) => field.name === columns[column].name)!.id);
}

interface PartitionImages {
  readonly partition: readonly PartitionValue[];
  readonly list: ImageList;
}

function byPartition(table: LakeTable, spec: PartitionSpec, images: Images): Iterable<PartitionImages> {
  if (images.list.count === 0) return [];
  if (spec.fields.length === 0) return [{ partition: [], list: images.list }];
  const reader = new PartitionReader(table, spec);
  const groups = new Map<string, PartitionImages>();
  const { batch, cell, row, schema, count } = images.list;
  for (let i = 0; i < count; i++) {
    const partition = reader.read(images.batches[batch[i]], images.schemas[schema[i]], cell[i]);
    const key = reader.text;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { partition, list: new ImageList() }));
    group.list.push(batch[i], cell[i], row[i], schema[i]);
  }
  return groups.values();
}
