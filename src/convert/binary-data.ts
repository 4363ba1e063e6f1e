import { IcestreamError } from '../base/errors.ts';
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
      // Who never needs it is not stopped by it, and who does sees the error then.
      delegate?.catch(() => undefined);
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
  const other = () => {
    if (delegate !== null) return delegate;
    throw new IcestreamError('convert.schema', 'A schema other than bytes needs delegate.converter.type');
  };
  return {
    writer: async (topic, schema) =>
      schema.type === 'bytes' ? bytes.writer(topic, schema) : (await other()).writer(topic, schema),
    nothing: () => null,
    convert: async (topic, schema, value) => {
      if (schema === null || schema.type === 'bytes') return bytes.convert(topic, schema, value);
      return (await other()).convert(topic, schema, value);
    },
  };
}
