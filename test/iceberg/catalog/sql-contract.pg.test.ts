import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openCatalog } from '../../../src/iceberg/catalog/open.ts';
import { catalogContract } from '../../contract/catalog.ts';
import { testDatabase } from '../../services/postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'icestream-sql-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const database = await testDatabase();

catalogContract({
  name: 'PostgreSQL',
  open: () => openCatalog('contract', { type: 'sql', uri: database.url, warehouse: `${folder}/warehouse` }),
  namespace: 'contract',
});
