import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IcestreamError } from '../../base/errors.ts';

/** Where a SQL catalog lies. */
export type SqlTarget =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres';
      readonly host: string;
      readonly port: number;
      readonly database: string;
      readonly user: string | undefined;
      readonly password: string | undefined;
      /** As libpq and JDBC name it: disable, allow, prefer, require, verify-ca, verify-full. */
      readonly sslmode: string;
    };

/**
 * Reads the `uri` of a SQL catalog in both worlds' forms:
 *
 * - `jdbc:sqlite:/path/catalog.db`, `jdbc:sqlite:relative.db`, `jdbc:postgresql://host:5432/db?user=u&password=p`
 * - `sqlite:////path/catalog.db` (absolute), `sqlite:///relative.db`, `postgresql+psycopg2://u:p@host:5432/db`
 *
 * User and password may also be properties (`jdbc.user` or `user`, ...). `config.invalid` for anything else.
 */
export function parseSqlUri(uri: string, properties: Readonly<Record<string, string>>): SqlTarget {
  const jdbcFile = /^jdbc:sqlite:(.*)$/s.exec(uri);
  if (jdbcFile !== null) return sqliteTarget(uri, jdbcFile[1].replace(/\?.*$/s, ''));
  const alchemyFile = /^sqlite(?:\+\w+)?:\/\/\/(.*)$/s.exec(uri);
  if (alchemyFile !== null) return sqliteTarget(uri, alchemyFile[1].replace(/\?.*$/s, ''));
  const server = /^(?:jdbc:)?postgres(?:ql)?(?:\+\w+)?:(\/\/.*)$/s.exec(uri);
  if (server !== null) return postgresTarget(server[1], properties);
  throw new IcestreamError('config.invalid', 'the uri of the SQL catalog is not understood', {
    // Whatever else stands in the text may be a password.
    context: { property: 'iceberg.catalog.uri', scheme: /^[a-z][a-z0-9+]*/i.exec(uri)?.[0] },
    hint: 'Use jdbc:sqlite:/path, sqlite:////path, jdbc:postgresql://host:port/db or postgresql://user@host:port/db.',
  });
}

function sqliteTarget(uri: string, name: string): SqlTarget {
  if (name === '' || name.includes(':memory:')) {
    throw new IcestreamError('config.invalid', 'a catalog in memory is lost with the process', {
      context: { property: 'iceberg.catalog.uri', uri },
      hint: 'Name a file.',
    });
  }
  return { kind: 'sqlite', path: name.startsWith('file:/') ? filePath(name) : resolve(name) };
}

function filePath(uri: string): string {
  return uri.startsWith('file:///') ? fileURLToPath(uri) : uri.slice('file:'.length);
}

function postgresTarget(rest: string, properties: Readonly<Record<string, string>>): SqlTarget {
  let url: URL;
  try {
    url = new URL(`postgres:${rest}`);
  } catch {
    // The cause would print the text, and with it the password.
    throw new IcestreamError('config.invalid', 'the uri of the SQL catalog is no valid URL', {
      context: { property: 'iceberg.catalog.uri' },
    });
  }
  const given = (name: string) =>
    properties[`jdbc.${name}`] ?? properties[name] ?? url.searchParams.get(name) ?? undefined;
  const user = url.username === '' ? given('user') : decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1));
  return {
    kind: 'postgres',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: url.port === '' ? 5432 : Number(url.port),
    database: database === '' ? (user ?? 'postgres') : database,
    user,
    password: url.password === '' ? given('password') : decodeURIComponent(url.password),
    sslmode: given('sslmode') ?? (given('ssl') === 'true' ? 'require' : 'prefer'),
  };
}
