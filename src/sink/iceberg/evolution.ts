import { IcestreamError } from '../../base/errors.ts';
import { decimalOf, type IcebergType, type NestedField, type Schema } from '../../iceberg/schema.ts';
import type { Column, TableSchema } from '../../record/table.ts';
import { typeName } from './completeness.ts';
import { lakeType } from './lake-type.ts';

/**
 * How lake fields and source columns belong together: field id to the source's lasting column number. Kept as a table
 * property, because it alone proves that a column was renamed, or dropped and added again under its old name (P-3).
 */
export interface ColumnIdentity {
  /** `TableSchema.sourceId` that the numbers belong to. */
  readonly table: string;
  readonly columns: Readonly<Record<string, number>>;
  /** Field id to the source's type of then, without parameters; a table of an older release has none. */
  readonly types?: Readonly<Record<string, string>>;
}

export interface EvolvedSchema {
  readonly schema: Schema;
  readonly lastColumnId: number;
  readonly identity: ColumnIdentity;
  /** What changed, in words for the log; empty when the lake's schema fits as it is. */
  readonly changes: readonly string[];
}

/** Columns that tables without a key carry besides the source's (L-9). */
export const CDC_COLUMNS = [
  { name: '_cdc_op', type: 'string' },
  { name: '_cdc_ts', type: 'timestamptz' },
  { name: '_cdc_position', type: 'long' },
] as const satisfies readonly { name: string; type: IcebergType }[];

/** The lake schema of a table that does not exist yet. */
export function newLakeSchema(table: TableSchema): EvolvedSchema {
  let lastId = 0;
  const nextId = () => ++lastId;
  const ids = table.columns.map(nextId);
  const keyed = new Set(table.keyColumns);
  const fields: NestedField[] = table.columns.map((column, i) => ({
    id: ids[i],
    name: column.name,
    // Only keys are required: identifier fields must be, and every other column may lose its NOT NULL at the source.
    required: keyed.has(i),
    type: lakeType(column.type, nextId),
  }));
  if (table.keyColumns.length === 0) {
    for (const { name, type } of CDC_COLUMNS) fields.push({ id: nextId(), name, required: false, type });
  }
  const identifiers = table.keyColumns.map((i) => ids[i]);
  const schema: Schema = { type: 'struct', 'schema-id': 0, fields, ...identifierFields(identifiers) };
  return { schema, lastColumnId: lastId, identity: identityOf(table, ids), changes: [] };
}

/**
 * The lake's schema brought up to the source's: columns are added, widened, renamed, made optional; one that is gone at
 * the source stays, nullable.
 *
 * @param replacing the content is about to be replaced as a whole (L-6): a column whose type does not fit becomes a new
 *   field in place of the old one; `pinned` are the fields that must stay because partitions are made of them
 * @throws IcestreamError table.incompatible-schema when a column's new type cannot hold what the lake has
 */
export function evolveLakeSchema(
  lake: Schema,
  lastColumnId: number,
  identity: ColumnIdentity | null,
  table: TableSchema,
  replacing: { readonly pinned: ReadonlySet<number> } | null = null,
): EvolvedSchema {
  const changes: string[] = [];
  let lastId = lastColumnId;
  const nextId = () => ++lastId;
  const known = identity !== null && identity.table === table.sourceId ? identity.columns : {};
  const fieldOf = matchFields(lake, known, table);
  if (replacing !== null) {
    for (const [i, column] of table.columns.entries()) {
      const field = fieldOf[i];
      if (field !== null && !replacing.pinned.has(field.id) && !fits(field, column)) fieldOf[i] = null;
    }
  }
  const matched = new Set(fieldOf.filter((field) => field !== null));
  const names = new Set(table.columns.map((column) => column.name));
  const keyed = new Set(table.keyColumns);

  const kept: NestedField[] = [];
  const ids: number[] = [];
  const updated = new Map<number, NestedField>();
  const added: NestedField[] = [];
  table.columns.forEach((column, i) => {
    const field = fieldOf[i];
    if (field === null) {
      const id = nextId();
      added.push({ id, name: column.name, required: false, type: lakeType(column.type, nextId) });
      changes.push(`add ${column.name}`);
      ids.push(id);
      return;
    }
    updated.set(field.id, evolveField(field, column, keyed.has(i), table, changes, nextId));
    ids.push(field.id);
  });
  for (const field of lake.fields) {
    const now = updated.get(field.id);
    if (now !== undefined) kept.push(now);
    else if (!matched.has(field) && names.has(field.name)) changes.push(`drop the old ${field.name}`);
    else kept.push(field.required ? optional(field, changes) : field);
  }
  const identifiers = table.keyColumns.map((i) => ids[i]);
  const schema: Schema = {
    type: 'struct',
    'schema-id': lake['schema-id'],
    fields: [...kept, ...added],
    ...identifierFields(identifiers.filter((id) => updated.get(id)?.required)),
  };
  return {
    schema,
    lastColumnId: lastId,
    identity: remembered(known, schema, identityOf(table, ids)),
    changes,
  };
}

