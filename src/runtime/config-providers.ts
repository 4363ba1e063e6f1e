import { readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { IcestreamError } from '../base/errors.ts';
import { parseProperties } from './properties.ts';

export type Properties = Readonly<Record<string, string>>;

/** Looks one reference up; undefined when the provider has no such key. */
type Provider = (path: string, key: string) => string | undefined;

/** `${provider:key}` or `${provider:path:key}`, as Kafka's ConfigTransformer reads it. */
const REFERENCE = /\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}/g;

/**
 * Replaces config provider references in values. Configurations are stored and shown with their references; they are
 * resolved late, when a task starts or a configuration is validated, so that secrets do not reach the store.
 */
export class ConfigProviders {
  private readonly providers: ReadonlyMap<string, Provider>;

  constructor(worker: Properties, environment: Readonly<Record<string, string | undefined>> = process.env) {
    this.providers = providersOf(worker, environment);
  }

  /**
   * A copy with every reference to a known provider replaced; references to unknown providers stay as they are, as in
   * Connect (transforms have templates of their own).
   * @throws IcestreamError config.provider naming the property, never the value
   */
  resolve(config: Properties): Record<string, string> {
    const resolved: Record<string, string> = {};
    for (const [name, value] of Object.entries(config)) resolved[name] = this.resolveValue(name, value);
    return resolved;
  }

  private resolveValue(property: string, value: string): string {
    if (!value?.includes('${')) return value;
    return value.replace(REFERENCE, (reference, name: string, path: string | undefined, key: string) => {
      const provider = this.providers.get(name);
      if (provider === undefined) return reference;
      const found = lookUp(provider, property, name, path ?? '', key);
      if (found === undefined) throw unresolved(property, name, path ?? '', key);
      return found;
    });
  }
}

function lookUp(provider: Provider, property: string, name: string, path: string, key: string) {
  try {
    return provider(path, key);
  } catch (cause) {
    throw unresolved(property, name, path, key, cause);
  }
}

function unresolved(property: string, provider: string, path: string, key: string, cause?: unknown) {
  return new IcestreamError('config.provider', `config provider ${provider} has no ${key} for ${property}`, {
    cause,
    context: { property, provider, path: path || undefined, key },
  });
}

/** Without `config.providers` the three that need no settings are there under their usual names. */
function providersOf(
  worker: Properties,
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, Provider> {
  const providers = new Map<string, Provider>();
  const names = worker['config.providers'];
  if (names === undefined) {
    providers.set('env', envProvider(environment, ''));
    providers.set('file', fileProvider(''));
    providers.set('dir', directoryProvider(''));
    return providers;
  }
  for (const name of names.split(',').map((n) => n.trim())) {
    if (name !== '') providers.set(name, configuredProvider(worker, name, environment));
  }
  return providers;
}

function configuredProvider(
  worker: Properties,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Provider {
  const className = worker[`config.providers.${name}.class`] ?? '';
  const parameter = (key: string) => worker[`config.providers.${name}.param.${key}`] ?? '';
  switch (className.split('.').at(-1)) {
    case 'EnvVarConfigProvider':
      return envProvider(environment, parameter('allowlist.pattern'));
    case 'FileConfigProvider':
      return fileProvider(parameter('allowed.paths'));
    case 'DirectoryConfigProvider':
      return directoryProvider(parameter('allowed.paths'));
    default:
      throw new IcestreamError(
        'config.invalid',
        `config provider class ${className || '(none)'} is not supported`,
        {
          context: { property: `config.providers.${name}.class` },
          hint: 'Use EnvVarConfigProvider, FileConfigProvider or DirectoryConfigProvider.',
        },
      );
  }
}

function envProvider(environment: Readonly<Record<string, string | undefined>>, allowed: string): Provider {
  const pattern = allowed === '' ? null : new RegExp(`^(?:${allowed})$`);
  return (_path, key) => (pattern === null || pattern.test(key) ? environment[key] : undefined);
}

function fileProvider(allowedPaths: string): Provider {
  return (path, key) => {
    requireAllowed(path, allowedPaths);
    return parseProperties(readFileSync(path, 'utf8'))[key];
  };
}

/** The file's whole text is the value, as for mounted secrets. */
function directoryProvider(allowedPaths: string): Provider {
  return (path, key) => {
    const file = join(path, key);
    requireAllowed(path, allowedPaths);
    if (resolve(file) !== join(resolve(path), key) || key.includes('/'))
      throw new Error('key leaves the directory');
    return readFileSync(file, 'utf8');
  };
}

function requireAllowed(path: string, allowedPaths: string): void {
  if (path === '') throw new Error('the reference names no path');
  if (allowedPaths === '') return;
  const absolute = resolve(path);
  const allowed = allowedPaths.split(',').map((p) => resolve(p.trim()));
  if (!allowed.some((p) => absolute === p || absolute.startsWith(p + sep)))
    throw new Error('the path is not among allowed.paths');
}
