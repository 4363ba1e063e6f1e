import type { PageCompressor } from './compressor.ts';
import { type Compression, ENCODING, PAGE } from './format.ts';
import type { LeafPlan } from './plan.ts';
import { ThriftWriter } from './thrift.ts';

/** What the footer says of a chunk's values; bounds in the physical form that Parquet statistics have. */
export interface ChunkStatistics {
  readonly nullCount: number;
  readonly min: Uint8Array | null;
  readonly max: Uint8Array | null;
  readonly minExact: boolean;
  readonly maxExact: boolean;
}

/** A chunk at its place in the file. */
export interface PlacedChunk {
  readonly plan: LeafPlan;
  readonly compression: Compression;
  readonly valueCount: number;
  /** With page headers, before and after compression. */
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly dictionaryOffset: number | null;
  readonly dataOffset: number;
  readonly statistics: ChunkStatistics;
  readonly pages: readonly PlacedPage[];
}

export interface PlacedPage {
  readonly encoding: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly firstRow: number;
}

interface Page {
  readonly encoding: number;
  readonly firstRow: number;
  readonly rawBytes: number;
  header: Buffer;
  body: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** The finished pages of one column in one row group, kept until the row group is written. */
export class ColumnChunk {
  readonly plan: LeafPlan;
  /** Memory that the pages hold: their size before compression until that is done. */
  heldBytes = 0;
  valueCount = 0;
  statistics: ChunkStatistics = { nullCount: 0, min: null, max: null, minExact: false, maxExact: false };
  /** May be changed until the first page is added: tiny chunks are not worth compressing. */
  compression: Compression;
  private readonly compressor: PageCompressor;
  private readonly pages: Page[] = [];
  private dictionary: Page | null = null;
  private pending: Promise<void>[] = [];

  constructor(plan: LeafPlan, compressor: PageCompressor) {
    this.plan = plan;
    this.compressor = compressor;
    this.compression = compressor.compression;
  }

  get pageCount(): number {
    return this.pages.length;
  }

  /** Takes over `buffer`, of which `length` bytes are the page. */
  addPage(encoding: number, buffer: Buffer, length: number, slots: number, firstRow: number): void {
    this.valueCount += slots;
    this.pages.push(this.compress({ encoding, firstRow, slots, type: PAGE.data }, buffer, length));
  }

  addDictionary(buffer: Buffer, length: number, entries: number): void {
    const facts = { encoding: ENCODING.plain, firstRow: 0, slots: entries, type: PAGE.dictionary };
    this.dictionary = this.compress(facts, buffer, length);
  }

  /** Resolves when every page has been compressed. */
  async ready(): Promise<void> {
    await Promise.all(this.pending);
    this.pending = [];
  }

  /** Puts the chunk at `offset`, once it is ready. The bytes go to `parts` and are not held here any longer. */
  place(offset: number, parts: Buffer[]): PlacedChunk {
    let at = offset;
    let rawBytes = 0;
    const put = (page: Page): PlacedPage => {
      const storedBytes = page.header.length + page.body.length;
      const placed = { encoding: page.encoding, offset: at, storedBytes, firstRow: page.firstRow };
      parts.push(page.header, page.body);
      at += storedBytes;
      rawBytes += page.header.length + page.rawBytes;
      return placed;
    };
    const dictionary = this.dictionary === null ? null : put(this.dictionary);
    const dataOffset = at;
    const pages = this.pages.splice(0).map(put);
    this.dictionary = null;
    return {
      plan: this.plan,
      compression: this.compression,
      valueCount: this.valueCount,
      rawBytes,
      storedBytes: at - offset,
      dictionaryOffset: dictionary?.offset ?? null,
      dataOffset,
      statistics: this.statistics,
      pages,
    };
  }

  private compress(facts: PageFacts, buffer: Buffer, length: number): Page {
    const { encoding, firstRow } = facts;
    const page: Page = { encoding, firstRow, rawBytes: length, header: NOTHING, body: NOTHING };
    this.heldBytes += length;
    const fill = (body: Buffer): void => {
      page.header = pageHeader(facts, length, body.length);
      page.body = body;
      this.heldBytes += page.header.length + body.length - length;
    };
    const body = this.compressor.compress(buffer, length, this.compression);
    if (body instanceof Promise) this.pending.push(quiet(body.then(fill)));
    else fill(body);
    return page;
  }
}

/** A failure shows when the chunk is awaited, and the compressor keeps it too: until then it is nobody's. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

interface PageFacts {
  readonly type: number;
  readonly encoding: number;
  readonly firstRow: number;
  readonly slots: number;
}

function pageHeader(facts: PageFacts, rawBytes: number, storedBytes: number): Buffer {
  const thrift = new ThriftWriter(64);
  thrift.i32(1, facts.type);
  thrift.i32(2, rawBytes);
  thrift.i32(3, storedBytes);
  if (facts.type === PAGE.data) {
    thrift.struct(5, () => {
      thrift.i32(1, facts.slots);
      thrift.i32(2, facts.encoding);
      thrift.i32(3, ENCODING.rle);
      thrift.i32(4, ENCODING.rle);
    });
  } else {
    thrift.struct(7, () => {
      thrift.i32(1, facts.slots);
      thrift.i32(2, facts.encoding);
    });
  }
  return thrift.finish();
}
