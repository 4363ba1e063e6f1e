import { type ConfigSchema, type ConfigValues, parseConfig } from '../base/config.ts';
import { IcestreamError } from '../base/errors.ts';

/** A converter's own properties. @throws IcestreamError config.invalid: the first one that cannot be read */
export function readConfig<S extends ConfigSchema>(
  schema: S,
  config: Readonly<Record<string, string>>,
): ConfigValues<S> {
  const { values, errors } = parseConfig(schema, config);
  for (const [property, reasons] of errors) {
    const message = `Invalid value ${config[property]} for configuration ${property}: ${reasons.join(', ')}`;
    throw new IcestreamError('config.invalid', message, { context: { property } });
  }
  return values;
}
