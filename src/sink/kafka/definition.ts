import type { SinkDefinition } from '../sink.ts';
import { KAFKA_PROPERTIES, parseKafkaConfig, validateKafkaConfig } from './config.ts';

/** Kafka. What publishes is loaded where a task needs it: the client's code takes more memory than all of ours. */
export const kafkaSink: SinkDefinition = {
  create: async (config, context) => {
    const { KafkaSink } = await import('./index.ts');
    return new KafkaSink(parseKafkaConfig(config), context);
  },
  commitPolicy: (config) => parseKafkaConfig(config).commit,
  properties: KAFKA_PROPERTIES,
  validate: validateKafkaConfig,
  alterOffsets: async (config, context, changes, signal) => {
    const { alterOffsets } = await import('./alter-offsets.ts');
    await alterOffsets(parseKafkaConfig(config), context, changes, signal);
  },
};
