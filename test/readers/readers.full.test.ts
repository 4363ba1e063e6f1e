import { test } from 'node:test';
import { openChdb, openPyIceberg, openSpark } from './engines/python.ts';
import { openTrino } from './engines/trino.ts';
import { buildGallery } from './gallery.ts';
import { buildSynthetic } from './synthetic.ts';
import { SOURCE_TABLES } from './tables.ts';
import { FAULTS, pyIcebergFaults, requireVerdicts } from './verdicts.ts';

// DuckDB, which every machine has, is in a file of its own. One engine after the other: each takes a core and more than a
// gigabyte. What cannot be installed is a failure in CI, and said elsewhere.
test('L-3 L-10 Spark, Trino, ClickHouse and PyIceberg read what the service writes', async (t) => {
  const exhibits = [...(await buildGallery(t, SOURCE_TABLES)), ...(await buildSynthetic(t))];
  const readers = [
    { name: 'Spark', open: openSpark, faults: FAULTS.spark },
    { name: 'Trino', open: openTrino, faults: FAULTS.trino },
    { name: 'ClickHouse', open: openChdb, faults: FAULTS.clickhouse },
    { name: 'PyIceberg', open: openPyIceberg, faults: pyIcebergFaults(exhibits) },
  ];
  for (const { name, open, faults } of readers) {
    await t.test(name, async (inner) => {
      const engine = await open().catch((error: Error) => {
        if (process.env['CI']) throw error;
        inner.skip(`not installed: ${error.message}`);
        return null;
      });
      if (engine !== null) await requireVerdicts(inner, engine, exhibits, faults);
    });
  }
});
