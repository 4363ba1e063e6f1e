import { unknownKeys } from '../../base/config.ts';
import type { Properties } from '../config-providers.ts';
import type { ConnectorPlugin, Plugins } from '../plugins.ts';
import { frameworkKeys } from './framework-keys.ts';

/** Keys that belong to parts with names of their own; a sink speaks for its own keys itself. */
const FAMILIES =
  /^(sinks$|iceberg\.|(key|value|header)\.converter\.|transforms\.|predicates\.|topic\.creation\.|errors\.|(producer|consumer|admin)\.override\.)/;

/** Keys that mean nothing to anybody, each with the nearest known name. Accepted, as Connect accepts them, but worth a note. */
export function unknownProperties(plugin: ConnectorPlugin, plugins: Plugins, config: Properties) {
  const framework = frameworkKeys({ pluginVersion: plugin.version, converters: null });
  const extensions = plugins.extensions.flatMap(({ keys }) => keys);
  const known = [...plugin.keys, ...framework, ...extensions].map(({ name }) => name);
  const names = new Set(known);
  return unknownKeys(config, known, (key) => names.has(key) || FAMILIES.test(key) || plugin.accepts(key));
}
