import type { SinkDefinition } from '../sink.ts';
import { ICEBERG_PROPERTIES, parseIcebergConfig, validateIcebergConfig } from './config.ts';
import { skippedOps } from './skipped-ops.ts';

/** Apache Iceberg. What writes tables is loaded where a task needs it. */
export const icebergSink: SinkDefinition = {
  create: async (config, context) => {
    const { IcebergSink } = await import('./index.ts');
    return new IcebergSink(parseIcebergConfig(config), skippedOps(config), context);
  },
  commitPolicy: (config) => parseIcebergConfig(config).commit,
  properties: ICEBERG_PROPERTIES,
  validate: validateIcebergConfig,
};
