import { NOT_BLANK, readOptions, requiredText } from '../options.ts';
import type { PredicateDefinition } from '../transform.ts';

const OPTIONS = { name: requiredText({ ...NOT_BLANK, importance: 'MEDIUM' }) };

/** org.apache.kafka.connect.transforms.predicates.HasHeaderKey */
export const hasHeaderKey: PredicateDefinition = {
  options: OPTIONS,
  create(config) {
    const { name } = readOptions(OPTIONS, config);
    return { sees: 'frame', test: (record) => record.headers.some((header) => header.name === name) };
  },
};
