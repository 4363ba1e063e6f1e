import { IcestreamError, invariant } from '../base/errors.ts';
import { byteArrayConverter } from './byte-array.ts';
import type { Converter, ConverterDefinition } from './converter.ts';

const DELEGATE = 'delegate.converter.type';

/**
 * io.debezium.converters.{BinaryDataConverter,ByteArrayConverter,ByteBufferConverter}: bytes as they are; anything else, such as
 * heartbeats and transactions, through another converter, which `delegate.converter.type` names.
 */
export function binaryDataConverter(
  load: (className: string) => Promise<ConverterDefinition | null>,
): ConverterDefinition {
  return {
    create(config, isKey) {
      const name = config[DELEGATE];
      const delegate = name === undefined ? null : loadDelegate(name, config, isKey, load);
      return withDelegate(byteArrayConverter.create({}, isKey), delegate);
    },
  };
}

async function loadDelegate(
  name: string,
  config: Readonly<Record<string, string>>,
  isKey: boolean,
  load: (className: string) => Promise<ConverterDefinition | null>,
): Promise<Converter> {
  const definition = await load(name);
  if (definition === null) {
    const message = `Invalid value ${name} for configuration ${DELEGATE}: Class ${name} could not be found.`;
    throw new IcestreamError('config.invalid', message, { context: { property: DELEGATE } });
  }
  const prefix = `${DELEGATE}.`;
  const own = Object.entries(config).filter(([key]) => key.startsWith(prefix));
  return definition.create(
    Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])),
    isKey,
  );
}

function withDelegate(bytes: Converter, delegate: Promise<Converter> | null): Converter {
  let loaded: Converter | null = null;
  const other = async () => {
    if (delegate === null) {
      throw new IcestreamError('convert.schema', 'A schema other than bytes needs delegate.converter.type');
    }
    loaded ??= await delegate;
    return loaded;
  };
  // Who never needs it is not stopped by it, and who does sees the error then.
  delegate?.then(other).catch(() => undefined);
  return {
    writer: async (topic, schema) =>
      schema.type === 'bytes' ? bytes.writer(topic, schema) : (await other()).writer(topic, schema),
    nothing(topic, schema) {
      if (schema === null || schema.type === 'bytes' || delegate === null) return null;
      invariant(loaded !== null, 'a converter is loaded before the first record', { topic });
      return loaded.nothing(topic, schema);
    },
    convert: async (topic, schema, value) => {
      if (schema === null || schema.type === 'bytes') return bytes.convert(topic, schema, value);
      return (await other()).convert(topic, schema, value);
    },
  };
}
