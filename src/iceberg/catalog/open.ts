import { IcestreamError } from '../../base/errors.ts';
import { openStorage } from '../storage/open.ts';
import type { Catalog } from './catalog.ts';

/**
 * Opens the catalog that `type` (or Java's `catalog-impl`) names: `sql` and `jdbc` are the same one under the names of
 * PyIceberg and Java. `properties` are the catalog's, without the prefix `iceberg.catalog.`; `name` is the catalog's own.
 */
export async function openCatalog(
  name: string,
  properties: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Catalog> {
  const type = catalogType(properties);
  switch (type) {
    case 'sql':
    case 'jdbc': {
      const { openSqlCatalog } = await import('./sql.ts');
      return openSqlCatalog(name, properties, (location) => openStorage(location, properties), signal);
    }
    case 'rest': {
      const { openRestCatalog } = await import('./rest.ts');
      return openRestCatalog(name, properties, signal);
    }
    default:
      throw new IcestreamError('config.invalid', `the catalog type ${type} is not supported`, {
        context: { property: 'iceberg.catalog.type', type },
        hint: 'Use rest, jdbc or sql.',
      });
  }
}

function catalogType(properties: Readonly<Record<string, string>>): string {
  const implementation = properties['catalog-impl'];
  if (implementation?.endsWith('.JdbcCatalog')) return 'jdbc';
  if (implementation?.endsWith('.RESTCatalog')) return 'rest';
  return (properties['type'] ?? implementation ?? '').toLowerCase();
}
