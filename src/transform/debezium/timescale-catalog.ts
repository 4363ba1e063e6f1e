/** A table's name as TimescaleDB's catalog has it. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Where a chunk's rows belong. */
export interface ChunkPlace {
  readonly hypertable: TableName;
  /** The continuous aggregate that the hypertable is kept for. */
  readonly aggregate: TableName | null;
}

/** Schema and table of the chunk and of its hypertable. */
const CHUNKS = `SELECT c.schema_name::text, c.table_name::text, h.schema_name::text, h.table_name::text
  FROM _timescaledb_catalog.chunk c JOIN _timescaledb_catalog.hypertable h ON h.id = c.hypertable_id`;
/** Schema and table of the hypertable and of the aggregate's view. */
const AGGREGATES = `SELECT h.schema_name::text, h.table_name::text, a.user_view_schema::text, a.user_view_name::text
  FROM _timescaledb_catalog.continuous_agg a
  JOIN _timescaledb_catalog.hypertable h ON h.id = a.mat_hypertable_id`;
/** A chunk is in the catalog before its first row: what is not there is hardly ever found later. */
const ASK_AGAIN_MS = 10_000;

type Rows = readonly (readonly unknown[])[];

/** Chunks, hypertables and continuous aggregates, read when a chunk comes that is not known (QueryInformationSchemaMetadata). */
export class TimescaleCatalog {
  readonly #query: (statements: readonly string[]) => Promise<readonly Rows[]>;
  #hypertables: ReadonlyMap<string, TableName> = new Map();
  #aggregates: ReadonlyMap<string, TableName> = new Map();
  /** When the catalog was last asked for names that it does not have. */
  #unknown = new Map<string, number>();

  constructor(query: (statements: readonly string[]) => Promise<readonly Rows[]>) {
    this.#query = query;
  }

  /** Null: the catalog has no such chunk. A promise where it has to be asked; it rejects as the query does. */
  placeOf(chunk: TableName): ChunkPlace | null | Promise<ChunkPlace | null> {
    const known = this.#known(chunk);
    if (known !== null) return known;
    const askedAtMs = this.#unknown.get(keyOf(chunk));
    if (askedAtMs !== undefined && performance.now() - askedAtMs < ASK_AGAIN_MS) return null;
    return this.#ask(chunk);
  }

  #known(chunk: TableName): ChunkPlace | null {
    const hypertable = this.#hypertables.get(keyOf(chunk));
    if (hypertable === undefined) return null;
    return { hypertable, aggregate: this.#aggregates.get(keyOf(hypertable)) ?? null };
  }

  async #ask(chunk: TableName): Promise<ChunkPlace | null> {
    const [chunks, aggregates] = await this.#query([CHUNKS, AGGREGATES]);
    this.#hypertables = mapOf(chunks);
    this.#aggregates = mapOf(aggregates);
    const place = this.#known(chunk);
    if (place === null) this.#unknown.set(keyOf(chunk), performance.now());
    else this.#unknown.delete(keyOf(chunk));
    return place;
  }
}

function mapOf(rows: Rows): Map<string, TableName> {
  return new Map(
    (rows as readonly (readonly string[])[]).map(([fromSchema, fromTable, schema, table]) => [
      keyOf({ schema: fromSchema, table: fromTable }),
      { schema, table },
    ]),
  );
}

/** Names may have dots in them. */
function keyOf({ schema, table }: TableName): string {
  return `${schema}\0${table}`;
}
