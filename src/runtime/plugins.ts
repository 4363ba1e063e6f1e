import type { OffsetJson } from '../record/offset.ts';
import type { Properties } from './config-providers.ts';
import type { ConfigKey } from './plugins/config-key.ts';
import { RequestError } from './request-error.ts';

/** A connector class that can be run. */
export interface ConnectorPlugin {
  readonly className: string;
  readonly type: 'source' | 'sink';
  readonly version: string;
  /** Shown as `task.class` of its tasks. */
  readonly taskClass: string;
  /** The `plugin` label of its metrics, after Debezium's JMX domain. */
  readonly metricsName: string;
  readonly keys: readonly ConfigKey[];
  /** Whether a property that `keys` does not list means something all the same. */
  accepts(property: string): boolean;
  /** The partition under which the connector's own offset is stored. */
  partition(config: Properties): OffsetJson;
  /** Errors by property name: static ones, and if there are none those that a connection shows. */
  validate(config: Properties, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>>;
}

/** A further set of properties that a configuration may carry, a sink's above all. */
export interface ConfigExtension {
  /** Whether this configuration holds any of these properties; only then the answer speaks of them (C-2). */
  applies(config: Properties): boolean;
  readonly keys: readonly ConfigKey[];
  validate(config: Properties): ReadonlyMap<string, readonly string[]>;
}

/** What can be run here: found by full name, simple name, or simple name without `Connector`, as in Connect. */
export class Plugins {
  readonly connectors: readonly ConnectorPlugin[];
  readonly extensions: readonly ConfigExtension[];

  constructor(connectors: readonly ConnectorPlugin[], extensions: readonly ConfigExtension[] = []) {
    this.connectors = connectors;
    this.extensions = extensions;
  }

  find(name: string): ConnectorPlugin | null {
    return this.connectors.find((plugin) => namesOf(plugin.className).includes(name)) ?? null;
  }

  /** @throws RequestError 400 with Connect's text */
  require(name: string): ConnectorPlugin {
    const plugin = this.find(name);
    if (plugin !== null) return plugin;
    const available = this.connectors.map(describe).join(', ');
    throw new RequestError(
      400,
      `Failed to find any class that implements Connector and which name matches ${name}, available connectors are: ${available}`,
    );
  }
}

export function namesOf(className: string): readonly string[] {
  const simple = className.slice(className.lastIndexOf('.') + 1);
  return [className, simple, simple.replace(/Connector$/, '')];
}

function describe({ className, version, type }: ConnectorPlugin): string {
  return (
    `PluginDesc{klass=class ${className}, name='${className}', version='${version}', ` +
    `encodedVersion=${version}, type=${type}, typeName='${type}', location='builtin'}`
  );
}
