import { type ChangeBatch, MAY_EXIST, Op } from '../../record/batch.ts';
import type { Offset } from '../../record/offset.ts';
import type { TableSchema } from '../../record/table.ts';
import { ImageList } from './image-list.ts';
import { defaultSpec } from './lake-table.ts';
import { type MicroBatch, rowPath, type TableWork } from './micro-batch.ts';

/** How one table's rows of a batch go to the lake: what is the same for all of them is worked out once. */
export class Route {
  readonly work: TableWork;
  /** Rows to be written as they came, which the caller does when all of the batch is taken. */
  direct: ImageList | null = null;
  readonly #schema: number;
  readonly #keyed: boolean;
  readonly #partitioned: boolean;
  readonly #staged: boolean;
  readonly #skipped: ReadonlySet<number>;
  /** Rows are of a part: those that a snapshot reads come with the whole's, too, those that a signal asks for do not. */
  readonly #isPart: boolean;
  /** The lake may hold what comes, up to this offset of the source. */
  readonly #ahead: Offset | null;
  /** Without a key nothing could be merged with what the snapshot brought; but such a table's snapshot is of one point. */
  readonly #skipsRepeated: boolean;
  /** Every change is merged, whatever else may be said of it. */
  readonly #plain: boolean;

  /**
   * `schema` bears the lake's key; `staged`: the rows belong to content that replaces what is there; `isPart`: they are of a part
   * of the table.
   */
  constructor(
    work: TableWork,
    schema: TableSchema,
    staged: boolean,
    skipped: ReadonlySet<number>,
    isPart = false,
  ) {
    const { table } = work;
    this.work = work;
    this.#schema = work.schemaNumber(schema);
    this.#keyed = schema.keyColumns.length > 0;
    this.#partitioned = defaultSpec(table.loaded!).fields.length > 0;
    this.#staged = staged;
    this.#skipped = skipped;
    this.#isPart = isPart;
    this.#ahead = table.ahead;
    this.#skipsRepeated = table.latest?.keyColumns.length === 0;
    this.#plain =
      this.#keyed && !staged && this.#ahead === null && !this.#skipsRepeated && !skipsChanges(skipped);
  }

  /**
   * Takes rows [from, to), all of this table, up to a truncate; returns where it stands. Split by what a row needs, so that
   * the loop of a busy table has nothing in it but the merge.
   *
   * @throws IcestreamError table.*: the table cannot be merged any further
   */
  take(batch: ChangeBatch, from: number, to: number, micro: MicroBatch): number {
    this.#noteTime(batch, from, to);
    const stop = this.#plain ? this.#merge(batch, from, to, micro) : from;
    return stop < to ? this.#sort(batch, stop, to, micro) : to;
  }

  /** Changes of a keyed table; stops before what is none. */
  #merge(batch: ChangeBatch, from: number, to: number, micro: MicroBatch): number {
    const { work } = this;
    const { op } = batch;
    let row = from;
    if (!isChange(op[row])) return row;
    const merge = work.merging();
    const number = micro.numberOf(batch);
    while (row < to && isChange(op[row])) merge.apply(batch, number, row++, this.#schema);
    work.rows += row - from;
    return row;
  }

  /** Rows of any kind, one by one; stops before a truncate. */
  #sort(batch: ChangeBatch, from: number, to: number, micro: MicroBatch): number {
    const { work } = this;
    const isAhead = this.#ahead !== null;
    for (let row = from; row < to; row++) {
      const op = batch.op[row];
      if (this.#skips(batch, row)) continue;
      work.rows++;
      if (op === Op.truncate) return row;
      const flags = batch.flags[row] | (isAhead ? MAY_EXIST : 0);
      const path = this.#staged ? 'direct' : rowPath(op, flags, this.#keyed, this.#partitioned);
      if (path === 'merge') {
        // A table that is ahead may have what a snapshot that is gone on with reads: chunks need not be the same as before.
        work.merging().apply(batch, micro.numberOf(batch), row, this.#schema, isAhead);
      } else if (path === 'append') {
        work.appends.push(micro.numberOf(batch), imageOf(batch, row), row, this.#schema);
      } else {
        this.direct ??= new ImageList();
        this.direct.push(0, imageOf(batch, row), row, this.#schema);
      }
    }
    return to;
  }

  /** Rows that the lake has already, or that the user does not want. */
  #skips(batch: ChangeBatch, row: number): boolean {
    const op = batch.op[row];
    if (this.#skipped.has(op)) return true;
    if (this.#isPart && op === Op.read && !this.#mayRepeat(batch.flags[row])) return true;
    if (this.#skipsRepeated && op !== Op.read && (batch.flags[row] & MAY_EXIST) !== 0) return true;
    if (this.#ahead === null || op === Op.read) return false;
    const { offset } = batch.transactions[batch.transactionOf[row]];
    return this.#ahead.holds(offset, this.work.table.source) === 'all';
  }

  /** Whether a row of a part can be merged with what the whole's reading brings of it. */
  #mayRepeat(flags: number): boolean {
    return this.#keyed && !this.#staged && (flags & MAY_EXIST) !== 0;
  }

  #noteTime({ transactions, transactionOf }: ChangeBatch, from: number, to: number): void {
    const { work } = this;
    for (let i = transactionOf[from]; i <= transactionOf[to - 1]; i++) {
      const { timestampMicros } = transactions[i];
      if (timestampMicros > work.validThroughMicros) work.validThroughMicros = timestampMicros;
    }
  }
}

function skipsChanges(skipped: ReadonlySet<number>): boolean {
  return skipped.has(Op.create) || skipped.has(Op.update) || skipped.has(Op.delete);
}

function isChange(op: number): boolean {
  return op === Op.create || op === Op.update || op === Op.delete;
}

/** First cell of what is appended of a row: its new state, or the old one of a delete. */
function imageOf(batch: ChangeBatch, row: number): number {
  return batch.after[row] >= 0 ? batch.after[row] : batch.before[row];
}
