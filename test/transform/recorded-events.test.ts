import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldIndex } from '../../src/transform/schema.ts';
import { compare, describe } from '../peer/compare.ts';
import { recorded, recordedVariants } from '../peer/recorded.ts';
import type { Recording } from '../peer/recording.ts';
import { throughChain } from './through-chain.ts';

/** Variants whose configuration has transforms and else nothing that `base` has not, as those have that cross properties. */
const VARIANTS = recordedVariants().filter(
  (variant) => !variant.startsWith('x-') && recorded(variant).about.config['transforms'],
);

test('there are recordings with transforms', () => {
  assert.ok(VARIANTS.includes('unwrap-default') && VARIANTS.includes('unwrap-rewrite'));
});

for (const variant of VARIANTS) {
  test(`${variant}: what becomes of Debezium's events is what Debezium made of them, byte for byte`, async () => {
    const expected = changes(recorded(variant));
    const base = changes(recorded('base'));
    const hasTransactions = expected.about.config['provide.transaction.metadata'] === 'true';
    const made = await throughChain(base, expected.about.config, (record) => {
      const at = record.valueSchema === null ? -1 : fieldIndex(record.valueSchema, 'transaction');
      if (hasTransactions || at < 0 || record.value === null) return record;
      return { ...record, value: (record.value as never[]).with(at, null as never) };
    });
    const comparison = compare(expected, made);
    // A recording is in the order of topics: where two become one, their records come in another order.
    const merges = variant === 'route-tables';
    const differences = comparison.differences.filter(
      ({ kind }) => !merges || kind !== 'record in another place',
    );
    assert.deepEqual(differences, [], describe(comparison));
    assert.equal(comparison.compared + (merges ? 1 : 0), expected.records.length);
    assert.ok(comparison.equal > 40);
  });
}

/** Heartbeats come by the clock, and only `base` has them and the marks of transactions. */
function changes({ about, records }: Recording): Recording {
  return { about, records: records.filter(({ topic }) => !/^__|\.transaction$/.test(topic)) };
}
