import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProperties } from '../../src/runtime/properties.ts';

const CASES: readonly (readonly [name: string, text: string, expected: Record<string, string>])[] = [
  ['separators', 'a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf', { a: '1', b: '2', c: '3', d: '4', e: '5', f: '' }],
  ['only one separator is taken', 'a==1\nb=:2\nc : = 3', { a: '=1', b: ':2', c: '= 3' }],
  ['comments and blank lines', '# a=1\n  ! b=2\n\n \t\nc=3 # no comment', { c: '3 # no comment' }],
  ['a comment is not continued', '# a \\\nb=2', { b: '2' }],
  [
    'continuation drops leading blanks',
    'a = one,\\\n    two,\\\r\n\tthree\nb=2',
    { a: 'one,two,three', b: '2' },
  ],
  ['a continued line may begin with #', 'a=1\\\n#2', { a: '1#2' }],
  ['an escaped backslash does not continue', 'a=C:\\\\\nb=2', { a: 'C:\\', b: '2' }],
  ['three backslashes do', 'a=x\\\\\\\ny', { a: 'x\\y' }],
  ['continuation at the end of the file', 'a=1\\', { a: '1' }],
  ['escapes', 'a=\\t\\n\\r\\f\\q\\=\\:\\ x', { a: '\t\n\r\fq=: x' }],
  ['escaped separators in keys', 'a\\ b\\=c\\:d=1', { 'a b=c:d': '1' }],
  ['unicode', 'a=\\u00e9\\u20AC\nb=é', { a: 'é€', b: 'é' }],
  ['trailing blanks belong to the value', 'a=1  ', { a: '1  ' }],
  ['the last of two wins', 'a=1\na=2', { a: '2' }],
  ['all line ends, byte order mark', '\ufeffa=1\rb=2\r\nc=3', { a: '1', b: '2', c: '3' }],
];

for (const [name, text, expected] of CASES) {
  test(`properties: ${name}`, () => assert.deepEqual(parseProperties(text), expected));
}

test('properties: a broken unicode escape names its line', () => {
  assert.throws(() => parseProperties('a=1\nb=\\u12g4'), { code: 'config.invalid', context: { line: 2 } });
});
