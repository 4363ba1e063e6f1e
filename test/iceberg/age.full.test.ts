import { test } from 'node:test';
import { assertCommitsStayFlat } from './age.ts';

test('L-11 after 3,600 commits a commit costs at most 1.2 times what it did in the first hundred', async () => {
  const measure = ['reads', 'writes', 'bytes', 'cpuMicros'] as const;
  await assertCommitsStayFlat({ commits: 3_600, window: 100, ratio: 1.2, measure });
});
