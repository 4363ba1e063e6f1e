import type { DataFile } from '../../iceberg/file.ts';
import { batchMemory, type ChangeBatch, MAY_EXIST, Op } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import type { RowWriter } from './file-writer.ts';
import { ImageList } from './image-list.ts';
import type { LakeTable } from './lake-table.ts';
import { Overlay } from './overlay.ts';
import type { SpillStore } from './spill.ts';
import { TableMerge } from './table-merge.ts';

/** What goes into one commit, until it is written. */
export class MicroBatch {
  /** Batches that rows still refer to, by number; number 0 is the overlay. */
  readonly batches: ChangeBatch[] = [];
  readonly overlay = new Overlay(this.batches);
  readonly work = new Map<LakeTable, TableWork>();
  rows = 0;
  bytes = 0;
  #batchBytes = 0;

  workOf(table: LakeTable): TableWork {
    let work = this.work.get(table);
    if (work === undefined) this.work.set(table, (work = new TableWork(table, this.overlay)));
    return work;
  }

  /** The number under which rows of `batch`, the one that came last, are referred to; it is held from the first call on. */
  numberOf(batch: ChangeBatch): number {
    const last = this.batches.length - 1;
    if (last >= 0 && this.batches[last] === batch) return last;
    batch.lease.hold();
    this.#batchBytes += batchMemory(batch);
    return this.batches.push(batch) - 1;
  }

  /** Forgets all rows, after they were written or spilled. */
  release(): void {
    for (const batch of this.batches) batch.lease.release();
    this.batches.length = 0;
    this.#batchBytes = 0;
    this.overlay.clear();
    for (const work of this.work.values()) work.release();
  }

  /** Memory of rows that wait for the commit to be written. */
  get keptBytes(): number {
    let bytes = this.#batchBytes + this.overlay.memoryBytes;
    for (const work of this.work.values()) bytes += work.keptBytes;
    return bytes;
  }

  /** The same with that of the files that are open. */
  get memoryBytes(): number {
    let bytes = this.keptBytes;
    for (const work of this.work.values()) bytes += work.direct?.bufferedBytes ?? 0;
    return bytes;
  }
}

/** How a row goes to the lake: written as it comes, kept to be appended, or merged by key. */
export type RowPath = 'direct' | 'append' | 'merge';

/** One table's part of a micro-batch. */
export class TableWork {
  readonly table: LakeTable;
  /** Versions of the source schema among the rows; images refer to them by number. */
  readonly schemas: TableSchema[] = [];
  merge: TableMerge | null = null;
  /** Rows to append that had to be kept, because their partitions are written one after the other. */
  appends = new ImageList();
  /** The file that rows are written into as they come. */
  direct: RowWriter | null = null;
  /** Files finished before the micro-batch was. */
  readonly files: DataFile[] = [];
  /** Files finished that nobody needs any more. */
  readonly discarded: DataFile[] = [];
  spill: SpillStore | null = null;
  /** The commit removes everything that was there before (L-6, L-7). */
  replaceAll = false;
  /** With this commit all existing rows of the source are in the lake. */
  complete = false;
  rows = 0;
  /** Commit time at the source of the newest change, microseconds since 1970. */
  validThroughMicros = 0;
  readonly #overlay: Overlay;

  constructor(table: LakeTable, overlay: Overlay) {
    this.table = table;
    this.#overlay = overlay;
  }

  schemaNumber(schema: TableSchema): number {
    const number = this.schemas.indexOf(schema);
    return number >= 0 ? number : this.schemas.push(schema) - 1;
  }

  merging(): TableMerge {
    this.merge ??= new TableMerge(this.schemas, this.#overlay, this.replaceAll, this.table.keysExpected);
    return this.merge;
  }

  /** Forgets rows that are written or set aside elsewhere. */
  release(): void {
    if (this.merge !== null) this.table.keysExpected = this.merge.index.count;
    this.merge = null;
    this.appends = new ImageList();
  }

  /** What came before in this micro-batch is void, and so is all that the lake has (L-7). */
  async truncate(): Promise<void> {
    this.release();
    const direct = this.direct;
    this.direct = null;
    this.discarded.push(...this.files.splice(0), ...((await direct?.abort()) ?? []));
    await this.spill?.clear();
    this.replaceAll = true;
  }

  /** Rows went past the merge, as they came: whatever the lake ends up with, they are in it. */
  get holdsUnmerged(): boolean {
    return this.direct !== null || this.files.length > 0 || this.appends.count > 0;
  }

  get keptBytes(): number {
    return (this.merge?.memoryBytes ?? 0) + this.appends.memoryBytes;
  }
}

/**
 * A snapshot's rows have keys of their own, so they need no merging; but only while nothing else in the same commit
 * can refer to them, because an equality delete does not reach rows of its own commit (L-2).
 */
export function rowPath(op: number, flags: number, keyed: boolean, partitioned: boolean): RowPath {
  if (keyed && (op !== Op.read || (flags & MAY_EXIST) !== 0)) return 'merge';
  return partitioned ? 'append' : 'direct';
}
