import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, describe } from '../peer/compare.ts';
import { recorded } from '../peer/recorded.ts';
import type { Recording } from '../peer/recording.ts';
import { throughChain } from './through-chain.ts';

for (const variant of ['unwrap-default', 'unwrap-rewrite']) {
  test(`${variant}: what Debezium's envelopes become is what Debezium made of them, byte for byte`, async () => {
    const expected = tableTopics(recorded(variant));
    const base = tableTopics(recorded('base'));
    const made = await throughChain(base, expected.about.config);
    const comparison = compare(expected, made);
    assert.deepEqual(comparison.differences, [], describe(comparison));
    assert.equal(comparison.equal, expected.records.length);
    assert.ok(comparison.equal > 60);
  });
}

/** Messages and marks differ between the recordings for other reasons: only one of them has transactions. */
function tableTopics({ about, records }: Recording): Recording {
  const isTable = /^[^.]+\.(public|inv)\./;
  return { about, records: records.filter(({ topic }) => isTable.test(topic)) };
}
