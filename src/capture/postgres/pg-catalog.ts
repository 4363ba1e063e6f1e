/**
 * What pg_catalog says of tables. Rows are objects here: a few per table, never per change.
 */

/** Anything that runs a query: a client, or a connection that comes back after it was lost. */
export interface Queries {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ readonly rows: Row[] }>;
}

export interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** r table, p partitioned table. */
  readonly kind: 'r' | 'p';
  /** Other tables inherit from it, or did once; partitions count, too. */
  readonly hasChildren: boolean;
  /** d default (primary key), n nothing, f full, i index. */
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  /** The partitioned table that it is a part of at the top, or 0. */
  readonly root: number;
  /** Planner's estimate, -1 when the table was never analysed; of a partitioned table the sum of its leaves. */
  readonly rowEstimate: number;
}

const RELATIONS = `
  SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relhassubclass AS "hasChildren",
    c.relreplident AS "replicaIdentity",
    CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) ELSE 0 END::int8 AS root,
    CASE WHEN c.relkind = 'p' THEN (
      SELECT coalesce(sum(greatest(l.reltuples, 0)), -1) FROM pg_catalog.pg_partition_tree(c.oid) t
      JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf
    ) ELSE c.reltuples END::float8 AS "rowEstimate"
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'`;

/** Every table that logical replication can carry, in Debezium's order: by schema and name. */
export async function readRelations(queries: Queries): Promise<RelationRow[]> {
  const { rows } = await queries.query<Numbers<RelationRow, 'oid' | 'root'>>(`${RELATIONS} ORDER BY 2, 3`);
  return rows.map(numbered);
}

export async function readRelation(queries: Queries, oid: number): Promise<RelationRow | null> {
  const sql = `${RELATIONS} AND c.oid = $1`;
  const { rows } = await queries.query<Numbers<RelationRow, 'oid' | 'root'>>(sql, [oid]);
  return rows.length === 0 ? null : numbered(rows[0]);
}

/** int8 comes as text from the driver. */
type Numbers<Row, Keys extends keyof Row> = Omit<Row, Keys> & { readonly [K in Keys]: string };

function numbered(row: Numbers<RelationRow, 'oid' | 'root'>): RelationRow {
  return { ...row, oid: Number(row.oid), root: Number(row.root) };
}

export interface AttributeRow {
  readonly number: number;
  /** Of a dropped attribute PostgreSQL's placeholder. */
  readonly name: string;
  readonly dropped: boolean;
  readonly typeOid: number;
  readonly typmod: number;
  readonly sourceType: string;
  readonly notNull: boolean;
  /** '' , s stored, v virtual. */
  readonly generated: string;
  /** '' or a kind of identity. */
  readonly identity: string;
  /** Rows older than the column have a value that is kept in the catalog (P-3). */
  readonly hasMissing: boolean;
  /** SQL of the default, or null. */
  readonly defaultSql: string | null;
}

/** Dropped attributes too: their numbers show how columns of an older version line up. */
export async function readAttributes(queries: Queries, relation: number): Promise<AttributeRow[]> {
  const { rows } = await queries.query<Numbers<AttributeRow, 'typeOid'>>(
    `SELECT a.attnum AS number, a.attname AS name, a.attisdropped AS dropped, a.atttypid::int8 AS "typeOid",
       a.atttypmod AS typmod, pg_catalog.format_type(a.atttypid, a.atttypmod) AS "sourceType",
       a.attnotnull AS "notNull", a.attgenerated AS generated, a.attidentity AS identity,
       a.atthasmissing AS "hasMissing",
       CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS "defaultSql"
     FROM pg_catalog.pg_attribute a
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1 AND a.attnum > 0 ORDER BY a.attnum`,
    [relation],
  );
  return rows.map((row) => ({ ...row, typeOid: Number(row.typeOid) }));
}

/** Attribute numbers in the order of their index. */
export interface IndexColumns {
  readonly primaryKey: readonly number[];
  /** Of REPLICA IDENTITY USING INDEX; empty without one. */
  readonly replicaIndex: readonly number[];
  /** Of the first unique index by name that is on columns alone, partial ones too; empty without one. */
  readonly unique: readonly number[];
}

/** In place of an attribute number in pg_index.indkey. */
const EXPRESSION = 0;

export async function readIndexColumns(queries: Queries, relation: number): Promise<IndexColumns> {
  const { rows } = await queries.query<{
    primary: boolean;
    identity: boolean;
    columns: number[];
  }>(
    `SELECT i.indisprimary AS primary, i.indisreplident AS identity,
       (i.indkey::int2[])[0:i.indnkeyatts - 1]::int4[] AS columns
     FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = $1 AND i.indisvalid AND i.indisunique ORDER BY c.relname`,
    [relation],
  );
  return {
    primaryKey: rows.find((row) => row.primary)?.columns ?? [],
    replicaIndex: rows.find((row) => row.identity)?.columns ?? [],
    unique: rows.find((row) => !row.primary && !row.columns.includes(EXPRESSION))?.columns ?? [],
  };
}

/**
 * Columns of a table that a publication sends, or null where it does not carry the table (or is not there yet): then
 * whatever a new publication would send.
 */
export async function readPublishedColumns(
  queries: Queries,
  publication: string,
  schema: string,
  table: string,
): Promise<ReadonlySet<string> | null> {
  const { rows } = await queries.query<{ names: string[] }>(
    `SELECT attnames::text[] AS names FROM pg_catalog.pg_publication_tables
     WHERE pubname = $1 AND schemaname = $2 AND tablename = $3`,
    [publication, schema, table],
  );
  return rows.length === 0 ? null : new Set(rows[0].names);
}

/** Partitions that hold the rows of a partitioned table, at whatever depth. */
export async function readLeaves(queries: Queries, root: number): Promise<readonly number[]> {
  const { rows } = await queries.query<{ oid: string }>(
    'SELECT relid::oid::int8 AS oid FROM pg_catalog.pg_partition_tree($1) WHERE isleaf',
    [root],
  );
  return rows.map(({ oid }) => Number(oid));
}
