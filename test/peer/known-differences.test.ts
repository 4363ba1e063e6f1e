import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Difference } from './compare.ts';
import { renderCompatibility } from './compatibility-doc.ts';
import { explain, type KnownDifference } from './known-differences.ts';

const KNOWN: KnownDifference = {
  variants: ['base'],
  topic: /^<prefix>\.transaction$/,
  path: /\.id$/,
  kind: 'changed',
  what: 'Debezium writes one thing, icestream another.',
  reason: 'For a test.',
};
const FOUND: Difference = { topic: '<prefix>.transaction', path: 'key.id', kind: 'changed', example: '' };

test('a difference is known by variant, topic, path and kind', () => {
  assert.deepEqual(explain('base', [FOUND], [KNOWN]), { unexplained: [], gone: [] });
  const others = [
    { ...FOUND, topic: 'x' },
    { ...FOUND, path: 'key' },
    { ...FOUND, kind: 'only left' as const },
  ];
  for (const other of others) assert.deepEqual(explain('base', [FOUND, other], [KNOWN]).unexplained, [other]);
  assert.deepEqual(explain('defaults', [FOUND], [KNOWN]), { unexplained: [FOUND], gone: [] });
});

test('a known difference that no longer occurs is told', () => {
  assert.deepEqual(explain('base', [], [KNOWN]), { unexplained: [], gone: [KNOWN] });
});

test('docs/compatibility.md is what the recordings and the table say', () => {
  const page = readFileSync(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');
  assert.equal(page, renderCompatibility(), 'run `npm run docs:compatibility`');
  assert.match(renderCompatibility([KNOWN]), /Debezium writes one thing.*For a test/);
});
