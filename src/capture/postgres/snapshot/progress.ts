import { IcestreamError } from '../../../base/errors.ts';
import type { Held } from '../../../record/offset.ts';
import type { SnapshotProgress } from '../parts.ts';

/** A key as the server prints its columns, in index order; null: no bound. */
export type Key = readonly string[] | null;

/** Rows with from < key <= to, by a number; a chunk that fills a gap stands for all numbers that the gap had. */
export interface KeyChunk {
  readonly first: number;
  readonly last: number;
  readonly from: Key;
  readonly to: Key;
}

/**
 * The oid of a table; for one without a key `oid@position` with the position of the snapshot that it was read in. The log
 * repeats no row of it from before that one position, so another snapshot must read it again as a whole.
 */
export type TableIdentity = number | string;

/** Chunks done of a table that is not done: all below `count`, up to `upTo`, and those in `extra`, ascending. */
interface TableProgress {
  readonly oid: number;
  /** The snapshot that read the last of them. Another one's chunks end at other keys, whatever their numbers. */
  readonly snapshot: string;
  readonly count: number;
  readonly upTo: Key;
  readonly extra: readonly KeyChunk[];
}

/**
 * What a snapshot has read and the sinks may have made durable. Only chunks by key range count one by one: whatever
 * else was read of a table is worth nothing until the table is done (P-4).
 */
export class ReadProgress implements SnapshotProgress {
  static readonly none = new ReadProgress(new Map(), new Map(), false);

  /** Tables are read again and replace what the sinks have (L-6). */
  readonly replacing: boolean;

  /** Done tables, by name. */
  readonly #done: ReadonlyMap<string, TableIdentity>;
  readonly #tables: ReadonlyMap<string, TableProgress>;

  private constructor(
    done: ReadonlyMap<string, TableIdentity>,
    tables: ReadonlyMap<string, TableProgress>,
    replacing: boolean,
  ) {
    this.#done = done;
    this.#tables = tables;
    this.replacing = replacing;
  }

  static begin(replacing: boolean): ReadProgress {
    return replacing ? new ReadProgress(new Map(), new Map(), true) : ReadProgress.none;
  }

  /** @throws IcestreamError config.invalid for text that `toText` did not write */
  static parse(text: string): ReadProgress {
    try {
      const { done, tables, replacing = false } = JSON.parse(text) as ProgressJson;
      const entries = Object.entries(tables).map(([name, [oid, count, upTo, extra, snapshot = '']]) => {
        const chunks = extra.map(([first, last, from, to]) => ({ first, last, from, to }));
        return [name, { oid, snapshot, count, upTo, extra: chunks }] as const;
      });
      return new ReadProgress(new Map(Object.entries(done)), new Map(entries), replacing);
    } catch (cause) {
      throw new IcestreamError('config.invalid', 'the snapshot progress of the offset cannot be read', {
        cause,
      });
    }
  }

