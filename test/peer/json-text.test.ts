import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonNode, parseJson } from './json-text.ts';

test('every document is read, and every node knows its text', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent);
      const root = parseJson(text);
      assert.ok(root !== null);
      assert.deepEqual(JSON.parse(textOf(text, root)), JSON.parse(text));
    }),
  );
});

test('a field that comes twice is there twice', () => {
  const root = parseJson('{"a":1,"a":2}');
  assert.equal(root?.kind === 'object' && root.fields.length, 2);
});

test('what is not one document is none', () => {
  for (const text of ['', '{', '{"a"}', '[1,]', '1 2', 'NaN', 'nul', '"a', '{a:1}', "'a'", '[1 2]'])
    assert.equal(parseJson(text), null, text);
});

/** The document put together from its nodes. */
function textOf(text: string, node: JsonNode): string {
  if (node.kind === 'array') return `[${node.items.map((item) => textOf(text, item)).join()}]`;
  if (node.kind !== 'object') return text.slice(node.start, node.end);
  return `{${node.fields.map(({ name, value }) => `${JSON.stringify(name)}:${textOf(text, value)}`).join()}}`;
}
