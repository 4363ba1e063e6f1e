import { IcestreamError } from '../base/errors.ts';
import type { TableMetadata } from './metadata.ts';

/** Metadata that is being changed; the arrays and objects in it are replaced, never altered. */
export type Draft = { -readonly [K in keyof TableMetadata]: TableMetadata[K] };

/** What later updates of the same commit refer to. */
export interface ApplyState {
  readonly nowMs: bigint;
  lastSchemaId: number | null;
  lastSpecId: number | null;
  lastSortOrderId: number | null;
  /** Snapshots that this commit adds. */
  readonly addedSnapshots: Set<bigint>;
  /** Whether an update set `last-updated-ms` (a new snapshot brings its own time). */
  timestamped: boolean;
}

/** What a REST server would answer with 400. */
export function refusal(message: string, metadata: TableMetadata): IcestreamError {
  return new IcestreamError('iceberg.catalog-error', message, {
    context: { location: metadata.location },
    retry: 'never',
  });
}

export function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
