import { NOT_BLANK, readOptions, requiredText } from '../options.ts';
import type { TransformDefinition } from '../transform.ts';
import { parseLiteral } from './literal.ts';

const OPTIONS = { header: requiredText(NOT_BLANK), 'value.literal': requiredText(NOT_BLANK) };

/** org.apache.kafka.connect.transforms.InsertHeader */
export const insertHeader: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const options = readOptions(OPTIONS, config);
    const header = { name: options.header, ...parseLiteral(options['value.literal']) };
    return {
      sees: 'frame',
      apply: (record) => ({ ...record, headers: [...record.headers, header] }),
    };
  },
};
