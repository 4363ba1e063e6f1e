import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { test } from 'node:test';
import { writeFully } from '../../src/base/write-fully.ts';

test('what a write leaves over is written after it, until the disk says that it is full', async () => {
  const calls: number[][] = [];
  const takes = (limit: number) =>
    ({
      write: async (_: Uint8Array, from: number, length: number, position: number) => {
        calls.push([from, length, position]);
        if (calls.length > 2) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        return { bytesWritten: Math.min(limit, length) };
      },
    }) as unknown as FileHandle;
  await writeFully(takes(6), new Uint8Array(20), 10, 100);
  assert.deepEqual(calls.splice(0), [
    [0, 10, 100],
    [6, 4, 106],
  ]);
  await assert.rejects(writeFully(takes(3), new Uint8Array(20), 10, 100), { code: 'ENOSPC' });
});
