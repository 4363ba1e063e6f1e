import { IcestreamError } from '../../base/errors.ts';
import type { Column, TableSchema } from '../../record/table.ts';
import type { Codec, LogicalType } from '../../record/value.ts';
import { type CodecOptions, columnType, type PgType } from './codecs/index.ts';
import type { PostgresConfig } from './config.ts';
import type { Filters } from './filters.ts';
import { isMaskable, maskedCodec, maskFor } from './masks.ts';
import type { AttributeRow, IndexColumns, RelationRow } from './pg-catalog.ts';

/** One version of one captured table. */
export interface PostgresTable extends TableSchema {
  readonly columns: readonly PostgresColumn[];
  readonly logged?: PostgresTable;
  readonly whole?: PostgresTable;
  /** Of a part: columns that the whole alone has, as the column lists say; events of the part are without them. */
  readonly hidden?: ReadonlySet<string>;
  readonly oid: number;
  /** Reading it reads its partitions, or what inherits from it, as part of it. */
  readonly withChildren: boolean;
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  /** Names of the primary key's columns in index order, whatever the key is; chunks go along them. */
  readonly primaryKey: readonly string[];
  /** The same of the first unique index by name, which is what Debezium takes where there is no primary key. */
  readonly uniqueKey: readonly string[];
  /** Columns that nobody can read, by name with the reason; they are not in `columns`. */
  readonly omitted: ReadonlyMap<string, string>;
  /** Columns are described as the stream does where Debezium tells that apart, as with `column.propagate.source.type`. */
  readonly asStreamed: boolean;
}

export interface PostgresColumn extends Column {
  readonly typeOid: number;
  readonly typmod: number;
  /** Form of its cells, in the stream and in a snapshot: `text` where the type has no send function. */
  readonly wireFormat: 'binary' | 'text';
  /**
   * What rows have that are older than the column (P-3): `none` NULL, `constant` the value in `missingCell`, `rewritten`
   * each row its own (a volatile default, an identity, or a constant that a later rewrite has put into the rows).
   */
  readonly added: 'none' | 'constant' | 'rewritten';
  readonly missingCell: Uint8Array | null;
  /** SQL of the default, null for none. */
  readonly defaultSql: string | null;
  /** pg_type.typname, a domain's own. */
  readonly typeName: string;
  /** The type without its domains. */
  readonly root: RootType;
  /** Only in the key of Debezium's events, which has its columns whatever the column lists say. */
  readonly keyOnly: boolean;
  /** What `codec` is without a mask. */
  readonly plainCodec: Codec;
}

/** A type that is no domain, with the type modifier that holds for it. */
export interface RootType {
  readonly type: PgType;
  readonly typmod: number;
  readonly logical: LogicalType;
  /** Of an array. */
  readonly element: PgType | null;
}

/** One column as the catalog or a Relation message has it. */
export interface ColumnFacts {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** Null where a Relation message names a column that the catalog no longer knows. */
  readonly attribute: AttributeRow | null;
  readonly attnum: number | null;
}

export interface TableParts {
  readonly relation: RelationRow;
  readonly columns: readonly ColumnFacts[];
  readonly indexes: IndexColumns;
  readonly keyOverride: readonly string[] | null;
  /** Binary cells by column name. */
  readonly defaults: ReadonlyMap<string, Uint8Array>;
  readonly missing: ReadonlyMap<string, Uint8Array>;
}

export interface SchemaContext {
  readonly config: PostgresConfig;
  readonly filters: Filters;
  readonly lookup: (oid: number) => PgType | undefined;
  readonly codecOptions: CodecOptions;
  readonly asStreamed: boolean;
  /** As Debezium has it: what inherits from a table is read with it, and a unique index is a key. */
  readonly eventsOnly: boolean;
}

/**
 * Puts a table together. Column filters leave columns out, masks change what their codecs write. A table whose key cannot
 * be read has none, and a `fault`.
 */