  toText(): string {
    const tables: Record<string, TableJson> = {};
    for (const [name, { oid, snapshot, count, upTo, extra }] of this.#tables) {
      const chunks = extra.map(({ first, last, from, to }): ChunkJson => [first, last, from, to]);
      tables[name] = [oid, count, upTo, chunks, snapshot];
    }
    const replacing = this.replacing ? { replacing: true } : {};
    return JSON.stringify({
      done: Object.fromEntries(this.#done),
      tables,
      ...replacing,
    } satisfies ProgressJson);
  }

  isDone(table: string, identity: TableIdentity): boolean {
    return this.#done.get(table) === identity;
  }

  /** True if some chunks are done: rows read now may be in the sink already. */
  isBegun(table: string, oid: number): boolean {
    return this.#tables.get(table)?.oid === oid;
  }

  withTable(table: string, identity: TableIdentity): ReadProgress {
    const tables = new Map(this.#tables);
    tables.delete(table);
    return new ReadProgress(new Map(this.#done).set(table, identity), tables, this.replacing);
  }

  withChunk(table: string, oid: number, chunk: KeyChunk, snapshot: string): ReadProgress {
    const known = this.#tables.get(table);
    const before = known?.oid === oid ? known : nothingOf(oid, snapshot);
    const tables = new Map(this.#tables).set(table, addChunk({ ...before, snapshot }, chunk));
    return new ReadProgress(this.#done, tables, this.replacing);
  }

  /** What is left of a table, in order; the last one is open. */
  gaps(table: string, oid: number): KeyChunk[] {
    const known = this.#tables.get(table);
    if (known?.oid !== oid) return [{ first: 0, last: Infinity, from: null, to: null }];
    const gaps: KeyChunk[] = [];
    let { count: first, upTo: from } = known;
    for (const chunk of known.extra) {
      gaps.push({ first, last: chunk.first - 1, from, to: chunk.from });
      first = chunk.last + 1;
      from = chunk.to;
    }
    gaps.push({ first, last: Infinity, from, to: null });
    return gaps;
  }

  holds(other: SnapshotProgress, table: string | null): boolean {
    const that = other as ReadProgress;
    if (table !== null) return this.#holdsTable(that, table);
    return [...that.#done.keys(), ...that.#tables.keys()].every((name) => this.#holdsTable(that, name));
  }

  #holdsTable(that: ReadProgress, table: string): boolean {
    const done = this.#done.get(table);
    const theirDone = that.#done.get(table);
    if (theirDone !== undefined) return done === theirDone;
    if (done !== undefined) return true;
    const theirs = that.#tables.get(table);
    if (theirs === undefined) return true;
    const ours = this.#tables.get(table);
    if (ours?.oid !== theirs.oid) return false;
    if (ours.snapshot !== theirs.snapshot) return theirs.count === 0 && theirs.extra.length === 0;
    if (ours.count < theirs.count) return false;
    return theirs.extra.every((chunk) => isCovered(ours, chunk));
  }

  has(mark: SnapshotProgress, table: string): Held {
    const that = mark as ReadProgress;
    const theirs = that.#done.get(table) ?? that.#tables.get(table)?.oid;
    if (theirs === undefined || this.#done.get(table) === theirs) return 'all';
    return this.#tables.get(table)?.oid === theirs ? 'some' : 'none';
  }

  and(earlier: SnapshotProgress): ReadProgress {
    const that = earlier as ReadProgress;
    const done = new Map([...that.#done, ...this.#done]);
    const tables = new Map([...that.#tables, ...this.#tables]);
    for (const name of done.keys()) tables.delete(name);
    return new ReadProgress(done, tables, this.replacing);
  }

  min(other: SnapshotProgress): SnapshotProgress {
    const that = other as ReadProgress;
    const done = new Map<string, TableIdentity>();
    const tables = new Map<string, TableProgress>();
    for (const name of new Set([...this.#done.keys(), ...this.#tables.keys()])) {
      if (this.#holdsTable(that, name)) that.#copyTable(name, done, tables);
      else if (that.#holdsTable(this, name)) this.#copyTable(name, done, tables);
      // Neither has all of the other's chunks: what both have for certain is the shorter run from the start.
      else this.#setShorter(that, name, tables);
    }
    return new ReadProgress(done, tables, this.replacing || that.replacing);
  }

  #setShorter(that: ReadProgress, name: string, tables: Map<string, TableProgress>): void {
    const ours = this.#tables.get(name);
    const theirs = that.#tables.get(name);
    if (ours?.oid === theirs?.oid && ours !== undefined) tables.set(name, shorter(ours, theirs!));
  }

  #copyTable(name: string, done: Map<string, TableIdentity>, tables: Map<string, TableProgress>): void {
    const identity = this.#done.get(name);
    if (identity !== undefined) done.set(name, identity);
    const progress = this.#tables.get(name);
    if (progress !== undefined) tables.set(name, progress);
  }
}

type ChunkJson = [first: number, last: number, from: Key, to: Key];
type TableJson = [oid: number, count: number, upTo: Key, extra: ChunkJson[], snapshot?: string];
interface ProgressJson {
  readonly done: Record<string, TableIdentity>;
  readonly tables: Record<string, TableJson>;
  readonly replacing?: boolean;
}

function nothingOf(oid: number, snapshot: string): TableProgress {
  return { oid, snapshot, count: 0, upTo: null, extra: [] };
}

function addChunk(progress: TableProgress, chunk: KeyChunk): TableProgress {
  const extra = [...progress.extra, chunk].sort((a, b) => a.first - b.first);
  let { count, upTo } = progress;
  while (extra.length > 0 && extra[0].first === count) {
    const next = extra.shift()!;
    count = next.last + 1;
    upTo = next.to;
  }
  return { ...progress, count, upTo, extra };
}

function isCovered(progress: TableProgress, chunk: KeyChunk): boolean {
  if (chunk.last < progress.count) return true;
  return progress.extra.some(({ first, last }) => first <= chunk.first && chunk.last <= last);
}

function shorter(a: TableProgress, b: TableProgress): TableProgress {
  if (a.snapshot !== b.snapshot) return nothingOf(a.oid, a.snapshot);
  const { oid, snapshot, count, upTo } = a.count <= b.count ? a : b;
  return { oid, snapshot, count, upTo, extra: [] };
}
