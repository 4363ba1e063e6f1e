import { javaRegexList } from '../../base/java-regex.ts';
import type { PostgresConfig } from './config.ts';

/** Which schemas, tables, columns and logical messages are captured, by the include and exclude lists. */
export interface Filters {
  /** Also true for the signal table, whatever the lists say: its rows are captured and emitted, as in Debezium. */
  table(schema: string, table: string): boolean;
  column(schema: string, table: string, column: string): boolean;
  message(prefix: string): boolean;
  /** `snapshot.include.collection.list`, of the captured tables. */
  inSnapshot(schema: string, table: string): boolean;
  isSignalTable(schema: string, table: string): boolean;
  /** Place of a captured table in `table.include.list`, in whose order a snapshot goes; all 0 without one. */
  place(schema: string, table: string): number;
}

/** Schemas of the server itself, left out by `table.ignore.builtin`. */
const BUILTIN_SCHEMA = /^(pg_catalog|information_schema|pg_toast.*|pg_temp.*)$/;

export function createFilters(config: PostgresConfig): Filters {
  const schemaMatches = matcher(config['schema.include.list'], config['schema.exclude.list']);
  const tableMatches = matcher(config['table.include.list'], config['table.exclude.list']);
  const columnMatches = matcher(config['column.include.list'], config['column.exclude.list']);
  const messageMatches = matcher(
    config['message.prefix.include.list'],
    config['message.prefix.exclude.list'],
  );
  const snapshotMatches = matcher(config['snapshot.include.collection.list'], null);
  const included = patterns(config['table.include.list']);
  const signalTable = signalTableOf(config);
  const ignoreBuiltin = config['table.ignore.builtin'];
  return {
    table(schema, table) {
      const name = `${schema}.${table}`;
      if (name === signalTable) return true;
      if (ignoreBuiltin && BUILTIN_SCHEMA.test(schema)) return false;
      return schemaMatches(schema) && tableMatches(name);
    },
    column: (schema, table, column) => columnMatches(`${schema}.${table}.${column}`),
    message: messageMatches,
    inSnapshot: (schema, table) =>
      `${schema}.${table}` !== signalTable && snapshotMatches(`${schema}.${table}`),
    isSignalTable: (schema, table) => `${schema}.${table}` === signalTable,
    place: (schema, table) => {
      const at = included.findIndex((pattern) => pattern.test(`${schema}.${table}`));
      return at < 0 ? included.length : at;
    },
  };
}

/** The name may carry the database in front, as it does for other connectors. */
function signalTableOf(config: PostgresConfig): string | null {
  const name = config['signal.data.collection']?.trim() ?? '';
  if (name === '' || !config['signal.enabled.channels'].includes('source')) return null;
  const prefix = `${config['database.dbname']}.`;
  return name.startsWith(prefix) && name.split('.').length === 3 ? name.slice(prefix.length) : name;
}

function matcher(include: string | null, exclude: string | null): (name: string) => boolean {
  const included = patterns(include);
  const excluded = patterns(exclude);
  if (included.length > 0) return (name) => included.some((pattern) => pattern.test(name));
  return (name) => !excluded.some((pattern) => pattern.test(name));
}

function patterns(list: string | null): RegExp[] {
  return list === null ? [] : javaRegexList(list);
}
