import { IcestreamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { postgresError } from './failure.ts';
import type { Queries } from './pg-catalog.ts';
import { quoteIdentifier } from './sql.ts';

export type AutocreateMode = 'no_tables' | 'filtered' | 'disabled' | 'all_tables';

export interface PublicationOptions {
  readonly name: string;
  readonly mode: AutocreateMode;
  readonly viaPartitionRoot: boolean;
  /** For `filtered`: what is captured, partitions not counted apart when they are published through their root. */
  readonly tables: readonly { readonly schema: string; readonly table: string }[];
}

interface Publication {
  readonly allTables: boolean;
  readonly viaRoot: boolean;
  readonly tables: ReadonlySet<string>;
}

/**
 * Makes sure that the publication is what the configuration wants: `filtered` is created or altered to the exact list
 * of captured tables at every start, the other modes leave an existing one alone. True if it was created: changes of
 * before can never be published.
 * @throws IcestreamError postgres.publication, postgres.rights
 */
export async function ensurePublication(
  queries: Queries,
  options: PublicationOptions,
  log: Log,
): Promise<boolean> {
  const { name, mode } = options;
  try {
    const existing = await readPublication(queries, name);
    if (existing === null) {
      await create(queries, options);
      return true;
    }
    if (mode === 'filtered') await alter(queries, options, existing);
    else if (existing.viaRoot !== options.viaPartitionRoot) {
      const facts = { publication: name, viaRoot: existing.viaRoot };
      log.warn(facts, 'the publication differs from publish.via.partition.root, it is used as it is');
    }
    return false;
  } catch (error) {
    const known = postgresError(error, `cannot create or alter publication ${name}`, {
      publication: name,
      mode,
    });
    if (known.code !== 'postgres.rights' || known === error) throw known;
    throw new IcestreamError('postgres.rights', known.message, {
      cause: error,
      context: known.context,
      hint:
        mode === 'all_tables'
          ? 'FOR ALL TABLES needs a superuser; set publication.autocreate.mode to filtered, or create the publication yourself.'
          : 'Grant CREATE on the database and ownership of the tables, or create the publication yourself and set publication.autocreate.mode to disabled.',
    });
  }
}

async function readPublication(queries: Queries, name: string): Promise<Publication | null> {
  const { rows } = await queries.query<{ all: boolean; viaRoot: boolean; tables: string[] }>(
    `SELECT p.puballtables AS all, p.pubviaroot AS "viaRoot", ARRAY(
       SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
       FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid
     ) AS tables FROM pg_catalog.pg_publication p WHERE p.pubname = $1`,
    [name],
  );
  if (rows.length === 0) return null;
  const [row] = rows;
  return { allTables: row.all, viaRoot: row.viaRoot, tables: new Set(row.tables) };
}

async function create(queries: Queries, options: PublicationOptions): Promise<void> {
  const { name, mode } = options;
  if (mode === 'disabled') {
    throw new IcestreamError(
      'postgres.publication',
      `publication ${name} does not exist and publication.autocreate.mode is disabled`,
      { context: { publication: name } },
    );
  }
  const what =
    mode === 'all_tables' ? ' FOR ALL TABLES' : mode === 'filtered' ? ` FOR TABLE ${list(options)}` : '';
  const how = options.viaPartitionRoot ? ' WITH (publish_via_partition_root = true)' : '';
  await queries.query(`CREATE PUBLICATION ${quoteIdentifier(name)}${what}${how}`);
}

/** Only what differs: SET TABLE would also throw away column lists and row filters that somebody put there. */
async function alter(queries: Queries, options: PublicationOptions, existing: Publication): Promise<void> {
  const name = quoteIdentifier(options.name);
  if (existing.viaRoot !== options.viaPartitionRoot) {
    await queries.query(
      `ALTER PUBLICATION ${name} SET (publish_via_partition_root = ${options.viaPartitionRoot})`,
    );
  }
  if (existing.allTables) return;
  const { rows } = await queries.query<{ tables: string[] }>(
    `SELECT ARRAY(SELECT quote_ident(s) || '.' || quote_ident(t) FROM unnest($1::text[], $2::text[]) AS x(s, t)) AS tables`,
    [options.tables.map(({ schema }) => schema), options.tables.map(({ table }) => table)],
  );
  const wanted = new Set(rows[0].tables);
  if (wanted.size === existing.tables.size && [...wanted].every((table) => existing.tables.has(table)))
    return;
  await queries.query(`ALTER PUBLICATION ${name} SET TABLE ${list(options)}`);
}

function list(options: PublicationOptions): string {
  if (options.tables.length === 0) {
    throw new IcestreamError('config.invalid', 'no table matches the include and exclude lists', {
      context: { publication: options.name },
      hint: 'Correct table.include.list and its like, or set publication.autocreate.mode to no_tables.',
    });
  }
  return options.tables
    .map(({ schema, table }) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)
    .join(', ');
}
