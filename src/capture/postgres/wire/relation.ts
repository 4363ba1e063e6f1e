import type { TableSchema } from '../../../record/table.ts';
import { Fields } from './fields.ts';

/**
 * What pgoutput says of a table before its first row and after every change of it.
 *
 *   'R' [Int32 xid, in a streamed transaction] Int32 oid, String schema ('' is pg_catalog), String table,
 *   Int8 replica identity, Int16 count, count times { Int8 flags (1: part of the replica identity), String name,
 *   Int32 type oid, Int32 type modifier }
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export interface RelationMessage {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** pg_class.relreplident: d default, n nothing, f full, i index. */
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  /** In wire order. Generated columns and columns outside the publication's column list are missing. */
  readonly columns: readonly RelationColumn[];
}

export interface RelationColumn {
  readonly name: string;
  /** Part of the replica identity: with `f` every column is. */
  readonly key: boolean;
  readonly typeOid: number;
  /** atttypmod, -1 for none. */
  readonly typeModifier: number;
}

/** How the rows that follow a Relation message become cells. What `TableCatalog.relation` answers. */
export interface RelationPlan {
  readonly table: TableSchema;
  /** Per wire column the index in `table.columns` that it fills, or -1: excluded, skipped without a cell. */
  readonly cellOf: Int32Array;
  /** Per wire column: 1 its codec reads the binary send form, 0 the text form, 2 it takes either (bytes as they are). */
  readonly form: Uint8Array;
  /** A batch ends with every transaction that touches this table: the signal table, whose rows are watermarks. */
  readonly cut: boolean;
  /** Of a partition, whose rows are rows of `table`: the oids of all partitions that are; it is one of them. */
  readonly parts?: readonly number[] | null;
}

export const Form = { text: 0, binary: 1, any: 2 } as const;

/** @throws IcestreamError postgres.protocol; `start` is behind the xid, if there is one */
export function parseRelation(bytes: Buffer, start: number, end: number): RelationMessage {
  const fields = new Fields(bytes, start, end, 'Relation');
  const oid = fields.uint32();
  const schema = fields.string();
  const table = fields.string();
  const identity = String.fromCharCode(fields.uint8());
  const count = fields.uint16();
  const columns: RelationColumn[] = [];
  for (let i = 0; i < count; i++) {
    const key = (fields.uint8() & 1) === 1;
    columns.push({ name: fields.string(), key, typeOid: fields.uint32(), typeModifier: fields.int32() });
  }
  fields.done();
  if (identity !== 'd' && identity !== 'n' && identity !== 'f' && identity !== 'i')
    throw fields.error(`replica identity ${identity}`);
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, table, replicaIdentity: identity, columns };
}