/**
 * `identity` with the numbers of columns that are gone at the source but not in the lake: without them, a column added
 * later under the name of such a one would be taken for it, and old rows would show its old values.
 */
function remembered(
  known: Readonly<Record<string, number>>,
  schema: Schema,
  identity: ColumnIdentity,
): ColumnIdentity {
  const columns: Record<string, number> = {};
  for (const { id } of schema.fields) {
    const number = identity.columns[String(id)] ?? known[String(id)];
    if (number !== undefined) columns[String(id)] = number;
  }
  return { ...identity, columns };
}

/** For every source column its lake field: by lasting number where that is known, else by name. */
function matchFields(
  lake: Schema,
  known: Readonly<Record<string, number>>,
  table: TableSchema,
): (NestedField | null)[] {
  const byNumber = new Map<number, NestedField>();
  for (const field of lake.fields) {
    const number = known[String(field.id)];
    if (number !== undefined) byNumber.set(number, field);
  }
  return table.columns.map((column) => {
    const proven = column.sourceId === null ? undefined : byNumber.get(column.sourceId);
    if (proven !== undefined) return proven;
    const named = lake.fields.find((field) => field.name === column.name);
    // A field known under another number is a column of the past that happened to bear this name.
    return named !== undefined && known[String(named.id)] === undefined ? named : null;
  });
}

function evolveField(
  field: NestedField,
  column: Column,
  key: boolean,
  table: TableSchema,
  changes: string[],
  nextId: () => number,
): NestedField {
  const wanted = lakeType(column.type, nextId);
  const type = widened(field.type, wanted);
  if (type === null) {
    throw new IcestreamError(
      'table.incompatible-schema',
      `column ${column.name} of ${table.name} became ${column.sourceType}, which its lake type ${printType(field.type)} cannot hold`,
      { context: { table: table.name, column: column.name } },
    );
  }
  if (type !== field.type)
    changes.push(`widen ${field.name} from ${printType(field.type)} to ${printType(type)}`);
  if (field.name !== column.name) changes.push(`rename ${field.name} to ${column.name}`);
  const evolved = { ...field, name: column.name, type };
  return field.required && !key ? optional(evolved, changes) : evolved;
}

function optional(field: NestedField, changes: string[]): NestedField {
  changes.push(`make ${field.name} optional`);
  return { ...field, required: false };
}

function fits(field: NestedField, column: Column): boolean {
  return (
    widened(
      field.type,
      lakeType(column.type, () => 0),
    ) !== null
  );
}

/** The type that holds both what the lake has and what comes, by the promotions of format version 2; null if none does. */
function widened(lake: IcebergType, wanted: IcebergType): IcebergType | null {
  if (lake === wanted) return lake;
  if (lake === 'int' && wanted === 'long') return 'long';
  if (lake === 'long' && wanted === 'int') return lake;
  if (lake === 'float' && wanted === 'double') return 'double';
  if (lake === 'double' && wanted === 'float') return lake;
  const from = decimalOf(lake);
  const to = decimalOf(wanted);
  if (from !== null && to !== null && from.scale >= to.scale) {
    const precision = Math.max(from.precision, to.precision + from.scale - to.scale);
    if (precision > 38) return null;
    return precision === from.precision ? lake : (`decimal(${precision}, ${from.scale})` as IcebergType);
  }
  return sameShape(lake, wanted) ? lake : null;
}

/** Nested types are equal when only their ids differ. */
function sameShape(a: IcebergType, b: IcebergType): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  if (a.type === 'list' && b.type === 'list') return sameShape(a.element, b.element);
  if (a.type === 'map' && b.type === 'map') return sameShape(a.key, b.key) && sameShape(a.value, b.value);
  if (a.type !== 'struct' || b.type !== 'struct') return false;
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => field.name === b.fields[i].name && sameShape(field.type, b.fields[i].type))
  );
}

function printType(type: IcebergType): string {
  return typeof type === 'string' ? type : type.type;
}

function identifierFields(ids: readonly number[]): { 'identifier-field-ids'?: readonly number[] } {
  return ids.length === 0 ? {} : { 'identifier-field-ids': ids };
}

function identityOf(table: TableSchema, ids: readonly number[]): ColumnIdentity {
  const columns: Record<string, number> = {};
  const types: Record<string, string> = {};
  table.columns.forEach((column, i) => {
    if (column.sourceId === null) return;
    columns[String(ids[i])] = column.sourceId;
    types[String(ids[i])] = typeName(column);
  });
  return { table: table.sourceId, columns, types };
}
