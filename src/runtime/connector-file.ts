import { IcestreamError } from '../base/errors.ts';
import type { Properties } from './config-providers.ts';
import { parseProperties, readTextFile } from './properties.ts';

export interface ConnectorFile {
  readonly name: string;
  readonly config: Properties;
}

/**
 * A connector given on the command line, in the forms that Connect's standalone worker takes: JSON as POSTed
 * (`{name, config}`), a plain JSON map with `name` in it, or a properties file.
 * @throws IcestreamError config.invalid
 */
export function readConnectorFile(path: string): ConnectorFile {
  const text = readTextFile(path);
  const config = path.endsWith('.properties') ? parseProperties(text) : fromJson(path, text);
  const name = config['name']?.trim();
  if (!name)
    throw new IcestreamError('config.invalid', 'the connector file names no connector', {
      context: { path },
    });
  return { name, config: { ...config, name } };
}

function fromJson(path: string, text: string): Record<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new IcestreamError('config.invalid', `${path} is not JSON`, { cause, context: { path } });
  }
  const whole = asMap(path, json);
  const isRequest = typeof whole['config'] === 'object' && whole['config'] !== null;
  const map = isRequest ? { name: whole['name'], ...asMap(path, whole['config']) } : whole;
  const config: Record<string, string> = {};
  for (const [key, value] of Object.entries(map)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'object')
      throw new IcestreamError('config.invalid', `${key} is not a plain value`, {
        context: { path, property: key },
      });
    config[key] = String(value);
  }
  return config;
}

function asMap(path: string, json: unknown): Record<string, unknown> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new IcestreamError('config.invalid', `${path} does not hold a connector's configuration`, {
    context: { path },
  });
}
