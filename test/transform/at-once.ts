import assert from 'node:assert/strict';
import type { ConnectRecord, Transformed } from '../../src/record/connect-record.ts';
import type { Chain } from '../../src/transform/chain.ts';

/** Of a chain that has nothing to look up. */
export function applyAtOnce(chain: Chain, record: ConnectRecord): Transformed {
  const applied = chain.apply(record);
  assert.ok(!(applied instanceof Promise), 'a transform had something to look up');
  return applied;
}
