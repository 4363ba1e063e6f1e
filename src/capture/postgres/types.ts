import type { ClientBase } from 'pg';
import type { PgType } from './codecs/index.ts';

/** The database's types as far as they were asked for; user types get new oids whenever they are created anew. */
export interface TypeCatalog {
  get(oid: number): PgType | undefined;
  /** Makes sure that these types and all they are made of are known. */
  load(oids: Iterable<number>): Promise<void>;
  /** Forgets user-defined types: an enum may have grown, a composite changed. */
  forgetUserTypes(): void;
}

/** First oid that a user's type can have (FirstNormalObjectId); built-in types never change. */
const FIRST_USER_OID = 16384;

export async function loadTypes(client: Pick<ClientBase, 'query'>): Promise<TypeCatalog> {
  const known = new Map<number, PgType>();
  const catalog: TypeCatalog = {
    get: (oid) => known.get(oid),
    async load(oids) {
      let missing = unknownOf(oids, known);
      while (missing.length > 0) {
        const loaded = await readTypes(client, missing);
        for (const type of loaded) known.set(type.oid, type);
        missing = unknownOf(loaded.flatMap(referencesOf), known);
      }
    },
    forgetUserTypes() {
      for (const oid of known.keys()) if (oid >= FIRST_USER_OID) known.delete(oid);
    },
  };
  return catalog;
}

function unknownOf(oids: Iterable<number>, known: ReadonlyMap<number, PgType>): number[] {
  return [...new Set(oids)].filter((oid) => oid !== 0 && !known.has(oid));
}

function referencesOf(type: PgType): number[] {
  return [type.element, ...type.attributes.map((attribute) => attribute.type)];
}

/** One row per type; labels and attributes as arrays, so that a type is one object. */
const TYPE_QUERY = `
  SELECT t.oid::int8 AS oid, t.typname AS name, t.typtype AS kind,
    CASE WHEN t.typsend = 0 THEN '' ELSE p.proname::text END AS send,
    CASE t.typtype
      WHEN 'd' THEN t.typbasetype
      WHEN 'r' THEN (SELECT rngsubtype FROM pg_catalog.pg_range WHERE rngtypid = t.oid)
      WHEN 'm' THEN (SELECT rngsubtype FROM pg_catalog.pg_range WHERE rngmultitypid = t.oid)
      ELSE CASE WHEN p.proname IN ('array_send', 'int2vectorsend', 'oidvectorsend') THEN t.typelem ELSE 0 END
    END::int8 AS element,
    t.typtypmod AS typmod,
    ARRAY(SELECT enumlabel::text FROM pg_catalog.pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels,
    ARRAY(SELECT atttypid::int8 FROM pg_catalog.pg_attribute
      WHERE t.typtype = 'c' AND attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS attribute_types,
    ARRAY(SELECT atttypmod FROM pg_catalog.pg_attribute
      WHERE t.typtype = 'c' AND attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS attribute_typmods
  FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typsend
  WHERE t.oid = ANY($1::oid[])`;

interface TypeRow {
  readonly oid: string;
  readonly name: string;
  readonly kind: PgType['kind'];
  readonly send: string;
  readonly element: string;
  readonly typmod: number;
  readonly labels: string[];
  readonly attribute_types: string[];
  readonly attribute_typmods: number[];
}

async function readTypes(client: Pick<ClientBase, 'query'>, oids: readonly number[]): Promise<PgType[]> {
  const { rows } = await client.query<TypeRow>(TYPE_QUERY, [oids]);
  return rows.map((row) => ({
    oid: Number(row.oid),
    name: row.name,
    kind: row.kind,
    send: row.send,
    element: Number(row.element),
    typmod: row.typmod,
    labels: row.labels,
    attributes: row.attribute_types.map((type, i) => ({
      type: Number(type),
      typmod: row.attribute_typmods[i],
    })),
  }));
}
