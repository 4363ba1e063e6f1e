import { failpoint } from '../../base/failpoint.ts';
import type { DataFile } from '../../iceberg/file.ts';
import { branchHead } from '../../iceberg/metadata.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { FileOptions } from './file-writer.ts';
import { fillUnchanged, NOTHING_FILLED } from './fill.ts';
import type { TableChange } from './group-commit.ts';
import { ImageList } from './image-list.ts';
import type { LookupContext } from './lake-lookup.ts';
import type { LakeTable } from './lake-table.ts';
import type { MicroBatch, TableWork } from './micro-batch.ts';
import { Overlay } from './overlay.ts';
import { absorbAll } from './spill.ts';
import { TableFiles } from './table-files.ts';
import { DELETE, LIVE, TableMerge } from './table-merge.ts';

/** What writing needs besides the rows. */
export interface WriteContext {
  readonly options: FileOptions;
  readonly lookup: LookupContext;
  /** Memory for spilled rows that are merged at a time. */
  readonly portionBytes: number;
}

/**
 * Writes the files of one table's part of a micro-batch. They are durable, and part of nothing yet. Of a table with rows on
 * disk all must be there (`setAside`).
 */
export async function writeChanges(
  micro: MicroBatch,
  work: TableWork,
  context: WriteContext,
): Promise<TableChange> {
  const { table } = work;
  const files = new TableFiles(table, context.options, context.lookup);
  files.dataFiles.push(...work.files);
  try {
    if (work.direct !== null) files.dataFiles.push(...(await work.direct.close()));
    await files.writeData({ ...imagesOf(micro, work), list: work.appends });
    if (work.spill !== null) await writeSpilled(work, context, files);
    else if (work.merge !== null) {
      micro.overlay.batch();
      await writeMerged(work, work.merge, micro.batches, context, files);
    }
    await files.close();
  } catch (error) {
    await files.abort();
    throw error;
  }
  const { dataFiles, deleteFiles } = files;
  return {
    table,
    dataFiles,
    deleteFiles,
    replaceAll: work.replaceAll,
    validThroughMicros: work.validThroughMicros,
  };
}

/**
 * Frees a table's part of the micro-batch: what was only kept because the table is partitioned is written, what is to be
 * merged goes to the spill, which is there where anything is.
 */
export async function setAside(micro: MicroBatch, work: TableWork, context: WriteContext): Promise<void> {
  const { merge, schemas, spill } = work;
  work.files.push(...(await writeAppends(micro, work, context)));
  if (merge !== null) await spill!.add(merge, micro.batches, micro.overlay, schemas);
  work.release();
}

async function writeAppends(
  micro: MicroBatch,
  work: TableWork,
  context: WriteContext,
): Promise<readonly DataFile[]> {
  const files = new TableFiles(work.table, context.options, context.lookup);
  try {
    await files.writeData({ ...imagesOf(micro, work), list: work.appends });
    await files.close();
  } catch (error) {
    await files.abort();
    throw error;
  }
  return files.dataFiles;
}

function imagesOf(micro: MicroBatch, work: TableWork) {
  return { batches: micro.batches, schemas: work.schemas, filled: NOTHING_FILLED };
}

async function writeSpilled(work: TableWork, context: WriteContext, files: TableFiles): Promise<void> {
  const { schemas, spill } = work;
  for await (const portion of spill!.portions(schemas, context.portionBytes)) {
    const batches: ChangeBatch[] = [];
    const overlay = new Overlay(batches);
    const merge = new TableMerge(schemas, overlay, work.replaceAll, portion.rowCount);
    absorbAll(portion, batches.push(portion) - 1, merge, schemas);
    overlay.batch();
    await writeMerged(work, merge, batches, context, files);
    failpoint('spill.merged');
  }
}

async function writeMerged(
  work: TableWork,
  merge: TableMerge,
  batches: readonly ChangeBatch[],
  context: WriteContext,
  files: TableFiles,
): Promise<void> {
  const { table, schemas } = work;
  const filled = await fillUnchanged(table, merge, batches, schemas, context.lookup);
  const images = { batches, schemas, filled };
  if (!isEmpty(table)) await files.writeDeletes({ ...images, list: select(merge, DELETE) });
  await files.writeData({ ...images, list: select(merge, LIVE) });
}

/** A table that never had a row needs no delete to reach one. */
function isEmpty(table: LakeTable): boolean {
  return branchHead(table.loaded!.metadata) === null;
}

function select(merge: TableMerge, flag: number): ImageList {
  const { flags, images } = merge;
  const { count } = merge.index;
  let selected = 0;
  for (let entry = 0; entry < count; entry++) if ((flags[entry] & flag) !== 0) selected++;
  if (selected === count) return images;
  const list = new ImageList(selected);
  const { batch, cell, row, schema } = images;
  for (let entry = 0; entry < count; entry++) {
    if ((flags[entry] & flag) !== 0) list.push(batch[entry], cell[entry], row[entry], schema[entry]);
  }
  return list;
}

export async function removeFiles(table: LakeTable, files: readonly DataFile[]): Promise<void> {
  if (files.length > 0) await table.loaded?.storage.remove(files.map((file) => file.path));
}
