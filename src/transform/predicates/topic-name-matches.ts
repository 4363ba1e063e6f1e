import { javaRegex } from '../../base/java-regex.ts';
import { readOptions, regexProblem, requiredText } from '../options.ts';
import type { PredicateDefinition } from '../transform.ts';

const OPTIONS = {
  pattern: requiredText({
    importance: 'MEDIUM',
    check: (value) => (value === '' ? 'String must be non-empty' : regexProblem(value)),
  }),
};

/** org.apache.kafka.connect.transforms.predicates.TopicNameMatches */
export const topicNameMatches: PredicateDefinition = {
  options: OPTIONS,
  create(config) {
    const pattern = javaRegex(readOptions(OPTIONS, config).pattern, { anchored: true, ignoreCase: false });
    return { sees: 'frame', test: (record) => pattern.test(record.topic) };
  },
};
