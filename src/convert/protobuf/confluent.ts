import { boolean } from '../../base/config.ts';
import { readConfig } from '../config.ts';
import type { ConverterDefinition } from '../converter.ts';
import { confluentConverter } from '../schema-registry/confluent.ts';
import { encodeProtobuf } from './index.ts';
import { hasSameEncoding } from './text.ts';

/** Those of ProtobufDataConfig that have a say in what is written; the others are about reading. */
const CONFIG = {
  'scrub.invalid.names': boolean(false),
  'optional.for.nullables': boolean(false),
  'wrapper.for.nullables': boolean(false),
  'ignore.default.for.nullables': boolean(false),
};

/** io.confluent.connect.protobuf.ProtobufConverter */
export const confluentProtobufConverter: ConverterDefinition = {
  create(config, isKey) {
    const values = readConfig(CONFIG, config);
    const style = {
      scrubInvalidNames: values['scrub.invalid.names'],
      optionalForNullables: values['optional.for.nullables'],
      wrapperForNullables: values['wrapper.for.nullables'],
      ignoreDefaultForNullables: values['ignore.default.for.nullables'],
    };
    return confluentConverter(
      { type: 'PROTOBUF', encode: (schema) => encodeProtobuf(schema, style), isReadable: hasSameEncoding },
      config,
      isKey,
    );
  },
};
