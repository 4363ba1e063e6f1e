import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javaRegex, javaRegexList } from '../../src/base/java-regex.ts';

/** Pattern, what it matches as a whole, what it does not. Expectations are java.util.regex's (JDK 17). */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [
    'public.orders',
    ['public.orders', 'PUBLIC.ORDERS', 'publicXorders'],
    ['public.orders2', 'a.public.orders'],
  ],
  ['public\\.(a|b)', ['public.a', 'public.b'], ['public.c', 'publicxa']],
  ['a|b', ['a', 'b'], ['ab', 'ax', 'xb']],
  ['\\Qa.b\\E.*', ['a.bc', 'a.b'], ['axb']],
  ['\\Qa.b', ['a.b'], ['axb']],
  ['(?i)ABC', ['abc'], ['ab']],
  ['a(?i)b|c', ['ab', 'c'], ['b']],
  ['(?-i)ABC', ['ABC'], ['abc']],
  ['x(?-i:A)b', ['XAB', 'xAb'], ['xab']],
  ['a*+a', [], ['aaa']],
  ['(?>a*)b', ['aab'], ['aaba']],
  ['(?>a|ab)c', ['ac'], ['abc']],
  ['a++b', ['aab'], ['b']],
  ['[a-z&&[^aeiou]]+', ['bcd'], ['abc', 'e']],
  ['[a-c[x-z]]+', ['abxyz'], ['d']],
  ['[\\w&&[^_]]+', ['ab1'], ['a_b']],
  ['[^a&&[ab]]', ['b', 'c'], ['a']],
  ['\\p{Alpha}+\\p{Digit}', ['ab1'], ['1a']],
  ['\\p{IsLatin}+', ['é'], ['д']],
  ['\\p{Lu}x', ['Éx'], ['1x']],
  ['\\P{Digit}+', ['ab'], ['a1']],
  ['\\h*x', [' \tx'], ['\nx']],
  ['\\Aab\\z', ['ab'], ['abc']],
  ['\\Aab\\Z', ['ab'], ['abc']],
  ['(?<!tmp_)\\w+', ['x'], ['x.y']],
  ['(?!public\\.audit)public\\..*', ['public.t'], ['public.audit']],
  ['(?!.*_old$).*', ['t'], ['t_old']],
  ['(a)(b)\\2\\1', ['abba'], ['abab']],
  ['(?<n>a+)-\\k<n>', ['aa-aa'], ['aa-a']],
  ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
  ['[a\\-z]', ['-', 'a', 'z'], ['b']],
  ['[a-]', ['-', 'a'], ['b']],
  ['[]a]', [']', 'a'], ['b']],
  ['[$()|]', ['$', '(', '|'], ['a']],
  ['x\\$y', ['x$y'], ['xy']],
  ['a\\x41\\u0042', ['aab', 'aAB'], ['ab']],
  ['(?x) a b # comment', ['ab'], ['a b']],
  ['schema"x"', ['schema"x"'], ['schemax']],
  ['a}b]', ['a}b]'], ['ab']],
  ['[.]', ['.'], ['a']],
  ['日本\\.表', ['日本.表'], ['日本x表']],
];

for (const [pattern, matching, others] of CASES) {
  test(`${pattern} matches as in Java`, () => {
    const regex = javaRegex(pattern, { anchored: true, ignoreCase: true });
    for (const text of matching) assert.ok(regex.test(text), `${text} should match ${regex}`);
    for (const text of others) assert.ok(!regex.test(text), `${text} should not match ${regex}`);
  });
}

test('a malformed pattern is a SyntaxError that names the place', () => {
  for (const pattern of ['(', 'a)', '[a', '*a', 'a\\', '\\y', '(?<1a>x)', 'x{2,1}']) {
    assert.throws(() => javaRegex(pattern, { anchored: true, ignoreCase: true }), SyntaxError, pattern);
  }
});

test('a list splits at commas that no backslash escapes', () => {
  const list = javaRegexList(' public\\.a{1\\,2} , other\\..*,, ');
  assert.equal(list.length, 2);
  assert.ok(list[0].test('public.aa'));
  assert.ok(list[1].test('OTHER.x'));
});
