import { type ChangeBatch, MAY_EXIST, Op, UNCHANGED_CELL } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import { ImageList } from './image-list.ts';
import { KeyBytes } from './key-bytes.ts';
import { KeyIndex } from './key-index.ts';
import { readKey, readKeyColumn } from './key-reader.ts';
import type { Overlay } from './overlay.ts';

/** Entry flag: rows of this key in earlier commits must be deleted (rules L-1, L-2). */
export const DELETE = 1;
/** Entry flag: the key has a row at the end of the micro-batch; else its image only shows the key. */
export const LIVE = 2;
/** Entry flag: some cell of the live row is unchanged and its value is neither in the batch nor in a before-image (P-6). */
export const UNRESOLVED = 4;

/**
 * What a micro-batch does to one keyed table: per key the last state, and whether the lake may hold an older row.
 *
 * Whether an entry deletes is decided by the first event of its key and only ever added to: a key that begins with a
 * create is not in the lake, so whatever follows in the batch, nothing has to be deleted.
 */
export class TableMerge {
  readonly index: KeyIndex;
  /** Per entry: the live row, or an image that carries the key. */
  readonly images: ImageList;
  flags: Uint8Array;
  /** For UNRESOLVED entries whose key changed: an image with the key under which the lake holds the row. */
  readonly origins = new Map<number, ImageRef>();
  /** False while no entry has ever been UNRESOLVED. */
  hasUnresolved = false;
  readonly #lakeIsEmpty: boolean;
  readonly #schemas: readonly TableSchema[];
  readonly #overlay: Overlay;
  #key = new KeyBytes();
  #otherKey = new KeyBytes();

  /**
   * `schemas` is the table's list of versions in this micro-batch, shared with the owner; `schema[i]` indexes it.
   * `lakeIsEmpty`: everything in the lake goes with this commit (L-6, L-7), so nothing has to be deleted. There is room
   * for `expected` keys to begin with.
   */
  constructor(schemas: readonly TableSchema[], overlay: Overlay, lakeIsEmpty: boolean, expected = 0) {
    const room = Math.max(256, expected);
    this.index = new KeyIndex(expected);
    this.images = new ImageList(room);
    this.flags = new Uint8Array(room);
    this.#lakeIsEmpty = lakeIsEmpty;
    this.#schemas = schemas;
    this.#overlay = overlay;
  }

