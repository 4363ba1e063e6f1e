import { invalid, type Properties, readOptions, text } from '../options.ts';
import { failed } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';
import { simpleDateFormat } from './simple-date-format.ts';

const OPTIONS = {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Kafka's own placeholders
  'topic.format': text('${topic}-${timestamp}', { importance: 'HIGH' }),
  'timestamp.format': text('yyyyMMdd', { importance: 'HIGH' }),
};

/** org.apache.kafka.connect.transforms.TimestampRouter */
export const timestampRouter: TransformDefinition = {
  options: OPTIONS,
  check: formatProblem,
  create(config) {
    const options = readOptions(OPTIONS, config);
    const problem = formatProblem(config);
    if (problem !== null) throw invalid(problem, 'timestamp.format');
    const format = simpleDateFormat(options['timestamp.format']);
    return {
      apply(record) {
        if (record.timestampMs === null) throw failed('Timestamp missing on record');
        const time = format.format(record.timestampMs);
        const topic = options['topic.format']
          .replaceAll(TOPIC, () => record.topic)
          .replaceAll(TIMESTAMP, () => time);
        return { ...record, topic };
      },
    };
  },
};

const TOPIC = '$' + '{topic}';
const TIMESTAMP = '$' + '{timestamp}';

function formatProblem(config: Properties): string | null {
  const format = config['timestamp.format'] ?? 'yyyyMMdd';
  try {
    simpleDateFormat(format);
    return null;
  } catch (error) {
    return `Invalid value ${format} for configuration timestamp.format: ${(error as Error).message}`;
  }
}
