import { IcestreamError } from '../../base/errors.ts';
import type { Storage } from '../storage.ts';
import { LocalStorage } from './local.ts';

/**
 * The storage that serves a location, by its scheme. `properties` are those of the catalog or the table (`s3.endpoint`,
 * `s3.access-key-id`, ...). Loaders are dynamic: who writes to a local folder needs no S3 client.
 */
export async function openStorage(
  location: string,
  properties: Readonly<Record<string, string>>,
): Promise<Storage> {
  const scheme = storageScheme(location);
  switch (scheme) {
    case 'file':
      return new LocalStorage();
    case 's3':
    case 's3a':
    case 's3n':
      return (await import('./s3.ts')).openS3Storage(properties);
    default:
      throw new IcestreamError('config.invalid', `no storage serves locations of the scheme ${scheme}`, {
        context: { scheme },
        hint: 'Use a warehouse on s3:// or in a local folder.',
      });
  }
}

/** The scheme of a location in lower case; a path has the scheme `file`. */
export function storageScheme(location: string): string {
  const match = /^([a-z][a-z0-9+.-]+):/i.exec(location);
  return match === null ? 'file' : match[1].toLowerCase();
}
