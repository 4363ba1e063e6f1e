import { join, resolve } from 'node:path';
import { IcestreamError } from '../base/errors.ts';
import type { Properties } from './config-providers.ts';
import { transformEntries } from './plugins/transforms.ts';
import type { WorkerConfig } from './worker-config.ts';

/**
 * A connector's configuration with what the worker adds about sinks: `sinks` and `iceberg.*` of the worker file hold for
 * every connector that does not set them, so that a catalog's credentials stand in one place.
 *
 * Where nobody names a sink it is Kafka if the worker has `bootstrap.servers`, as in Connect; a worker without takes a plain
 * Debezium configuration, too: then it is the lake, and where nobody names a catalog that is under the state directory.
 */
export function withSinkDefaults(
  config: Properties,
  worker: Pick<WorkerConfig, 'properties' | 'stateDir'>,
): Properties {
  const inherited = Object.entries(worker.properties).filter(([name]) => isSinkProperty(name));
  const merged: Properties = { ...Object.fromEntries(inherited), ...config };
  if (merged['sinks'] !== undefined) return merged;
  if (worker.properties['bootstrap.servers'] !== undefined) {
    // Who sets up a lake and names no sink means one, and is told so.
    const meansLake = Object.keys(config).some((name) => name.startsWith('iceberg.'));
    return meansLake ? merged : { ...merged, sinks: 'kafka' };
  }
  const hasCatalog = Object.keys(merged).some((name) => name.startsWith('iceberg.catalog.'));
  return { ...merged, ...(hasCatalog ? {} : localLake(worker.stateDir)), sinks: 'iceberg' };
}

/** What a worker file says of Kafka, for connectors that do not: a converter comes whole from the one or the other. */
export function withKafkaDefaults(
  config: Properties,
  { properties }: Pick<WorkerConfig, 'properties'>,
): Properties {
  const inherited = Object.entries(properties).filter(([name]) => {
    const converter = /^(key|value|header)\.converter(?=\.|$)/.exec(name)?.[0];
    return converter === undefined ? KAFKA_PROPERTY.test(name) : config[converter] === undefined;
  });
  return { ...Object.fromEntries(inherited), ...config };
}

const KAFKA_PROPERTY =
  /^((bootstrap\.servers|security\.protocol|topic\.creation\.enable|group\.id|exactly\.once\.source\.support)$|sasl\.|ssl\.|producer\.|offset\.storage\.(topic|partitions|replication\.factor)$)/;

/** A connector's configuration with all that its worker adds. */
export function withWorker(
  config: Properties,
  worker: Pick<WorkerConfig, 'properties' | 'stateDir'>,
): Properties {
  const own = withSinkDefaults(config, worker);
  const usesKafka = sinksOf(own).includes('kafka') || /\bkafka\b/.test(own['signal.enabled.channels'] ?? '');
  return usesKafka ? withKafkaDefaults(own, worker) : own;
}

/** `sink.spool.max.bytes` where it is not set. */
export const SPOOL_BYTES_MAX = 10 * 2 ** 30;

export function isSinkProperty(name: string): boolean {
  return name === 'sinks' || name === 'sink.spool.max.bytes' || name.startsWith('iceberg.');
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
  if (!sinksOf(config).includes('iceberg')) return;
  const error = transformEntries(config, true).flatMap(({ errors }) => errors)[0];
  if (error !== undefined) throw new IcestreamError('config.invalid', error);
}

export function sinksOf(config: Properties): readonly string[] {
  const names = (config['sinks'] ?? '').split(',').map((name) => name.trim());
  return names.filter((name) => name !== '');
}
