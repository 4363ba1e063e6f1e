import { test } from 'node:test';
import { openDuckdb } from './engines/duckdb.ts';
import { buildGallery } from './gallery.ts';
import { buildSynthetic } from './synthetic.ts';
import { SOURCE_TABLES } from './tables.ts';
import { FAULTS, requireTold, requireVerdicts } from './verdicts.ts';

test('L-3 L-10 DuckDB reads what the service writes', async (t) => {
  const exhibits = [...(await buildGallery(t, SOURCE_TABLES)), ...(await buildSynthetic(t))];
  await requireVerdicts(t, await openDuckdb(), exhibits, FAULTS.duckdb);
});

test('docs/readers.md tells of every fault', async () => {
  await requireTold(Object.values(FAULTS).flatMap((faults) => Object.keys(faults)));
});
