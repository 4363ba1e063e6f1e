import { IcestreamError } from '../../base/errors.ts';
import type { DataFile } from '../../iceberg/file.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { FileOptions } from './file-writer.ts';
import type { TableChange } from './group-commit.ts';
import { ImageList } from './image-list.ts';
import type { MicroBatch, TableWork } from './micro-batch.ts';
import { Overlay } from './overlay.ts';
import { absorbAll } from './spill.ts';
import { writeFiles } from './table-files.ts';
import { DELETE, LIVE, TableMerge } from './table-merge.ts';

/** Fills in cells that are unchanged and found nowhere in the micro-batch (P-6), so that every live image is whole. */
export type FillUnchanged = (
  work: TableWork,
  merge: TableMerge,
  batches: ChangeBatch[],
  overlay: Overlay,
) => Promise<void>;

/** Writes the files of one table's part of a micro-batch. They are durable, and part of nothing yet. */
export async function writeChanges(
  micro: MicroBatch,
  work: TableWork,
  options: FileOptions,
  fill: FillUnchanged,
): Promise<TableChange> {
  const { table } = work;
  const dataFiles: DataFile[] = [...work.files];
  const deleteFiles: DataFile[] = [];
  try {
    if (work.direct !== null) dataFiles.push(...(await work.direct.close()));
    dataFiles.push(...(await writeAppends(micro, work, options)));
    if (work.spill !== null) {
      if (work.merge !== null) await work.spill.add(work.merge, micro.batches, micro.overlay, work.schemas);
      work.release();
      await writeSpilled(work, options, fill, dataFiles, deleteFiles);
    } else if (work.merge !== null) {
      await fill(work, work.merge, micro.batches, micro.overlay);
      micro.overlay.batch();
      await writeMerged(work, work.merge, micro.batches, options, dataFiles, deleteFiles);
    }
  } catch (error) {
    await removeFiles(work, [...dataFiles, ...deleteFiles]);
    throw error;
  }
  return {
    table,
    dataFiles,
    deleteFiles,
    replaceAll: work.replaceAll,
    validThroughMicros: work.validThroughMicros,
  };
}

/** Rows kept only because their table is partitioned. */
export async function writeAppends(
  micro: MicroBatch,
  work: TableWork,
  options: FileOptions,
): Promise<DataFile[]> {
  const images = { batches: micro.batches, schemas: work.schemas, list: work.appends };
  return writeFiles(work.table, 'data', images, options);
}

async function writeSpilled(
  work: TableWork,
  options: FileOptions,
  fill: FillUnchanged,
  dataFiles: DataFile[],
  deleteFiles: DataFile[],
): Promise<void> {
  for await (const part of work.spill!.partitions(work.schemas)) {
    const batches: ChangeBatch[] = [];
    const overlay = new Overlay(batches);
    const merge = new TableMerge(work.schemas, overlay, work.replaceAll);
    absorbAll(part, batches.push(part) - 1, merge, work.schemas);
    await fill(work, merge, batches, overlay);
    overlay.batch();
    await writeMerged(work, merge, batches, options, dataFiles, deleteFiles);
  }
}

async function writeMerged(
  work: TableWork,
  merge: TableMerge,
  batches: readonly ChangeBatch[],
  options: FileOptions,
  dataFiles: DataFile[],
  deleteFiles: DataFile[],
): Promise<void> {
  const live = { batches, schemas: work.schemas, list: select(merge, LIVE) };
  const deletes = { batches, schemas: work.schemas, list: select(merge, DELETE) };
  // A table that never had a row needs no delete to reach one.
  if (!isEmpty(work))
    deleteFiles.push(...(await writeFiles(work.table, 'equality-deletes', deletes, options)));
  dataFiles.push(...(await writeFiles(work.table, 'data', live, options)));
}

function isEmpty(work: TableWork): boolean {
  const { metadata } = work.table.loaded!;
  return metadata['current-snapshot-id'] === undefined || metadata['current-snapshot-id'] === null;
}

function select(merge: TableMerge, flag: number): ImageList {
  const list = new ImageList();
  const { batch, cell, row, schema } = merge.images;
  for (let entry = 0; entry < merge.index.count; entry++) {
    if ((merge.flags[entry] & flag) !== 0) list.push(batch[entry], cell[entry], row[entry], schema[entry]);
  }
  return list;
}

export async function removeFiles(work: TableWork, files: readonly DataFile[]): Promise<void> {
  if (files.length > 0) await work.table.loaded?.storage.remove(files.map((file) => file.path));
}

/** What is not known anywhere stops the table: never a placeholder, never NULL (P-6). */
export function unknownValue(table: string, column: string): IcestreamError {
  return new IcestreamError(
    'table.unchanged-value',
    `an unchanged value of ${column} in ${table} was found nowhere`,
    {
      context: { table, column },
    },
  );
}
