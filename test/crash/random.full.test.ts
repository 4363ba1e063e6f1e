import { test } from 'node:test';
import { killAtRandom } from './random.ts';

test('O-3 kill -9 at 50 random moments under load: the lake equals the source', { timeout: 900_000 }, (t) =>
  killAtRandom(t, 50, Number(process.env['ICESTREAM_TEST_SEED'] ?? Date.now() % 1_000_000)),
);
