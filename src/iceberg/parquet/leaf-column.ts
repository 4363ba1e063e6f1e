import { IcestreamError } from '../../base/errors.ts';
import { ColumnChunk } from './chunk.ts';
import type { ColumnNode } from './column-writer.ts';
import { type PageCompressor, returnBuffer, takeBuffer } from './compressor.ts';
import type { Dictionary } from './dictionary.ts';
import { ENCODING } from './format.ts';
import { bitWidthOf, hybridBound, writeHybrid } from './hybrid.ts';
import { Levels } from './levels.ts';
import type { LeafPlan } from './plan.ts';
import { RejectingColumn } from './rejecting-column.ts';
import { type Bounds, statisticsOf } from './statistics.ts';
import { ColumnTotals } from './totals.ts';

export interface LeafSettings {
  readonly compressor: PageCompressor;
  /** A page is closed when its values take so many bytes. */
  readonly pageBytes: number;
  readonly dictionary: boolean;
  /** Untruncated bounds. */
  readonly fullBounds: boolean;
}

/**
 * A primitive column: fills a page with values and levels, encodes it when it is full, and hands the chunk over at the
 * row group's end. Subclasses hold the values, one class per physical type, so that the code of a value is one tight
 * path; what happens once per page is here.
 */
export abstract class LeafColumn extends RejectingColumn implements ColumnNode {
  readonly fieldId: number;
  readonly plan: LeafPlan;
  /** Rows of this row group whose first value has been written. */
  rowsBegun = 0;
  readonly totals: ColumnTotals;
  protected readonly levels: Levels;
  protected readonly settings: LeafSettings;
  /** Values in the page, nulls not counted. */
  protected count = 0;
  /** NaNs of the chunk. */
  protected nanCount = 0;
  private chunk: ColumnChunk;
  private nullCount = 0;
  private dictionary: Dictionary | null = null;
  /** Whether pages of this chunk may still use the dictionary. */
  private dictionaryOpen = false;
  private pageFirstRow = 0;
  private closedBytes = 0;

  constructor(plan: LeafPlan, settings: LeafSettings) {
    super(plan.path.join('.'));
    this.plan = plan;
    this.fieldId = plan.fieldId;
    this.settings = settings;
    this.levels = new Levels(plan.maxDefinition, plan.maxRepetition);
    this.totals = new ColumnTotals(plan, settings.fullBounds);
    this.chunk = new ColumnChunk(plan, settings.compressor);
  }

  override null(): void {
    if (this.plan.required) {
      throw new IcestreamError('table.value-out-of-range', `a null in the required column ${this.name}`, {
        context: { column: this.name },
      });
    }
    this.absent(this.levels.maxDefinition - 1);
  }

  /** A slot without a value: null at the definition level where the path to it ends. */
  absent(definition: number): void {
    if (this.levels.slots === this.levels.capacity) this.makeRoom();
    this.levels.addAbsent(definition);
  }

  setRepetition(level: number): void {
    this.levels.repetition = level;
  }

  /** Ends a block of rows; the only place where the pages of a nested column may end. */
  endRows(): void {
    this.rowsBegun += this.levels.countRows();
    if (this.valueBytes >= this.settings.pageBytes) this.closePage(false);
  }

  /** Ends the row group's chunk. Its pages may still be under way through the compressor. */
  takeChunk(): ColumnChunk {
    this.closePage(true);
    const { chunk } = this;
    if (this.dictionary !== null) this.writeDictionary(this.dictionary);
    const bounds = this.takeBounds();
    chunk.statistics = statisticsOf(this.plan, this.nullCount, bounds, this.settings.fullBounds);
    this.totals.addChunk(chunk.valueCount, this.nullCount, this.nanCount, bounds);
    this.chunk = new ColumnChunk(this.plan, this.settings.compressor);
    this.nullCount = 0;
    this.nanCount = 0;
    this.rowsBegun = 0;
    this.pageFirstRow = 0;
    return chunk;
  }

  /** Plain size of all values in closed pages of this file. */
  get plainBytes(): number {
    return this.closedBytes;
  }

  /** Pages of the row group, in memory. */
  get pageBytes(): number {
    return this.chunk.heldBytes;
  }

  /** Bytes that this chunk would take in the file, the open page counted as it lies in memory. */
  get encodedBytes(): number {
    return this.chunk.heldBytes + this.valueBytes + (this.dictionary?.byteLength ?? 0);
  }

  /** Memory held. */
  get bufferedBytes(): number {
    const buffers = this.levels.bufferBytes + this.bufferBytes;
    return this.chunk.heldBytes + buffers + (this.dictionary?.bufferBytes ?? 0);
  }

