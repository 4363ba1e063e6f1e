import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openCatalog } from '../../../src/iceberg/catalog/open.ts';
import { catalogContract } from '../../contract/catalog.ts';

const folder = mkdtempSync(join(tmpdir(), 'icestream-sql-'));
after(() => rmSync(folder, { recursive: true, force: true }));

catalogContract({
  name: 'SQLite',
  open: () =>
    openCatalog('contract', {
      type: 'jdbc',
      uri: `jdbc:sqlite:${folder}/catalog.db`,
      warehouse: `${folder}/warehouse`,
    }),
  namespace: 'contract',
});
