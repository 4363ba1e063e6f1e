import type { PlacedChunk } from './chunk.ts';
import { CODEC, CONVERTED, ENCODING, MAGIC, PAGE, PHYSICAL, REPETITION } from './format.ts';
import type { LeafPlan, LogicalAnnotation, SchemaElement } from './plan.ts';
import { ThriftWriter } from './thrift.ts';

/** A row group as the footer describes it. */
export interface PlacedGroup {
  readonly offset: number;
  readonly rowCount: number;
  readonly chunks: readonly PlacedChunk[];
}

export interface FooterFacts {
  readonly elements: readonly SchemaElement[];
  readonly rowCount: number;
  readonly groups: readonly PlacedGroup[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** parquet-mr trusts the statistics of byte columns only from writers whose name it can parse. */
const CREATED_BY = 'icestream version 0.1.0 (build 0)';

/** Everything behind the row groups: offset indexes, `FileMetaData`, its length and the magic. */
export function renderFooter(facts: FooterFacts, offset: number): Buffer {
  const parts: Buffer[] = [];
  let at = offset;
  const indexes = facts.groups.map((group) => {
    // One page needs no index; a row group has one for all of its columns or for none.
    if (group.chunks.every((chunk) => chunk.pages.length < 2)) return null;
    return group.chunks.map((chunk) => {
      const bytes = renderOffsetIndex(chunk);
      parts.push(bytes);
      at += bytes.length;
      return { offset: at - bytes.length, length: bytes.length };
    });
  });
  const metadata = renderMetadata(facts, indexes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(metadata.length);
  return Buffer.concat([...parts, metadata, length, MAGIC]);
}

type IndexPlace = { readonly offset: number; readonly length: number };

function renderOffsetIndex(chunk: PlacedChunk): Buffer {
  const thrift = new ThriftWriter();
  thrift.structs(1, chunk.pages, (page) => {
    thrift.i64(1, page.offset);
    thrift.i32(2, page.storedBytes);
    thrift.i64(3, page.firstRow);
  });
  return thrift.finish();
}

function renderMetadata(facts: FooterFacts, indexes: readonly (readonly IndexPlace[] | null)[]): Buffer {
  const thrift = new ThriftWriter(4096);
  thrift.i32(1, 1);
  thrift.structs(2, facts.elements, (element) => writeElement(thrift, element));
  thrift.i64(3, facts.rowCount);
  thrift.structs(4, facts.groups, (group, i) => writeGroup(thrift, group, i, indexes[i]));
  thrift.structs(5, Object.entries(facts.metadata), ([key, value]) => {
    thrift.string(1, key);
    thrift.string(2, value);
  });
  thrift.string(6, CREATED_BY);
  // TypeDefinedOrder for every leaf: without it min_value and max_value mean nothing.
  const leaves = facts.elements.filter((element) => element.physical !== undefined);
  thrift.structs(7, leaves, () => thrift.empty(1));
  return thrift.finish();
}

function writeElement(thrift: ThriftWriter, element: SchemaElement): void {
  if (element.physical !== undefined) thrift.i32(1, PHYSICAL[element.physical]);
  if (element.typeLength !== undefined) thrift.i32(2, element.typeLength);
  if (element.repetition !== undefined) thrift.i32(3, REPETITION[element.repetition]);
  thrift.string(4, element.name);
  if (element.children !== undefined) thrift.i32(5, element.children);
  if (element.converted !== undefined) thrift.i32(6, element.converted);
  if (element.converted === CONVERTED.decimal) {
    thrift.i32(7, element.scale!);
    thrift.i32(8, element.precision!);
  }
  if (element.fieldId !== undefined) thrift.i32(9, element.fieldId);
  if (element.logical !== undefined) {
    const { logical } = element;
    thrift.struct(10, () => writeLogical(thrift, logical, element));
  }
}

/** The union `LogicalType`. */
function writeLogical(thrift: ThriftWriter, logical: LogicalAnnotation, element: SchemaElement): void {
  switch (logical) {
    case 'string':
      return thrift.empty(1);
    case 'map':
      return thrift.empty(2);
    case 'list':
      return thrift.empty(3);
    case 'decimal':
      return thrift.struct(5, () => {
        thrift.i32(1, element.scale!);
        thrift.i32(2, element.precision!);
      });
    case 'date':
      return thrift.empty(6);
    case 'time':
      return writeMicros(thrift, 7, false);
    case 'timestamp':
      return writeMicros(thrift, 8, false);
    case 'timestamptz':
      return writeMicros(thrift, 8, true);
    case 'uuid':
      return thrift.empty(14);
  }
}

function writeMicros(thrift: ThriftWriter, id: number, adjustedToUtc: boolean): void {
  thrift.struct(id, () => {
    thrift.bool(1, adjustedToUtc);
    thrift.struct(2, () => thrift.empty(2));
  });
}

function writeGroup(
  thrift: ThriftWriter,
  group: PlacedGroup,
  ordinal: number,
  indexes: readonly IndexPlace[] | null,
): void {
  thrift.structs(1, group.chunks, (chunk, i) => {
    thrift.i64(2, chunk.dictionaryOffset ?? chunk.dataOffset);
    thrift.struct(3, () => writeChunk(thrift, chunk));
    if (indexes !== null) {
      thrift.i64(4, indexes[i].offset);
      thrift.i32(5, indexes[i].length);
    }
  });
  thrift.i64(
    2,
    sum(group.chunks, (chunk) => chunk.rawBytes),
  );
  thrift.i64(3, group.rowCount);
  thrift.i64(5, group.offset);
  thrift.i64(
    6,
    sum(group.chunks, (chunk) => chunk.storedBytes),
  );
  // The ordinal is 16 bits wide and optional.
  if (ordinal <= 0x7fff) thrift.i16(7, ordinal);
}

function writeChunk(thrift: ThriftWriter, chunk: PlacedChunk): void {
  const dataEncodings = [...new Set(chunk.pages.map((page) => page.encoding))];
  const hasDictionary = chunk.dictionaryOffset !== null;
  const used = new Set<number>([...dataEncodings, ENCODING.rle, ...(hasDictionary ? [ENCODING.plain] : [])]);
  thrift.i32(1, PHYSICAL[chunk.plan.physical]);
  thrift.i32s(2, [...used]);
  thrift.strings(3, chunk.plan.path);
  thrift.i32(4, CODEC[chunk.compression]);
  thrift.i64(5, chunk.valueCount);
  thrift.i64(6, chunk.rawBytes);
  thrift.i64(7, chunk.storedBytes);
  thrift.i64(9, chunk.dataOffset);
  if (hasDictionary) thrift.i64(11, chunk.dictionaryOffset!);
  writeStatistics(thrift, chunk);
  const counts = dataEncodings.map((encoding) => {
    const count = chunk.pages.filter((page) => page.encoding === encoding).length;
    return { type: PAGE.data as number, encoding, count };
  });
  if (hasDictionary) counts.unshift({ type: PAGE.dictionary, encoding: ENCODING.plain, count: 1 });
  thrift.structs(13, counts, ({ type, encoding, count }) => {
    thrift.i32(1, type);
    thrift.i32(2, encoding);
    thrift.i32(3, count);
  });
}

function writeStatistics(thrift: ThriftWriter, chunk: PlacedChunk): void {
  const { min, max, minExact, maxExact, nullCount } = chunk.statistics;
  const mayBeCut = isByteArray(chunk.plan);
  thrift.struct(12, () => {
    thrift.i64(3, nullCount);
    if (max !== null) thrift.binary(5, max);
    if (min !== null) thrift.binary(6, min);
    if (max !== null && mayBeCut) thrift.bool(7, maxExact);
    if (min !== null && mayBeCut) thrift.bool(8, minExact);
  });
}

function isByteArray(plan: LeafPlan): boolean {
  return plan.physical === 'byteArray';
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