  /** Bytes of the open page's values, plainly encoded. */
  protected abstract get valueBytes(): number;
  protected abstract get bufferBytes(): number;
  /** Most values that a page may have. */
  protected abstract get slotsMax(): number;
  protected abstract growValues(capacity: number): void;
  /** A new dictionary for this type, or null where it has none. */
  protected abstract newDictionary(): Dictionary | null;
  protected abstract indexValues(dictionary: Dictionary): boolean;
  /** Writes the page's values plainly; returns where they ended. */
  protected abstract writePlain(out: Buffer, at: number): number;
  /** Gives the values' buffer away as the page, with the levels ahead, or null; for pages too large to be copied. */
  protected takePage(_levels: Buffer): Buffer | null {
    return null;
  }
  /** Looks at the page's values for the bounds; not called for the values that a dictionary holds, see `noteEntries`. */
  protected abstract noteValues(indexed: boolean): void;
  /** Looks at what the dictionary of the ending chunk holds. */
  protected abstract noteEntries(dictionary: Dictionary): void;
  /** The bounds of the ending chunk, in Parquet's physical form. */
  protected abstract takeBounds(): Bounds | null;
  protected abstract clearValues(): void;

  /** Called when the page has as many slots as there is room for. */
  protected makeRoom(): void {
    const { levels } = this;
    if (levels.maxRepetition === 0 && levels.slots >= this.slotsMax) {
      this.closePage(false);
      return;
    }
    const wanted = Math.max(256, levels.capacity * 2);
    const capacity = levels.maxRepetition === 0 ? Math.min(wanted, this.slotsMax) : wanted;
    this.growValues(capacity);
    levels.grow(capacity);
  }

  protected closePage(last: boolean): void {
    const { levels, chunk } = this;
    if (levels.slots === 0) return;
    const tiny = last && chunk.pageCount === 0 && this.valueBytes + levels.slots < TINY_BYTES;
    if (tiny) chunk.compression = 'none';
    const dictionary = tiny ? null : this.indexPage();
    this.noteValues(dictionary !== null);
    if (dictionary === null) this.closePlain();
    else this.closeIndexed(dictionary);
  }

  private closePlain(): void {
    const { levels, valueBytes } = this;
    if (valueBytes >= WIDE_BYTES && this.handOver(valueBytes)) return;
    const out = takeBuffer(levels.writtenBound + valueBytes);
    const at = levels.write(out, 0);
    this.addPage(out, this.writePlain(out, at), ENCODING.plain, valueBytes);
  }

  /** Makes the values' own buffer the page, where the subclass gives it away. */
  private handOver(valueBytes: number): boolean {
    const levels = takeBuffer(this.levels.writtenBound);
    const page = this.takePage(levels.subarray(0, this.levels.write(levels, 0)));
    returnBuffer(levels);
    if (page !== null) this.addPage(page, page.length, ENCODING.plain, valueBytes);
    return page !== null;
  }

  private closeIndexed(dictionary: Dictionary): void {
    const { levels, count } = this;
    // Width 0, for a single entry, is legal but not every reader takes it.
    const width = Math.max(1, bitWidthOf(dictionary.count - 1));
    const out = takeBuffer(levels.writtenBound + 1 + hybridBound(count, width));
    let at = levels.write(out, 0);
    out[at] = width;
    at = writeHybrid(dictionary.indexes, count, width, out, at + 1);
    this.addPage(out, at, ENCODING.rleDictionary, this.valueBytes);
  }

  private addPage(page: Buffer, length: number, encoding: number, valueBytes: number): void {
    const { levels } = this;
    this.rowsBegun += levels.countRows();
    this.chunk.addPage(encoding, page, length, levels.slots, this.pageFirstRow);
    this.nullCount += levels.absent;
    this.pageFirstRow = this.rowsBegun;
    this.closedBytes += valueBytes;
    levels.reset();
    this.count = 0;
    this.clearValues();
  }

  /** The dictionary, with the page's values indexed; null where the page is better written plainly. */
  private indexPage(): Dictionary | null {
    const first = this.chunk.pageCount === 0;
    if (first) {
      this.dictionary = this.settings.dictionary ? this.newDictionary() : null;
      this.dictionaryOpen = this.dictionary !== null;
    }
    const { dictionary } = this;
    if (dictionary === null || !this.dictionaryOpen || this.count === 0) return null;
    const before = dictionary.count;
    if (this.indexValues(dictionary) && (!first || this.pays(dictionary))) return dictionary;
    this.dictionaryOpen = false;
    if (before === 0) this.dictionary = null;
    else dictionary.rollback(before);
    return null;
  }

  private pays(dictionary: Dictionary): boolean {
    const indexBytes = (this.count * bitWidthOf(dictionary.count - 1)) / 8;
    return dictionary.byteLength + indexBytes < this.valueBytes * 0.75;
  }

  private writeDictionary(dictionary: Dictionary): void {
    this.noteEntries(dictionary);
    if (dictionary.count > 0) {
      const out = takeBuffer(dictionary.byteLength);
      this.chunk.addDictionary(out, dictionary.write(out, 0), dictionary.count);
    }
    this.dictionary = null;
    this.dictionaryOpen = false;
  }
}

/** Pages of so many bytes hold wide values, which `takePage` hands over. */
const WIDE_BYTES = 1024 * 1024;

/** A chunk smaller than this is stored as it is: a compressed frame would save less than it costs. */
const TINY_BYTES = 256;
