import { HEADER_CONVERTER_CLASSES, VALUE_CONVERTER_CLASSES } from '../../convert/registry.ts';
import type { ConfigKey, Importance, KeyType, Width } from './config-key.ts';
import { CONNECT_VERSION } from './versions.ts';

/** Where the worker names none. Converters shape Kafka records and do nothing to the lake (L-8). */
export const DEFAULT_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
export const DEFAULT_HEADER_CONVERTER = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';

export interface FrameworkDefaults {
  readonly pluginVersion: string;
  /** The worker's own converters; null in the plain list of a plugin's properties, which knows no worker. */
  readonly converters: { readonly key: string; readonly value: string; readonly header: string } | null;
}

/** The properties that Connect itself gives to every source connector, in its order. */
export function frameworkKeys({ pluginVersion, converters }: FrameworkDefaults): readonly ConfigKey[] {
  const converterVersion = converters === null ? null : CONNECT_VERSION;
  const versions = { recommended: converterVersion === null ? [] : [converterVersion] };
  return [
    key(
      'Common',
      1,
      'name',
      'STRING',
      null,
      'HIGH',
      'MEDIUM',
      'Connector name',
      'Name of the connector, unique on this worker.',
      {
        required: true,
        check: checkName,
      },
    ),
    key(
      'Common',
      2,
      'connector.class',
      'STRING',
      null,
      'HIGH',
      'LONG',
      'Connector class',
      'Class of the connector: full name, simple name, or simple name without its ending Connector.',
      {
        required: true,
      },
    ),
    key(
      'Common',
      3,
      'connector.plugin.version',
      'STRING',
      pluginVersion,
      'MEDIUM',
      'MEDIUM',
      'Connector version',
      'Version of the connector plug-in; the built-in one is the only choice.',
      {
        recommended: [pluginVersion],
      },
    ),
    key(
      'Common',
      4,
      'tasks.max',
      'INT',
      '1',
      'HIGH',
      'SHORT',
      'Tasks max',
      'Most tasks the connector may have; a database log is read by one.',
      {
        check: atLeast(1),
      },
    ),
    key(
      'Common',
      5,
      'tasks.max.enforce',
      'BOOLEAN',
      'true',
      'LOW',
      'SHORT',
      'Enforce tasks max',
      'Whether more tasks than that fail the connector.',
    ),
    key(
      'Common',
      6,
      'key.converter',
      'CLASS',
      converters?.key ?? null,
      'LOW',
      'SHORT',
      'Key converter class',
      "Class that turns record keys into bytes; the worker's if not given.",
      {
        recommended: VALUE_CONVERTER_CLASSES,
      },
    ),
    key(
      'Common',
      7,
      'key.converter.plugin.version',
      'STRING',
      converterVersion,
      'LOW',
      'SHORT',
      'Key converter version',
      'Version of the key converter.',
      versions,
    ),
    key(
      'Common',
      8,
      'value.converter',
      'CLASS',
      converters?.value ?? null,
      'LOW',
      'SHORT',
      'Value converter class',
      "Class that turns record values into bytes; the worker's if not given.",
      {
        recommended: VALUE_CONVERTER_CLASSES,
      },
    ),
    key(
      'Common',
      9,
      'value.converter.plugin.version',
      'STRING',
      converterVersion,
      'LOW',
      'SHORT',
      'Value converter version',
      'Version of the value converter.',
      versions,
    ),
    key(
      'Common',
      10,
      'header.converter',
      'CLASS',
      converters?.header ?? null,
      'LOW',
      'SHORT',
      'Header converter class',
      "Class that turns record headers into bytes; the worker's if not given.",
      {
        recommended: HEADER_CONVERTER_CLASSES,
      },
    ),
    key(
      'Common',
      11,
      'header.converter.plugin.version',
      'STRING',
      converterVersion,
      'LOW',
      'SHORT',
      'Header converter version',
      'Version of the header converter.',
      versions,
    ),
    key(
      'Transforms',
      12,
      'transforms',
      'LIST',
      '',
      'LOW',
      'LONG',
      'Transforms',
      'Names of the transforms applied to records, in order.',
      {
        check: noDuplicates('Duplicate alias provided.'),
      },
    ),
    key(
      'Predicates',
      13,
      'predicates',
      'LIST',
      '',
      'LOW',
      'LONG',
      'Predicates',
      'Names of the predicates that transforms may refer to.',
      {
        check: noDuplicates('Duplicate alias provided.'),
      },
    ),
    key(
      'Common',
      14,
      'config.action.reload',
      'STRING',
      'restart',
      'LOW',
      'MEDIUM',
      'Reload Action',
      'Whether a change in a config provider restarts the connector: none or restart.',
      {
        check: oneOf(['none', 'restart']),
      },
    ),
    ...errorKeys(),
    key(
      'Topic Creation',
      1,
      'topic.creation.groups',
      'LIST',
      '',
      'LOW',
      'LONG',
      'Topic Creation Groups',
      'Names of the groups of topics with creation settings of their own.',
    ),
    ...exactlyOnceKeys(),
    key(
      'offsets.topic',
      1,
      'offsets.storage.topic',
      'STRING',
      null,
      'LOW',
      'LONG',
      'Offsets topic',
      "Topic for this connector's offsets instead of the worker's.",
    ),
  ];
}

