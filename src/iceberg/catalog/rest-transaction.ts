import { type ErrorCode, IcestreamError } from '../../base/errors.ts';
import { snapshotById } from '../metadata.ts';
import type { LoadedTable, TableCommit, TableIdent } from './catalog.ts';
import type { RestClient } from './rest-client.ts';

/**
 * Commits to several tables in one request (`POST /v1/{prefix}/transactions/commit`). A server may validate the whole and
 * then commit table after table, as the reference catalog does, which also answers 204 when another writer slips in
 * between. So neither its yes nor its no is taken for all tables: each one is loaded and looked through for its snapshot.
 * What is neither all nor none is an unknown outcome, which the caller resolves table by table (rule O-4).
 */
export async function commitTransaction(
  client: RestClient,
  path: string,
  commits: readonly TableCommit[],
  load: (ident: TableIdent) => Promise<LoadedTable>,
  signal: AbortSignal | undefined,
): Promise<readonly LoadedTable[]> {
  const context = { tables: commits.length, table: commits.map(({ ident }) => printIdent(ident)).join(', ') };
  let refusal: IcestreamError | null = null;
  try {
    await client.request(
      {
        operation: 'commit transaction',
        kind: 'commit',
        method: 'POST',
        path,
        body: { 'table-changes': commits.map(tableChange) },
        codes: { 404: 'iceberg.table-not-found', 409: 'iceberg.commit-conflict' },
        context,
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof IcestreamError) || !SAYS_NOTHING_HAPPENED.has(error.code)) throw error;
    refusal = error;
  }
  const tables = await Promise.all(
    commits.map(({ ident }) => afterCommit(ident, () => loadOrNull(ident, load))),
  );
  const held = commits.filter((commit, at) => addsSnapshot(commit) && holds(tables[at], commit)).length;
  if (refusal !== null && held === 0) throw refusal;
  if (refusal === null && commits.every((commit, at) => holds(tables[at], commit)))
    return tables as LoadedTable[];
  throw new IcestreamError('iceberg.commit-unknown', 'not every table holds its part of the transaction', {
    cause: refusal ?? undefined,
    context: { ...context, committed: held },
  });
}

/** What is left to do once a commit has happened: where that fails, the outcome must be looked up like a lost answer. */
export async function afterCommit<T>(ident: TableIdent, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (!(cause instanceof IcestreamError)) throw cause;
    throw new IcestreamError('iceberg.commit-unknown', 'the table cannot be read after the commit', {
      cause,
      context: { table: printIdent(ident) },
    });
  }
}

export function printIdent(ident: TableIdent): string {
  return [...ident.namespace, ident.name].join('.');
}

/** Answers after which an honest server has changed no table. */
const SAYS_NOTHING_HAPPENED: ReadonlySet<ErrorCode> = new Set([
  'iceberg.commit-conflict',
  'iceberg.table-not-found',
]);

function tableChange({ ident, requirements, updates }: TableCommit): object {
  return { identifier: ident, requirements, updates };
}

/** Null for a table that is gone. */
async function loadOrNull(
  ident: TableIdent,
  load: (ident: TableIdent) => Promise<LoadedTable>,
): Promise<LoadedTable | null> {
  try {
    return await load(ident);
  } catch (error) {
    if (error instanceof IcestreamError && error.code === 'iceberg.table-not-found') return null;
    throw error;
  }
}

function addsSnapshot(commit: TableCommit): boolean {
  return commit.updates.some((update) => update.action === 'add-snapshot');
}

/** Whether the table has every snapshot that the commit adds; true for a commit that adds none. */
function holds(table: LoadedTable | null, commit: TableCommit): boolean {
  if (table === null) return false;
  return commit.updates.every(
    (update) =>
      update.action !== 'add-snapshot' ||
      snapshotById(table.metadata, update.snapshot['snapshot-id']) !== null,
  );
}
