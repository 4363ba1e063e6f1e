import { IcestreamError } from '../../base/errors.ts';
import { postgresError } from './failure.ts';
import type { Queries } from './pg-catalog.ts';

/** What the connector needs to know of the server before it asks anything of it. */
export interface ServerFacts {
  /** Major version. */
  readonly version: number;
  readonly walLevel: string;
  /** 0: never. */
  readonly walSenderTimeoutMs: number;
  readonly inRecovery: boolean;
  readonly database: string;
  readonly user: string;
  readonly superuser: boolean;
  /** The role attribute, or a cloud provider's role that stands for it. */
  readonly mayReplicate: boolean;
  readonly mayCreateInDatabase: boolean;
}

export async function readServer(queries: Queries): Promise<ServerFacts> {
  try {
    const { rows } = await queries.query<ServerFacts & { versionNumber: number }>(`
      SELECT current_setting('server_version_num')::int AS "versionNumber",
        current_setting('wal_level') AS "walLevel",
        (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout') AS "walSenderTimeoutMs",
        pg_catalog.pg_is_in_recovery() AS "inRecovery", current_database() AS database, current_user AS user,
        r.rolsuper AS superuser,
        r.rolsuper OR r.rolreplication OR EXISTS (
          SELECT FROM pg_catalog.pg_roles g
          WHERE g.rolname IN ('rds_replication', 'rds_superuser', 'azure_pg_admin', 'cloudsqlsuperuser')
            AND pg_catalog.pg_has_role(g.oid, 'MEMBER')
        ) AS "mayReplicate",
        has_database_privilege(current_database(), 'CREATE') AS "mayCreateInDatabase"
      FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`);
    const { versionNumber, ...facts } = rows[0];
    return { ...facts, version: Math.floor(versionNumber / 10_000) };
  } catch (error) {
    throw postgresError(error, 'cannot read the server settings');
  }
}

/** The first whose pgoutput sends binary cells and transactions in progress. */
const VERSION_MIN = 14;

/** @throws IcestreamError postgres.wal-level, postgres.rights, config.invalid for a server that is too old */
export function checkServer(server: ServerFacts): void {
  if (server.version < VERSION_MIN) {
    throw new IcestreamError('config.invalid', `PostgreSQL ${server.version} is too old`, {
      context: { version: server.version },
      hint: `Use PostgreSQL ${VERSION_MIN} or later.`,
    });
  }
  if (server.walLevel !== 'logical') {
    throw new IcestreamError('postgres.wal-level', `wal_level is ${server.walLevel}, not logical`, {
      context: { walLevel: server.walLevel },
    });
  }
  if (!server.mayReplicate) {
    throw new IcestreamError('postgres.rights', `role ${server.user} may not replicate`, {
      context: { user: server.user },
      hint: `Run ALTER ROLE "${server.user}" REPLICATION, or use a role that has it.`,
    });
  }
}
