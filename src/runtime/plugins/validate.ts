import { IcestreamError } from '../../base/errors.ts';
import type { Properties } from '../config-providers.ts';
import type { ConfigExtension, ConnectorPlugin, Plugins } from '../plugins.ts';
import { RequestError } from '../request-error.ts';
import { withWorker } from '../sink-defaults.ts';
import type { WorkerConfig } from '../worker-config.ts';
import { type ConfigKey, type ConfigKeyInfo, keyInfo } from './config-key.ts';
import { DEFAULT_CONVERTER, DEFAULT_HEADER_CONVERTER, frameworkKeys } from './framework-keys.ts';
import { transformEntries } from './transforms.ts';

export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly ConfigInfo[];
}

export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null;
  readonly value: {
    readonly name: string;
    readonly value: string | null;
    readonly recommended_values: readonly string[];
    readonly errors: readonly string[];
    readonly visible: boolean;
  };
}

type Submitted = Readonly<Record<string, string | null>>;
type ErrorsByKey = ReadonlyMap<string, readonly string[]>;

const VALIDATION_TIMEOUT_MS = 60_000;

/** Connect's answer to a configuration: every property, its value and its errors. */
export async function validateConfig(
  plugins: Plugins,
  plugin: ConnectorPlugin,
  submitted: Submitted,
  worker: WorkerConfig,
): Promise<ConfigInfos> {
  const { config, unresolved } = resolve(submitted, worker);
  const extensions = plugins.extensions.filter((extension) => extension.applies(config));
  const framework = frameworkInfos(config, plugin, worker);
  const transforms = transformEntries(config, extensions.length > 0).map(({ key, value, errors }) =>
    info(key, value, errors),
  );
  const own = merge(
    unresolved,
    ...extensions.map((extension) => extension.validate(withWorker(config, worker))),
  );
  const errors = merge(own, await pluginErrors(plugin, config));
  const keys = [...plugin.keys, ...extensions.flatMap((extension: ConfigExtension) => extension.keys)];
  // Debezium's validation results carry no values, only errors and recommendations.
  const described = keys.map((key) => info(key, null, errors.get(key.name) ?? []));
  const configs = [...withErrors(framework, unresolved), ...transforms, ...described];
  return {
    name: submitted['connector.class'] ?? '',
    ...summary([...configs, ...undefinedOnes(configs, submitted, errors)]),
  };
}

/** @throws RequestError 400 listing the errors, if there are any */
export function requireValid({ error_count, configs }: ConfigInfos): void {
  if (error_count === 0) return;
  const messages = configs.flatMap(({ value }) => value.errors).map((message) => `${message}\n`);
  throw new RequestError(
    400,
    `Connector configuration is invalid and contains the following ${error_count} error(s):\n${messages.join('')}` +
      'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
  );
}

/** The plain list of a plugin's properties, its own first. */
export function pluginKeyInfos(plugin: ConnectorPlugin): ConfigKeyInfo[] {
  const framework = frameworkKeys({ pluginVersion: plugin.version, converters: null });
  return [...plugin.keys, ...framework].map(keyInfo);
}

/** Null values and references that cannot be resolved are errors of their properties; the rest is checked as usual. */
function resolve(
  submitted: Submitted,
  worker: WorkerConfig,
): { config: Properties; unresolved: ErrorsByKey } {
  const config: Record<string, string> = {};
  const unresolved = new Map<string, string[]>();
  for (const [name, value] of Object.entries(submitted)) {
    if (value === null) {
      unresolved.set(name, ['Null value can not be supplied as the configuration value.']);
      continue;
    }
    try {
      Object.assign(config, worker.providers.resolve({ [name]: value }));
    } catch (error) {
      if (!(error instanceof IcestreamError)) throw error;
      unresolved.set(name, [error.message]);
    }
  }
  return { config, unresolved };
}

