import { ICEBERG_PROPERTIES, validateIcebergConfig } from '../../sink/iceberg/config.ts';
import type { Properties } from '../config-providers.ts';
import type { ConfigExtension } from '../plugins.ts';
import { aliasesOf, key } from './framework-keys.ts';

const GROUP = 'Iceberg';

/** `sinks` and `iceberg.*`: the only additions to a Debezium configuration. Validation speaks of them only where they are used (C-2). */
export const ICEBERG_EXTENSION: ConfigExtension = {
  applies: (config) => Object.keys(config).some((name) => name === 'sinks' || name.startsWith('iceberg.')),
  keys: [
    key(GROUP, 1, 'sinks', 'LIST', null, 'HIGH', 'SHORT', 'Sinks', 'Where changes go.', {
      recommended: ['iceberg'],
    }),
    ...ICEBERG_PROPERTIES.map((property, index) =>
      key(
        GROUP,
        index + 2,
        property.name,
        property.type,
        property.default,
        property.importance,
        'MEDIUM',
        property.name,
        property.doc,
      ),
    ),
  ],
  validate(config) {
    const sinks = aliasesOf(config['sinks'] ?? '');
    const errors = new Map(sinks.includes('iceberg') ? validateIcebergConfig(config) : []);
    const problems = sinkProblems(config, sinks);
    if (problems.length > 0) errors.set('sinks', problems);
    return errors;
  },
};

function sinkProblems(config: Properties, sinks: readonly string[]): string[] {
  if (sinks.length === 0)
    return [
      'Invalid value for configuration sinks: iceberg.* properties are set, but sinks does not name iceberg',
    ];
  return sinks
    .filter((sink) => sink !== 'iceberg')
    .map(
      (sink) => `Invalid value ${config['sinks']} for configuration sinks: the sink ${sink} is not supported`,
    );
}
