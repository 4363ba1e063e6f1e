import { test } from 'node:test';
import { killAtRandom } from './random.ts';

test('O-3 kill -9 at 12 random moments under load: the lake equals the source', { timeout: 180_000 }, (t) =>
  killAtRandom(t, 12, Number(process.env['ICESTREAM_TEST_SEED'] ?? Date.now() % 1_000_000)),
);
