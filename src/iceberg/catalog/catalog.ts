import type { TableMetadata } from '../metadata.ts';
import type { PartitionSpec, Schema } from '../schema.ts';
import type { Storage } from '../storage.ts';
import type { TableRequirement, TableUpdate } from '../update.ts';

export interface TableIdent {
  readonly namespace: readonly string[];
  readonly name: string;
}

export interface LoadedTable {
  readonly ident: TableIdent;
  readonly metadata: TableMetadata;
  readonly metadataLocation: string;
  /** Storage with the credentials that hold for this table (vended ones where the catalog gives them). */
  readonly storage: Storage;
}

/** One table's part of a commit: what must still hold, and what changes (REST specification, CommitTableRequest). */
export interface TableCommit {
  readonly ident: TableIdent;
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
}

export interface CreateTable {
  readonly ident: TableIdent;
  readonly schema: Schema;
  /** In order of their ids; the last one is the default. More than one is a create followed by spec changes (L-3). */
  readonly specs: readonly PartitionSpec[];
  readonly properties: Readonly<Record<string, string>>;
  readonly location?: string;
}

/**
 * A catalog. Its errors: iceberg.table-not-found, iceberg.table-exists, iceberg.namespace-not-found,
 * iceberg.commit-conflict (a requirement failed, nothing happened), iceberg.commit-unknown (it may have happened: look for
 * the snapshot id before anything else, never delete the files), iceberg.catalog-unreachable (nothing was sent),
 * iceberg.catalog-refused, iceberg.catalog-error.
 */
export interface Catalog {
  load(ident: TableIdent, signal?: AbortSignal): Promise<LoadedTable>;
  create(table: CreateTable, signal?: AbortSignal): Promise<LoadedTable>;
  ensureNamespace(namespace: readonly string[], signal?: AbortSignal): Promise<void>;
  list(namespace: readonly string[], signal?: AbortSignal): Promise<readonly TableIdent[]>;
  /** All namespaces, every level, parents before children. */
  listNamespaces(signal?: AbortSignal): Promise<readonly (readonly string[])[]>;
  drop(ident: TableIdent, signal?: AbortSignal): Promise<void>;
  /**
   * Commits to several tables. All or nothing where `atomic`; else in order, stopping at the first failure, whose error
   * then carries `context.committed` (how many went through).
   */
  commit(commits: readonly TableCommit[], signal?: AbortSignal): Promise<readonly LoadedTable[]>;
  /** Whether `commit` of several tables is one step. */
  readonly atomic: boolean;
  close(): Promise<void>;
}
