import { join, resolve } from 'node:path';
import { IcestreamError } from '../base/errors.ts';
import type { Properties } from './config-providers.ts';
import { transformEntries } from './plugins/transforms.ts';
import type { WorkerConfig } from './worker-config.ts';

/**
 * A connector's configuration with what the worker adds about sinks: `sinks` and `iceberg.*` of the worker file hold for
 * every connector that does not set them, so that a catalog's credentials stand in one place.
 *
 * A worker without Kafka takes a plain Debezium configuration, too: where nobody names a sink it is the lake,
 * and where nobody names a catalog the lake is under the state directory.
 */
export function withSinkDefaults(
  config: Properties,
  worker: Pick<WorkerConfig, 'properties' | 'stateDir'>,
): Properties {
  const inherited = Object.entries(worker.properties).filter(([name]) => isSinkProperty(name));
  const merged: Properties = { ...Object.fromEntries(inherited), ...config };
  if (merged['sinks'] !== undefined || worker.properties['bootstrap.servers'] !== undefined) return merged;
  const hasCatalog = Object.keys(merged).some((name) => name.startsWith('iceberg.catalog.'));
  return { ...merged, ...(hasCatalog ? {} : localLake(worker.stateDir)), sinks: 'iceberg' };
}

export function isSinkProperty(name: string): boolean {
  return name === 'sinks' || name.startsWith('iceberg.');
}

function localLake(stateDir: string): Properties {
  const folder = resolve(stateDir);
  return {
    'iceberg.catalog.type': 'sql',
    'iceberg.catalog.uri': `sqlite:///${join(folder, 'catalog.db')}`,
    'iceberg.catalog.warehouse': join(folder, 'warehouse'),
  };
}

/**
 * L-8: a transform that changes row values must not be left out silently, where it masks them least of all. Validation
 * says so where a configuration names its sinks; this holds for those that do not.
 * @throws IcestreamError config.invalid
 */
export function requireTransformsForLake(config: Properties): void {
  const error = transformEntries(config, true).flatMap(({ errors }) => errors)[0];
  if (error !== undefined) throw new IcestreamError('config.invalid', error);
}
