import type { PartitionValue } from '../../iceberg/file.ts';
import { partitionKey } from '../../iceberg/partition.ts';
import type { PartitionSpec } from '../../iceberg/schema.ts';
import type { Images } from './file-writer.ts';
import { ImageList } from './image-list.ts';
import type { LakeTable } from './lake-table.ts';
import { PartitionReader } from './partition-reader.ts';

/** Row images of one partition. */
export interface PartitionImages {
  readonly spec: PartitionSpec;
  readonly partition: readonly PartitionValue[];
  readonly list: ImageList;
}

/** Images sorted into the partitions that their rows belong to under `spec`; the key tells them apart. */
export function byPartition(
  table: LakeTable,
  spec: PartitionSpec,
  images: Images,
): ReadonlyMap<string, PartitionImages> {
  if (images.list.count === 0) return new Map();
  if (spec.fields.length === 0) return new Map([['', { spec, partition: [], list: images.list }]]);
  const reader = new PartitionReader(table, spec);
  const groups = new PartitionGroups();
  const { batch, cell, row, schema, count } = images.list;
  for (let i = 0; i < count; i++) {
    const partition = reader.read(images.batches[batch[i]], images.schemas[schema[i]], cell[i]);
    groups.of(spec, partition).push(batch[i], cell[i], row[i], schema[i]);
  }
  return groups.groups;
}

export class PartitionGroups {
  readonly groups = new Map<string, PartitionImages>();

  /** The list of one partition, begun where it is not there. */
  of(spec: PartitionSpec, partition: readonly PartitionValue[]): ImageList {
    const key = partitionKey(spec['spec-id'], partition);
    let group = this.groups.get(key);
    if (group === undefined) this.groups.set(key, (group = { spec, partition, list: new ImageList() }));
    return group.list;
  }
}
