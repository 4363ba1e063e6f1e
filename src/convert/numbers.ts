import { IcestreamError } from '../base/errors.ts';
import type { ConnectType, ConnectValue } from '../record/connect-schema.ts';
import type { ConverterDefinition } from './converter.ts';
import { wholeValueConverter } from './whole-value.ts';

/** org.apache.kafka.connect.converters.{Short,Integer,Long,Float,Double,Boolean}Converter: big-endian bytes. */
export const shortConverter = number('ShortConverter', 'int16', 2, (view, value) =>
  view.setInt16(0, value as number),
);
export const integerConverter = number('IntegerConverter', 'int32', 4, (view, value) =>
  view.setInt32(0, value as number),
);
export const longConverter = number('LongConverter', 'int64', 8, (view, value) =>
  view.setBigInt64(0, BigInt(value as bigint)),
);
export const floatConverter = number('FloatConverter', 'float32', 4, (view, value) =>
  view.setFloat32(0, value as number),
);
export const doubleConverter = number('DoubleConverter', 'float64', 8, (view, value) =>
  view.setFloat64(0, value as number),
);
export const booleanConverter = number('BooleanConverter', 'boolean', 1, (view, value) =>
  view.setUint8(0, value === true ? 1 : 0),
);

function number(
  name: string,
  type: ConnectType,
  size: number,
  write: (view: DataView, value: ConnectValue) => void,
): ConverterDefinition {
  return {
    create: () =>
      wholeValueConverter((schema, value) => {
        if (schema !== null && schema.type !== type) {
          const message = `Invalid schema type for ${name}: ${schema.type.toUpperCase()}`;
          throw new IcestreamError('convert.schema', message);
        }
        if (value === null) return null;
        if (typeof value === 'object' || typeof value === 'string') {
          throw new IcestreamError('convert.value', `${name} is not compatible with the value`);
        }
        const bytes = new Uint8Array(size);
        write(new DataView(bytes.buffer), value);
        return bytes;
      }),
  };
}
