import type { SinkDefinition } from '../../sink/sink.ts';
import type { Properties } from '../config-providers.ts';
import type { ConfigExtension } from '../plugins.ts';
import { isSinkProperty, SPOOL_BYTES_MAX } from '../sink-defaults.ts';
import { aliasesOf, atLeast, key } from './framework-keys.ts';

/**
 * `sinks` and the properties of every sink: the only additions to a Debezium configuration. Validation speaks of them only
 * where they are used (C-2).
 */
export function sinksExtension(sinks: ReadonlyMap<string, SinkDefinition>): ConfigExtension {
  const names = [...sinks.keys()];
  const own = key('Sinks', 1, 'sinks', 'LIST', null, 'HIGH', 'SHORT', 'Sinks', 'Where changes go.', {
    recommended: names,
  });
  const spool = key(
    'Sinks',
    2,
    'sink.spool.max.bytes',
    'LONG',
    String(SPOOL_BYTES_MAX),
    'LOW',
    'SHORT',
    'Spool of a slow sink',
    'With several sinks: disk for changes that one of them does not take, in bytes. When it is full all of them wait.',
    { check: atLeast(0) },
  );
  return {
    applies: (config) => Object.keys(config).some(isSinkProperty),
    keys: [own, spool, ...[...sinks].flatMap(([name, sink]) => keysOf(name, sink))],
    validate(config) {
      const chosen = aliasesOf(config['sinks'] ?? '');
      const errors = new Map(chosen.flatMap((name) => [...(sinks.get(name)?.validate(config) ?? [])]));
      const problems = sinkProblems(config, chosen, names);
      if (problems.length > 0) errors.set('sinks', problems);
      return errors;
    },
  };
}

function keysOf(name: string, { properties }: SinkDefinition) {
  const group = `${name[0]!.toUpperCase()}${name.slice(1)}`;
  return properties.map(({ name, type, default: fallback, importance, doc }, index) =>
    key(group, index + 1, name, type, fallback, importance, 'MEDIUM', name, doc),
  );
}

function sinkProblems(config: Properties, chosen: readonly string[], names: readonly string[]): string[] {
  if (chosen.length === 0)
    return ['Invalid value for configuration sinks: properties of a sink are set, but sinks names none'];
  return chosen
    .filter((sink) => !names.includes(sink))
    .map(
      (sink) => `Invalid value ${config['sinks']} for configuration sinks: the sink ${sink} is not supported`,
    );
}