function frameworkInfos(config: Properties, plugin: ConnectorPlugin, worker: WorkerConfig): ConfigInfo[] {
  const { properties } = worker;
  const converters = {
    key: properties['key.converter'] ?? DEFAULT_CONVERTER,
    value: properties['value.converter'] ?? DEFAULT_CONVERTER,
    header: properties['header.converter'] ?? DEFAULT_HEADER_CONVERTER,
  };
  return frameworkKeys({ pluginVersion: plugin.version, converters }).map((key) => {
    const { value, errors } = checkFramework(key, config[key.name]);
    return info(key, value, errors);
  });
}

/** Kafka's ConfigDef: parse, then the property's own check on what came of it. A value that fails to parse is null. */
function checkFramework(
  key: ConfigKey,
  text: string | undefined,
): { value: string | null; errors: string[] } {
  const given = text ?? key.defaultValue;
  const problem = given === null ? null : parseProblem(key, given);
  const value = problem === null ? given : null;
  const errors = problem === null ? [] : [`Invalid value ${given} for configuration ${key.name}: ${problem}`];
  const failed = key.check?.(value) ?? null;
  if (failed !== null) errors.push(`Invalid value ${value} for configuration ${key.name}: ${failed}`);
  return { value, errors };
}

const RANGES = { INT: [-(2n ** 31n), 2n ** 31n - 1n], LONG: [-(2n ** 63n), 2n ** 63n - 1n] } as const;

function parseProblem({ type }: ConfigKey, text: string): string | null {
  const trimmed = text.trim();
  if (type === 'BOOLEAN')
    return /^(true|false)$/i.test(trimmed) ? null : 'Expected value to be either true or false';
  if (type !== 'INT' && type !== 'LONG') return null;
  const [min, max] = RANGES[type];
  const isNumber = /^[+-]?\d{1,20}$/.test(trimmed) && BigInt(trimmed.replace('+', '')) >= min;
  return isNumber && BigInt(trimmed.replace('+', '')) <= max ? null : `Not a number of type ${type}`;
}

function pluginErrors(plugin: ConnectorPlugin, config: Properties): Promise<ErrorsByKey> {
  const timeoutMs = Number(config['connection.validation.timeout.ms'] ?? VALIDATION_TIMEOUT_MS);
  const signal = AbortSignal.timeout(timeoutMs > 0 ? timeoutMs : VALIDATION_TIMEOUT_MS);
  return plugin.validate(config, signal);
}

function withErrors(infos: readonly ConfigInfo[], errors: ErrorsByKey): ConfigInfo[] {
  return infos.map((each) => {
    const more = errors.get(each.value.name);
    return more === undefined
      ? each
      : { ...each, value: { ...each.value, errors: [...each.value.errors, ...more] } };
  });
}

/** Errors of properties that nothing defines still have to be told. */
function undefinedOnes(
  configs: readonly ConfigInfo[],
  submitted: Submitted,
  errors: ErrorsByKey,
): ConfigInfo[] {
  const defined = new Set(configs.map(({ value }) => value.name));
  return [...errors]
    .filter(([name]) => !defined.has(name))
    .map(([name, messages]) => ({
      definition: null,
      value: {
        name,
        value: submitted[name] ?? null,
        recommended_values: [],
        errors: messages,
        visible: true,
      },
    }));
}

function info(key: ConfigKey, value: string | null, errors: readonly string[]): ConfigInfo {
  return {
    definition: keyInfo(key),
    value: {
      name: key.name,
      value: key.type === 'PASSWORD' && value !== null ? '[hidden]' : value,
      recommended_values: key.recommended,
      errors,
      visible: key.visible,
    },
  };
}

function summary(configs: readonly ConfigInfo[]): Omit<ConfigInfos, 'name'> {
  const groups = configs
    .map(({ definition }) => definition?.group)
    .filter((group) => typeof group === 'string');
  const errorCount = configs.reduce((count, { value }) => count + value.errors.length, 0);
  return { error_count: errorCount, groups: [...new Set(groups)], configs };
}

function merge(...maps: readonly ErrorsByKey[]): Map<string, readonly string[]> {
  const merged = new Map<string, readonly string[]>();
  for (const map of maps)
    for (const [name, messages] of map) merged.set(name, [...(merged.get(name) ?? []), ...messages]);
  return merged;
}
