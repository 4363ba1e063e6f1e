import { test } from 'node:test';
import { assertCommitsStayFlat } from './age.ts';

test('L-11 commits read and write no more after some hundred of them', async () => {
  await assertCommitsStayFlat({
    commits: 400,
    window: 100,
    ratio: 1.2,
    measure: ['reads', 'writes', 'bytes'],
  });
});