function errorKeys(): ConfigKey[] {
  const group = 'Error Handling';
  return [
    key(
      group,
      1,
      'errors.retry.timeout',
      'LONG',
      '0',
      'MEDIUM',
      'MEDIUM',
      'Retry Timeout for Errors',
      'Longest time to retry a failed operation on a record, in milliseconds; -1 for ever.',
    ),
    key(
      group,
      2,
      'errors.retry.delay.max.ms',
      'LONG',
      '60000',
      'MEDIUM',
      'MEDIUM',
      'Maximum Delay Between Retries for Errors',
      'Longest time between two such retries, in milliseconds.',
    ),
    key(
      group,
      3,
      'errors.tolerance',
      'STRING',
      'none',
      'MEDIUM',
      'SHORT',
      'Error Tolerance',
      'Whether records that fail stop the task (none) or are skipped (all).',
      {
        check: oneOf(['none', 'all']),
      },
    ),
    key(
      group,
      4,
      'errors.log.enable',
      'BOOLEAN',
      'false',
      'MEDIUM',
      'SHORT',
      'Log Errors',
      'Whether every failed operation is logged.',
    ),
    key(
      group,
      5,
      'errors.log.include.messages',
      'BOOLEAN',
      'false',
      'MEDIUM',
      'SHORT',
      'Log Error Details',
      'Whether such log lines name the record.',
    ),
  ];
}

function exactlyOnceKeys(): ConfigKey[] {
  const group = 'Exactly Once Support';
  return [
    key(
      group,
      2,
      'exactly.once.support',
      'STRING',
      'requested',
      'MEDIUM',
      'SHORT',
      'Exactly once support',
      'Whether the connector must be able to deliver exactly once: requested or required.',
      {
        check: oneOfAnyCase(['REQUESTED', 'REQUIRED']),
      },
    ),
    key(
      group,
      3,
      'transaction.boundary',
      'STRING',
      'poll',
      'MEDIUM',
      'SHORT',
      'Transaction Boundary',
      'What ends a producer transaction: poll, interval or connector.',
      {
        check: oneOfAnyCase(['POLL', 'INTERVAL', 'CONNECTOR']),
      },
    ),
    key(
      group,
      4,
      'transaction.boundary.interval.ms',
      'LONG',
      null,
      'LOW',
      'SHORT',
      'Transaction boundary interval',
      'Time between two transaction ends with the boundary interval, in milliseconds.',
    ),
  ];
}

export function key(
  group: string,
  order: number,
  name: string,
  type: KeyType,
  defaultValue: string | null,
  importance: Importance,
  width: Width,
  displayName: string,
  documentation: string,
  more: Partial<ConfigKey> = {},
): ConfigKey {
  return {
    name,
    type,
    required: false,
    defaultValue,
    importance,
    documentation,
    group,
    order,
    width,
    displayName,
    dependents: [],
    recommended: [],
    visible: true,
    ...more,
  };
}

function checkName(value: string | null): string | null {
  if (value === null || value.trim() === '') return 'String may not be empty';
  const controls = [...value].filter((character) => /\p{Cc}/u.test(character)).map((c) => c.codePointAt(0));
  return controls.length === 0
    ? null
    : `String may not contain control sequences but had the following ASCII chars: ${controls.join(', ')}`;
}

export function atLeast(min: number) {
  return (value: string | null) => {
    if (value === null) return 'Value must be non-null';
    return Number(value) < min ? `Value must be at least ${min}` : null;
  };
}

function oneOf(values: readonly string[]) {
  return (value: string | null) =>
    value !== null && values.includes(value) ? null : `String must be one of: ${values.join(', ')}`;
}

function oneOfAnyCase(values: readonly string[]) {
  return (value: string | null) =>
    value !== null && values.includes(value.toUpperCase())
      ? null
      : `String must be one of (case insensitive): ${values.join(', ')}`;
}

function noDuplicates(message: string) {
  return (value: string | null) => {
    const aliases = aliasesOf(value ?? '');
    return new Set(aliases).size === aliases.length ? null : message;
  };
}

/** A Connect LIST: comma-separated, trimmed. */
export function aliasesOf(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map((alias) => alias.trim());
}