  /**
   * `mayExist`: the lake may have the row, whatever the row's own flags say.
   *
   * @throws IcestreamError table.null-key and others `table.*`: the table cannot be merged any further
   */
  apply(batch: ChangeBatch, batchNumber: number, row: number, schemaNumber: number, mayExist = false): void {
    const schema = this.#schemas[schemaNumber];
    const before = batch.before[row];
    const after = batch.after[row];
    switch (batch.op[row]) {
      case Op.read:
      case Op.create: {
        const deletes = mayExist || (batch.flags[row] & MAY_EXIST) !== 0 ? DELETE : 0;
        const entry = this.#entryOf(batch, after, schema, deletes);
        this.#live(entry, batchNumber, after, row, schemaNumber);
        return;
      }
      case Op.update:
        return this.#update(batch, batchNumber, row, schemaNumber, before, after);
      case Op.delete:
        return this.#gone(
          this.#entryOf(batch, before, schema, DELETE),
          batchNumber,
          before,
          row,
          schemaNumber,
        );
    }
  }

  /**
   * Takes back what an earlier part of the same micro-batch had come to for a key (`flags`, its image, the origin of an
   * unresolved one), in the order in which the parts were set aside.
   */
  absorb(batch: ChangeBatch, image: ImageRef, flags: number, origin: ImageRef | null): void {
    const schema = this.#schemas[image.schema];
    const entry = this.#entryOf(batch, image.cell, schema, flags & DELETE);
    if ((flags & LIVE) === 0) return this.#gone(entry, image.batch, image.cell, image.row, image.schema);
    if ((flags & UNRESOLVED) === 0)
      return this.#live(entry, image.batch, image.cell, image.row, image.schema);
    if (origin === null)
      return this.#set(entry, this.#filled(batch, -1, image.cell, image.schema, entry), image.schema);
    this.#set(entry, { ...image, unresolved: true }, image.schema);
    this.origins.set(entry, origin);
  }

  /**
   * Fills an unresolved row from the row that its key's origin had before (`earlier`), as far as that one is whole
   * itself; what it lacks must then be sought where `origin` says.
   */
  fillFrom(
    entry: number,
    batch: ChangeBatch,
    earlier: { batch: ChangeBatch; image: ImageRef },
    origin: ImageRef | null,
  ): void {
    const { cell, schema } = this.imageOf(entry);
    const filled = this.#merged(batch, -1, cell, schema, earlier.batch, earlier.image);
    this.origins.delete(entry);
    this.#set(entry, filled, schema);
    if (filled.unresolved && origin !== null) this.origins.set(entry, origin);
  }

  /** The lake has an unresolved row under the key in `image`, which is copied because its batch does not stay. */
  moveOrigin(entry: number, batch: ChangeBatch, image: ImageRef): void {
    if (!this.origins.has(entry)) return;
    const schema = this.#schemas[image.schema];
    const cell = this.#overlay.begin(schema);
    for (let column = 0; column < schema.columns.length; column++)
      this.#overlay.copy(batch, image.cell + column);
    this.origins.set(entry, {
      batch: this.#overlay.number,
      cell,
      row: this.#overlay.end(schema),
      schema: image.schema,
    });
  }

  imageOf(entry: number): ImageRef {
    const { batch, cell, row, schema } = this.images;
    return { batch: batch[entry], cell: cell[entry], row: row[entry], schema: schema[entry] };
  }

  get memoryBytes(): number {
    return this.index.memoryBytes + this.images.memoryBytes + this.flags.length;
  }

  #update(
    batch: ChangeBatch,
    batchNumber: number,
    row: number,
    schemaNumber: number,
    before: number,
    after: number,
  ): void {
    const schema = this.#schemas[schemaNumber];
    const unchanged = hasUnchanged(batch, after, schema.columns.length);
    const keyChanged = before >= 0 && !this.#sameKey(batch, before, after, schema, unchanged);
    const oldEntry = this.#entryOf(
      batch,
      keyChanged ? before : unchanged && before >= 0 ? before : after,
      schema,
      DELETE,
    );
    if (!unchanged && !keyChanged) return this.#live(oldEntry, batchNumber, after, row, schemaNumber);

    let source = { batch: batchNumber, cell: after, row, unresolved: false };
    if (unchanged) source = this.#filled(batch, before, after, schemaNumber, oldEntry);
    if (!keyChanged) {
      this.#set(oldEntry, source, schemaNumber);
      return;
    }
    const origin = this.origins.get(oldEntry) ?? {
      batch: batchNumber,
      cell: before,
      row,
      schema: schemaNumber,
    };
    const filledBatch = source.batch === batchNumber ? batch : this.#overlay.batch();
    const newEntry = this.#entryOf(filledBatch, source.cell, schema, DELETE);
    this.#gone(oldEntry, batchNumber, before, row, schemaNumber);
    this.#set(newEntry, source, schemaNumber);
    if (source.unresolved) this.origins.set(newEntry, origin);
  }

  /** The entry of the key in the image at `cell`; a new entry starts with `flags`. */
  #entryOf(batch: ChangeBatch, cell: number, schema: TableSchema, flags: number): number {
    readKey(batch, cell, schema, this.#key);
    const known = this.index.count;
    const entry = this.index.entry(this.#key);
    if (entry === known) {
      if (entry === this.flags.length) this.#growFlags();
      this.flags[entry] = this.#lakeIsEmpty ? 0 : flags;
      this.images.push(0, 0, 0, 0);
    }
    return entry;
  }

  #live(entry: number, batch: number, cell: number, row: number, schema: number): void {
    this.flags[entry] = (this.flags[entry] & DELETE) | LIVE;
    this.images.set(entry, batch, cell, row, schema);
    if (this.origins.size > 0) this.origins.delete(entry);
  }

  #gone(entry: number, batch: number, cell: number, row: number, schema: number): void {
    this.flags[entry] &= DELETE;
    this.images.set(entry, batch, cell, row, schema);
    if (this.origins.size > 0) this.origins.delete(entry);
  }

  #set(entry: number, source: FilledImage, schema: number): void {
    const origin = this.origins.get(entry);
    this.#live(entry, source.batch, source.cell, source.row, schema);
    if (!source.unresolved) return;
    this.flags[entry] |= UNRESOLVED;
    this.hasUnresolved = true;
    if (origin !== undefined) this.origins.set(entry, origin);
  }

  /**
   * A copy of the after-image with its unchanged cells taken from the before-image (REPLICA IDENTITY FULL) or from the
   * live row of the old key in this micro-batch, column by column (P-6, the first two sources).
   */
  #filled(
    batch: ChangeBatch,
    before: number,
    after: number,
    schemaNumber: number,
    oldEntry: number,
  ): FilledImage {
    const live = (this.flags[oldEntry] & LIVE) !== 0;
    const image = this.imageOf(oldEntry);
    const earlier = live ? this.#overlay.batchNumber(image.batch) : null;
    return this.#merged(batch, before, after, schemaNumber, earlier, image);
  }

  #merged(
    batch: ChangeBatch,
    before: number,
    after: number,
    schemaNumber: number,
    earlier: ChangeBatch | null,
    image: ImageRef,
  ): FilledImage {
    const schema = this.#schemas[schemaNumber];
    const earlierSchema = this.#schemas[image.schema];
    const cell = this.#overlay.begin(schema);
    let unresolved = false;
    for (let column = 0; column < schema.columns.length; column++) {
      if (batch.cellLength[after + column] !== UNCHANGED_CELL) {
        this.#overlay.copy(batch, after + column);
      } else if (isKnown(batch, before, column, schema)) {
        this.#overlay.copy(batch, before + column);
      } else {
        const earlierColumn = earlier === null ? -1 : sameColumn(schema, column, earlierSchema);
        const from = earlierColumn < 0 ? -1 : image.cell + earlierColumn;
        if (earlier !== null && from >= 0) this.#overlay.copy(earlier, from);
        else this.#overlay.unchanged();
        unresolved ||= earlier === null || from < 0 || earlier.cellLength[from] === UNCHANGED_CELL;
      }
    }
    return { batch: this.#overlay.number, cell, row: this.#overlay.end(schema), unresolved };
  }

  /**
   * Whether before- and after-image carry one key. A key column that is itself unchanged TOAST has not changed; its
   * bytes are in the before-image, which PostgreSQL sends in that case.
   */
  #sameKey(
    batch: ChangeBatch,
    before: number,
    after: number,
    schema: TableSchema,
    unchanged: boolean,
  ): boolean {
    for (const [i, column] of schema.keyColumns.entries()) {
      if (unchanged && batch.cellLength[after + column] === UNCHANGED_CELL) continue;
      this.#key.reset();
      this.#otherKey.reset();
      readKeyColumn(batch, before, schema, i, this.#key);
      readKeyColumn(batch, after, schema, i, this.#otherKey);
      if (!sameBytes(this.#key, this.#otherKey)) return false;
    }
    return true;
  }

  #growFlags(): void {
    const flags = new Uint8Array(this.flags.length * 2);
    flags.set(this.flags);
    this.flags = flags;
  }
}

/** One place in an `ImageList`. */
export interface ImageRef {
  readonly batch: number;
  readonly cell: number;
  readonly row: number;
  readonly schema: number;
}

interface FilledImage {
  batch: number;
  cell: number;
  row: number;
  unresolved: boolean;
}

function hasUnchanged(batch: ChangeBatch, cell: number, count: number): boolean {
  const lengths = batch.cellLength;
  for (let i = cell; i < cell + count; i++) if (lengths[i] === UNCHANGED_CELL) return true;
  return false;
}

/** Whether the before-image carries this column. */
function isKnown(batch: ChangeBatch, before: number, column: number, schema: TableSchema): boolean {
  return (
    before >= 0 &&
    schema.beforeColumns.includes(column) &&
    batch.cellLength[before + column] !== UNCHANGED_CELL
  );
}

function sameColumn(schema: TableSchema, column: number, other: TableSchema): number {
  if (schema === other) return column;
  const { sourceId, name } = schema.columns[column];
  return other.columns.findIndex((c) => (sourceId === null ? c.name === name : c.sourceId === sourceId));
}

function sameBytes(a: KeyBytes, b: KeyBytes): boolean {
  return a.length === b.length && a.buffer.compare(b.buffer, 0, b.length, 0, a.length) === 0;
}
