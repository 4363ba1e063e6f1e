import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { LocalStorage } from '../../../src/iceberg/storage/local.ts';
import { storageContract } from '../../contract/storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'icestream-storage-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storageContract({
  name: 'local',
  open: async () => new LocalStorage(),
  root: () => folder,
  leftovers: async () => globSync('**/.*', { cwd: folder }),
});
