import { IcestreamError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import { normalizeMetadata, type TableMetadata } from '../metadata.ts';
import type { Catalog, CreateTable, LoadedTable, TableCommit, TableIdent } from './catalog.ts';
import { authorization } from './rest-auth.ts';
import { backoff, RestClient } from './rest-client.ts';
import { type RestConfig, restConfig } from './rest-config.ts';
import { createCommit, createRequest } from './rest-create.ts';
import { type StorageGrant, TableStorages } from './rest-storage.ts';
import { afterCommit, commitTransaction, printIdent } from './rest-transaction.ts';

/**
 * A catalog behind Iceberg's REST protocol. `properties` by Iceberg's names: `uri`, `warehouse`, `prefix`, those of
 * rest-auth.ts, `header.<name>`, `rest.client.socket-timeout-ms`, and the storage's (`s3.*`, `client.region`). The server's
 * `/v1/config` is read here, so this fails with iceberg.catalog-unreachable when nobody answers.
 */
export async function openRestCatalog(
  name: string,
  properties: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Catalog> {
  const config = await restConfig(name, properties, signal);
  return new RestCatalog(config);
}

interface LoadTableResult extends StorageGrant {
  readonly 'metadata-location'?: string | null;
  readonly metadata: TableMetadata;
}

interface Page {
  readonly 'next-page-token'?: string | null;
}

/** The specification lets a client that names a page token be answered in pages; servers without pages ignore it. */
type Query = Readonly<Record<string, string>>;

/** About a second and a half in all. */
const NAMESPACE_ATTEMPTS_MAX = 4;

class RestCatalog implements Catalog {
  readonly atomic: boolean;
  readonly #config: RestConfig;
  readonly #client: RestClient;
  readonly #storages: TableStorages;
  /** What the latest load of a table granted; a commit's answer has no such part. */
  readonly #grants = new Map<string, { uuid: string; grant: StorageGrant }>();

  constructor(config: RestConfig) {
    const { properties, headers, timeoutMs, idempotency } = config;
    this.#config = config;
    this.atomic = config.commitsTransactions;
    this.#storages = new TableStorages(properties);
    this.#client = new RestClient({
      uri: config.uri,
      authorization: authorization(properties, timeoutMs),
      headers,
      timeoutMs,
      idempotency,
    });
  }

  async load(ident: TableIdent, signal?: AbortSignal): Promise<LoadedTable> {
    return await this.#loaded(ident, await this.#loadResult(ident, signal));
  }

  async create(table: CreateTable, signal?: AbortSignal): Promise<LoadedTable> {
    const staged = table.specs.length > 1;
    const { ident } = table;
    const result = await this.#client.request<LoadTableResult>(
      {
        operation: 'create table',
        kind: staged ? 'change' : 'commit',
        method: 'POST',
        path: `${this.#namespacePath(ident.namespace)}/tables`,
        headers: this.#config.delegation,
        body: createRequest(table, staged),
        codes: { 404: 'iceberg.namespace-not-found', 409: 'iceberg.table-exists' },
        context: { table: printIdent(ident) },
      },
      signal,
    );
    if (!staged) return await afterCommit(ident, () => this.#loaded(ident, result));
    this.#remember(ident, result);
    return await this.#commitOne(
      createCommit(table, metadataOf(ident, result)),
      signal,
      'iceberg.table-exists',
    );
  }

  async ensureNamespace(namespace: readonly string[], signal?: AbortSignal): Promise<void> {
    if (await this.#namespaceExists(namespace, signal)) return;
    for (let levels = 1; levels <= namespace.length; levels++) {
      const part = namespace.slice(0, levels);
      if (levels < namespace.length && (await this.#namespaceExists(part, signal))) continue;
      await this.#createNamespace(part, signal);
    }
  }

  async list(namespace: readonly string[], signal?: AbortSignal): Promise<readonly TableIdent[]> {
    const found: TableIdent[] = [];
    const path = `${this.#namespacePath(namespace)}/tables`;
    for await (const page of this.#pages<{ identifiers?: TableIdent[] }>('list tables', path, {}, signal)) {
      for (const { namespace: levels, name } of page.identifiers ?? [])
        found.push({ namespace: levels, name });
    }
    return found;
  }

  async listNamespaces(signal?: AbortSignal): Promise<readonly (readonly string[])[]> {
    const found: string[][] = [];
    const visit = async (parent: readonly string[]): Promise<void> => {
      const query: Query =
        parent.length === 0 ? {} : { parent: parent.join(this.#config.namespaceSeparator) };
      const children: string[][] = [];
      const path = this.#path('namespaces');
      for await (const page of this.#pages<{ namespaces?: string[][] }>(
        'list namespaces',
        path,
        query,
        signal,
      )) {
        // A server that ignores `parent` answers with the top again; without this check the walk would never end.
        children.push(...(page.namespaces ?? []).filter((child) => isChild(parent, child)));
      }
      for (const child of children) {
        found.push(child);
        await visit(child);
      }
    };
    await visit([]);
    return found;
  }

  async drop(ident: TableIdent, signal?: AbortSignal): Promise<void> {
    await this.#client.request(
      {
        operation: 'drop table',
        kind: 'change',
        method: 'DELETE',
        path: this.#tablePath(ident),
        query: { purgeRequested: 'false' },
        codes: { 404: 'iceberg.table-not-found' },
        context: { table: printIdent(ident) },
      },
      signal,
    );
    this.#grants.delete(printIdent(ident));
  }

  async commit(commits: readonly TableCommit[], signal?: AbortSignal): Promise<readonly LoadedTable[]> {
    if (commits.length === 1) return [await this.#commitOne(commits[0], signal)];
    if (this.atomic && commits.length > 0) {
      const path = this.#path('transactions/commit');
      return await commitTransaction(
        this.#client,
        path,
        commits,
        (ident) => this.load(ident, signal),
        signal,
      );
    }
    const committed: LoadedTable[] = [];
    for (const commit of commits) {
      try {
        committed.push(await this.#commitOne(commit, signal));
        failpoint('commit.member-done');
      } catch (error) {
        throw error instanceof IcestreamError ? withCommitted(error, committed.length) : error;
      }
    }
    return committed;
  }

  async close(): Promise<void> {
    await this.#storages.close();
  }

  async #loadResult(ident: TableIdent, signal?: AbortSignal): Promise<LoadTableResult> {
    return await this.#client.request<LoadTableResult>(
      {
        operation: 'load table',
        kind: 'read',
        method: 'GET',
        path: this.#tablePath(ident),
        // All of them: an unknown outcome is resolved by looking for a snapshot that need not be a branch's head.
        query: { snapshots: 'all' },
        headers: this.#config.delegation,
        codes: { 404: 'iceberg.table-not-found' },
        context: { table: printIdent(ident) },
      },
      signal,
    );
  }

  async #commitOne(
    commit: TableCommit,
    signal: AbortSignal | undefined,
    conflict: 'iceberg.commit-conflict' | 'iceberg.table-exists' = 'iceberg.commit-conflict',
  ): Promise<LoadedTable> {
    const { ident, requirements, updates } = commit;
    const result = await this.#client.request<LoadTableResult>(
      {
        operation: 'commit',
        kind: 'commit',
        method: 'POST',
        path: this.#tablePath(ident),
        body: { identifier: ident, requirements, updates },
        codes: { 404: 'iceberg.table-not-found', 409: conflict },
        context: { table: printIdent(ident) },
      },
      signal,
    );
    return await afterCommit(ident, async () => {
      const known = this.#grants.get(printIdent(ident));
      if (known?.uuid !== result?.metadata?.['table-uuid']) return await this.load(ident, signal);
      return await this.#loaded(ident, { ...result, ...pickGrant(known!.grant) });
    });
  }

  async #loaded(ident: TableIdent, result: LoadTableResult): Promise<LoadedTable> {
    const metadata = metadataOf(ident, result);
    this.#remember(ident, result);
    const reload = () => this.#loadResult(ident);
    const storage = await this.#storages.open(printIdent(ident), metadata.location, result, reload);
    return { ident, metadata, metadataLocation: result['metadata-location'] ?? '', storage };
  }

  #remember(ident: TableIdent, result: LoadTableResult): void {
    this.#grants.set(printIdent(ident), { uuid: result.metadata['table-uuid'], grant: pickGrant(result) });
  }

  async #namespaceExists(namespace: readonly string[], signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#client.request(
        {
          operation: 'load namespace',
          kind: 'read',
          method: 'GET',
          path: this.#namespacePath(namespace),
          codes: { 404: 'iceberg.namespace-not-found' },
          context: { namespace: namespace.join('.') },
        },
        signal,
      );
      return true;
    } catch (error) {
      if (error instanceof IcestreamError && error.code === 'iceberg.namespace-not-found') return false;
      throw error;
    }
  }

  /**
   * Tasks that start at once make the same namespaces at once. Some catalogs answer the later one with a conflict, some
   * with a failure of the database behind them, and an answer may be lost: what counts is whether it is there then.
   */
  async #createNamespace(namespace: readonly string[], signal?: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.request(
          {
            operation: 'create namespace',
            kind: 'change',
            method: 'POST',
            path: this.#path('namespaces'),
            body: { namespace, properties: {} },
            codes: { 409: 'iceberg.table-exists' },
            context: { namespace: namespace.join('.') },
          },
          signal,
        );
        return;
      } catch (error) {
        if (!mayBeThere(error)) throw error;
        if (await this.#namespaceExists(namespace, signal)) return;
        if (attempt === NAMESPACE_ATTEMPTS_MAX) throw error;
      }
      await backoff(attempt, signal);
    }
  }

  async *#pages<T>(
    operation: string,
    path: string,
    query: Query,
    signal?: AbortSignal,
  ): AsyncGenerator<T & Page> {
    let pageToken: string | null = '';
    while (pageToken !== null) {
      const page: T & Page = await this.#client.request(
        {
          operation,
          kind: 'read',
          method: 'GET',
          path,
          query: { ...query, pageToken },
          codes: { 404: 'iceberg.namespace-not-found' },
        },
        signal,
      );
      yield page;
      pageToken = page['next-page-token'] || null;
    }
  }

  #path(rest: string): string {
    return this.#config.prefix === '' ? `v1/${rest}` : `v1/${this.#config.prefix}/${rest}`;
  }

  #namespacePath(namespace: readonly string[]): string {
    const separator = encodeURIComponent(this.#config.namespaceSeparator).replaceAll('.', '%2E');
    return this.#path(`namespaces/${namespace.map(encodeURIComponent).join(separator)}`);
  }

  #tablePath(ident: TableIdent): string {
    return `${this.#namespacePath(ident.namespace)}/tables/${encodeURIComponent(ident.name)}`;
  }
}

function metadataOf(ident: TableIdent, result: LoadTableResult | undefined): TableMetadata {
  try {
    return normalizeMetadata(result?.metadata ?? {});
  } catch (cause) {
    throw new IcestreamError('iceberg.catalog-error', "the catalog's answer holds no table metadata", {
      cause,
      context: { table: printIdent(ident) },
    });
  }
}

function withCommitted(error: IcestreamError, committed: number): IcestreamError {
  const { code, message, cause, retry, hint, context } = error;
  return new IcestreamError(code, message, { cause, retry, hint, context: { ...context, committed } });
}

function mayBeThere(error: unknown): boolean {
  if (!(error instanceof IcestreamError)) return false;
  const { code, context } = error;
  return code === 'iceberg.catalog-unreachable' || context['status'] === 409 || context['status'] === 500;
}

function pickGrant(result: StorageGrant): StorageGrant {
  return { config: result.config, 'storage-credentials': result['storage-credentials'] };
}

function isChild(parent: readonly string[], child: readonly string[]): boolean {
  return child.length === parent.length + 1 && parent.every((level, at) => child[at] === level);
}