export function buildTable(parts: TableParts, context: SchemaContext, version: number): PostgresTable {
  const { relation } = parts;
  const name = `${relation.schema}.${relation.name}`;
  const omitted = new Map<string, string>();
  const columns: PostgresColumn[] = [];
  const primaryKey = namesOf(parts.indexes.primaryKey, parts.columns);
  const uniqueKey = namesOf(parts.indexes.unique, parts.columns);
  const eventKey = context.eventsOnly ? eventKeyOf(name, primaryKey, uniqueKey, context.config) : [];
  for (const facts of parts.columns) {
    const isIncluded = context.filters.column(relation.schema, relation.name, facts.name);
    if (!isIncluded && !eventKey.includes(facts.name)) continue;
    const column = buildColumn(name, facts, parts, context);
    if (column === null) omitted.set(facts.name, unreadable(facts, context));
    else if (isIncluded) columns.push(column);
    else columns.push({ ...column, keyOnly: true, nullable: true, defaultSql: null, defaultCell: null });
  }
  const known = keyOf(name, parts, primaryKey, context.config);
  const isUnique = known.length === 0 && context.eventsOnly;
  const keyNames = isUnique && uniqueKey.every((key) => indexOf(key, columns) >= 0) ? uniqueKey : known;
  const fault = unreadableKey(name, keyNames, columns, omitted);
  return {
    id: { database: context.config['database.dbname'], schema: relation.schema, table: relation.name },
    name,
    version,
    sourceId: String(relation.oid),
    oid: relation.oid,
    withChildren: relation.kind === 'p' || (relation.hasChildren && context.eventsOnly),
    replicaIdentity: relation.replicaIdentity,
    columns,
    primaryKey,
    uniqueKey,
    keyColumns: fault === null ? keyNames.map((key) => indexOf(key, columns)) : [],
    beforeColumns: beforeColumns(parts, primaryKey, columns),
    omitted,
    asStreamed: context.asStreamed,
    fault,
  };
}

/**
 * Names of the columns of an event's key: `message.key.columns`, else the primary key, else the first unique index, whatever
 * the lake's key and the replica identity are.
 */
export function eventKeyOf(
  table: string,
  primaryKey: readonly string[],
  uniqueKey: readonly string[],
  config: PostgresConfig,
): readonly string[] {
  const rule = config.keyColumns.find((candidate) => candidate.table.test(table));
  return rule?.columns ?? (primaryKey.length > 0 ? primaryKey : uniqueKey);
}

function buildColumn(
  table: string,
  facts: ColumnFacts,
  parts: TableParts,
  context: SchemaContext,
): PostgresColumn | null {
  const type = columnType(facts.typeOid, facts.typmod, context.lookup, context.codecOptions);
  if (type === null) return null;
  const root = rootOf(facts.typeOid, facts.typmod, type.type, context.lookup);
  const mask = isMaskable(type.type, root.type.name)
    ? maskFor(context.config.masks, table, facts.name)
    : null;
  const missingCell = parts.missing.get(facts.name) ?? null;
  const added = missingCell !== null ? 'constant' : isRewritten(facts.attribute) ? 'rewritten' : 'none';
  return {
    name: facts.name,
    sourceId: facts.attnum,
    type: type.type,
    sourceType: facts.attribute?.sourceType ?? context.lookup(facts.typeOid)?.name ?? '',
    nullable: !(facts.attribute?.notNull ?? false),
    codec: mask === null ? type.codec : maskedCodec(type.codec, mask, lengthOf(root)),
    defaultCell: parts.defaults.get(facts.name) ?? null,
    typeOid: facts.typeOid,
    typmod: facts.typmod,
    wireFormat: type.wireFormat,
    added,
    hasOlderValues: added !== 'none',
    missingCell,
    defaultSql: facts.attribute?.defaultSql ?? null,
    typeName: context.lookup(facts.typeOid)?.name ?? '',
    root,
    keyOnly: false,
    plainCodec: type.codec,
  };
}

/** In characters; null: as long as one likes. */
export function lengthOf({ type, logical }: RootType): number | null {
  if (type.name === 'char') return 1;
  return logical.kind === 'string' ? logical.length : null;
}

function rootOf(
  oid: number,
  typmod: number,
  logical: LogicalType,
  lookup: (oid: number) => PgType | undefined,
): RootType {
  const type = lookup(oid)!;
  if (type.kind === 'd')
    return rootOf(type.element, type.typmod >= 0 ? type.typmod : typmod, logical, lookup);
  return { type, typmod, logical, element: type.element === 0 ? null : (lookup(type.element) ?? null) };
}

function isRewritten(attribute: AttributeRow | null): boolean {
  return attribute !== null && (attribute.defaultSql !== null || attribute.identity !== '');
}

function unreadable(facts: ColumnFacts, context: SchemaContext): string {
  const type = context.lookup(facts.typeOid);
  if (type?.kind === 'c') return 'a composite type is read only with include.unknown.datatypes=true';
  return `the binary form of type ${type?.name ?? facts.typeOid} is not known`;
}

/** L-9: what the sink's configuration names, else `message.key.columns`, else the primary key, else the replica index. */
function keyOf(
  table: string,
  parts: TableParts,
  primaryKey: readonly string[],
  config: PostgresConfig,
): readonly string[] {
  if (parts.keyOverride !== null) return parts.keyOverride;
  const rule = config.keyColumns.find((candidate) => candidate.table.test(table));
  if (rule !== undefined) return rule.columns;
  if (primaryKey.length > 0) return primaryKey;
  return namesOf(parts.indexes.replicaIndex, parts.columns);
}

