import { IcestreamError } from '../../base/errors.ts';
import { javaRegex } from '../../base/java-regex.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import { invalid, type Option, type Properties, REGEX, readOptions, text } from '../options.ts';
import type { TransformDefinition } from '../transform.ts';
import { compileGroovy } from './groovy.ts';
import { compileJavaScript } from './javascript.ts';

/** What a script says of a record: to be checked by whoever asked. @throws IcestreamError transform.script */
export type Script = (record: ConnectRecord) => unknown;

const LANGUAGES: Readonly<Record<string, (expression: string) => Script>> = {
  'jsr223.graal.js': compileJavaScript,
  'jsr223.groovy': compileGroovy,
};

/** io.debezium.transforms.Filter: keeps the records for which the condition is true. */
export const scriptedFilter: TransformDefinition = scripted('condition', (result, record) => {
  if (typeof result === 'boolean') return result ? record : null;
  throw new IcestreamError('transform.script', 'The value returned by the condition is not a Boolean');
});

/** io.debezium.transforms.ContentBasedRouter: the expression names the topic; null leaves it. */
export const contentBasedRouter: TransformDefinition = scripted('topic.expression', (result, record) => {
  if (result === null || result === undefined) return record;
  if (typeof result === 'string') return { ...record, topic: result };
  throw new IcestreamError('transform.script', 'The value returned by the expression is not a String');
});

function scripted(
  property: string,
  decide: (result: unknown, record: ConnectRecord) => ConnectRecord | null,
): TransformDefinition {
  const options = {
    'topic.regex': text(null, { importance: 'LOW', ...REGEX }),
    language: text(null, { importance: 'HIGH' }),
    [property]: text(null, { importance: 'HIGH' }),
    'null.handling.mode': text('keep', { importance: 'LOW' }),
  } satisfies Record<string, Option<string | null> | Option<string>>;
  return {
    options,
    check: (config) => scriptProblem(config, property),
    create(config) {
      const problem = scriptProblem(config, property);
      if (problem !== null) throw invalid(problem, property);
      const values = readOptions(options, config) as Record<string, string | null>;
      const script = LANGUAGES[values['language']!](values[property]!);
      const regex = values['topic.regex'] ?? '';
      const topics = regex === '' ? null : javaRegex(regex, { anchored: true, ignoreCase: false });
      const nulls = values['null.handling.mode']!.trim().toLowerCase();
      return {
        apply(record) {
          if (topics !== null && !topics.test(record.topic)) return record;
          if (record.value === null && nulls !== 'evaluate') return nulls === 'keep' ? record : null;
          return decide(script(record), record);
        },
      };
    },
  };
}

const NULL_MODES = ['keep', 'drop', 'evaluate'];

/** Debezium finds these out when the task starts; a script that cannot run should not get that far. */
function scriptProblem(config: Properties, property: string): string | null {
  const { language } = config;
  const script = config[property];
  for (const [name, given] of Object.entries({ language, [property]: script })) {
    if (given === undefined || given.trim() === '')
      return `Missing required configuration "${name}" which has no default value.`;
  }
  if (!Object.hasOwn(LANGUAGES, language!)) {
    const known = Object.keys(LANGUAGES).join(', ');
    return `Invalid value ${language} for configuration language: this service has ${known}`;
  }
  const mode = config['null.handling.mode'] ?? 'keep';
  if (!NULL_MODES.includes(mode.trim().toLowerCase()))
    return `Invalid value ${mode} for configuration null.handling.mode: Value must be one of ${NULL_MODES.join(', ')}`;
  try {
    LANGUAGES[language!](script!);
    return null;
  } catch (error) {
    return `Invalid value ${script} for configuration ${property}: ${(error as Error).message}`;
  }
}
