import assert from 'node:assert/strict';
import { test } from 'node:test';
import { POSTGRES_VERSIONS, testDatabase } from '../../services/postgres.ts';
import { Capture, clientOf, configFor } from './capture.ts';

for (const version of POSTGRES_VERSIONS) {
  test(`PostgreSQL ${version}: slot, snapshot, changes and a streamed transaction`, async () => {
    const database = await testDatabase(version);
    const client = await clientOf(database.url);
    await client.query(`ALTER DATABASE ${database.name} SET logical_decoding_work_mem = '64kB'`);
    await client.query(`CREATE TABLE item (id int PRIMARY KEY, a text); INSERT INTO item VALUES (0, 'old')`);
    const name = `v${version}_${process.pid}`;
    const config = { 'slot.name': name, 'publication.name': name, 'snapshot.mode': 'initial' };
    const capture = await Capture.open(configFor(database, config));
    assert.equal((await capture.until(1))[0].op, 'r');
    const rest = capture.until(1 + 3 + 2000);
    await client.query(
      `INSERT INTO item VALUES (1, 'x'); UPDATE item SET a = 'y' WHERE id = 1; DELETE FROM item WHERE id = 1`,
    );
    await client.query(`BEGIN; INSERT INTO item SELECT i, repeat('x', 500) FROM generate_series(1001, 2000) i;
      SAVEPOINT s; INSERT INTO item SELECT i, repeat('x', 500) FROM generate_series(5001, 6000) i;
      ROLLBACK TO SAVEPOINT s; INSERT INTO item SELECT i, repeat('x', 500) FROM generate_series(2001, 3000) i; COMMIT`);
    const rows = await rest;
    assert.deepEqual(
      rows.slice(1, 4).map(({ op }) => op),
      ['c', 'u', 'd'],
    );
    const ids = rows.slice(4).map(({ after }) => after!['id']);
    assert.deepEqual(
      ids,
      Array.from({ length: 2000 }, (_, i) => 1001 + i),
    );
    await capture.close();
    await client.end();
  });
}
