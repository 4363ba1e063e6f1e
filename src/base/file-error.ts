import type { ErrorCode } from './errors.ts';

/** What a file of our own (a spool, a spill, an intent) failed with: no room, which passes once there is some, or anything else. */
export function fileErrorCode(error: unknown): Extract<ErrorCode, 'storage.full' | 'storage.io'> {
  return (error as { code?: unknown }).code === 'ENOSPC' ? 'storage.full' : 'storage.io';
}
