import { invalid, REGEX, readOptions, requiredText } from '../options.ts';
import { topicRewriter } from '../replacement.ts';
import type { TransformDefinition } from '../transform.ts';

const OPTIONS = { regex: requiredText(REGEX), replacement: requiredText() };

/** org.apache.kafka.connect.transforms.RegexRouter */
export const regexRouter: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const { regex, replacement } = readOptions(OPTIONS, config);
    const rewrite = rewriterOf(regex, replacement, 'replacement');
    return {
      sees: 'frame',
      apply(record) {
        const topic = rewrite(record.topic);
        return topic === null || topic === record.topic ? record : { ...record, topic };
      },
    };
  },
};

/** @throws IcestreamError config.invalid: the replacement names a group that the pattern lacks */
export function rewriterOf(
  regex: string,
  replacement: string,
  property: string,
): ReturnType<typeof topicRewriter> {
  try {
    return topicRewriter(regex, replacement);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid(`Invalid value ${replacement} for configuration ${property}: ${error.message}`, property);
  }
}