function indexOf(name: string, columns: readonly PostgresColumn[]): number {
  return columns.findIndex((column) => column.name === name);
}

function unreadableKey(
  table: string,
  names: readonly string[],
  columns: readonly PostgresColumn[],
  omitted: ReadonlyMap<string, string>,
): IcestreamError | null {
  const name = names.find((candidate) => indexOf(candidate, columns) < 0);
  if (name === undefined) return null;
  const reason = omitted.get(name) ?? 'the column does not exist, is not published or is excluded';
  return new IcestreamError('table.unsupported-type', `a key column of ${table} cannot be read: ${reason}`, {
    context: { table, column: name },
    hint: 'Name other key columns, or include this one in the publication and in the column lists.',
  });
}

/** What a lake needs beyond that: deletes are merged by what the log has of a deleted row. */
export function incompleteKey(table: PostgresTable): IcestreamError | null {
  const lacking = table.keyColumns.filter((index) => !table.beforeColumns.includes(index));
  if (lacking.length === 0 || table.replicaIdentity === 'n') return null;
  return new IcestreamError('table.key-not-in-image', `deletes of ${table.name} do not carry its whole key`, {
    context: { table: table.name, columns: lacking.map((index) => table.columns[index].name).join(', ') },
  });
}

/** Columns that the before-image of an update or delete holds, by replica identity. */
function beforeColumns(
  parts: TableParts,
  primaryKey: readonly string[],
  columns: readonly PostgresColumn[],
): number[] {
  const identity = parts.relation.replicaIdentity;
  if (identity === 'f') return columns.map((_, index) => index);
  const names =
    identity === 'd'
      ? primaryKey
      : identity === 'i'
        ? namesOf(parts.indexes.replicaIndex, parts.columns)
        : [];
  return names.map((name) => indexOf(name, columns)).filter((i) => i >= 0);
}

function namesOf(numbers: readonly number[], columns: readonly ColumnFacts[]): string[] {
  const names: string[] = [];
  for (const number of numbers) {
    const column = columns.find((candidate) => candidate.attnum === number);
    if (column === undefined) return [];
    names.push(column.name);
  }
  return names;
}

/**
 * Which attribute each column of a Relation message is. The message may be older than the catalog: columns were
 * renamed or dropped since. `previous` has the numbers that the log's version before had, which is nearer than the
 * catalog. What is left: both are in the order of attribute numbers, and numbers never go away, so where as many
 * columns as attributes lie between two known ones, they are the same, whatever they are called now.
 */
export function alignColumns(
  names: readonly string[],
  attributes: readonly AttributeRow[],
  previous: ReadonlyMap<string, number> = new Map(),
): readonly (AttributeRow | null)[] {
  const aligned: (AttributeRow | null)[] = names.map(
    (name) =>
      knownBefore(name, names, attributes, previous) ??
      attributes.find((attribute) => !attribute.dropped && attribute.name === name) ??
      null,
  );
  let from = 0;
  while (from < names.length) {
    if (aligned[from] !== null) {
      from++;
      continue;
    }
    let to = from;
    while (to < names.length && aligned[to] === null) to++;
    const above = from === 0 ? 0 : aligned[from - 1]!.number;
    // Behind the last known column newer ones may follow, so nothing limits that gap.
    const below = to === names.length ? null : aligned[to]!.number;
    const between = attributes.filter(({ number }) => number > above && (below === null || number < below));
    if (between.length === to - from) aligned.splice(from, to - from, ...between);
    from = to;
  }
  return aligned;
}

/** The attribute of the version before, unless the message has it under the name that it has now. */
function knownBefore(
  name: string,
  names: readonly string[],
  attributes: readonly AttributeRow[],
  previous: ReadonlyMap<string, number>,
): AttributeRow | null {
  const number = previous.get(name);
  const found = attributes.find((attribute) => attribute.number === number) ?? null;
  if (found === null || found.name === name) return found;
  if (!found.dropped) return names.includes(found.name) ? null : found;
  return isMadeAnew(name, found.number, names, attributes) ? null : found;
}

/** Whether a column was dropped and made again: columns stand in the order of their numbers, and it stands behind a newer one. */
function isMadeAnew(
  name: string,
  before: number,
  names: readonly string[],
  attributes: readonly AttributeRow[],
): boolean {
  const now = attributes.find((attribute) => !attribute.dropped && attribute.name === name);
  if (now === undefined) return false;
  const left = new Set(names.slice(0, names.indexOf(name)));
  return attributes.some(
    (it) => !it.dropped && left.has(it.name) && it.number > before && it.number < now.number,
  );
}
