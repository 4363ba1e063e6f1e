import { invalid } from '../options.ts';

type Block = 'before' | 'after' | 'source';
/** Whether a field of a block is converted. */
export type FieldChoice = (block: Block, field: string) => boolean;

interface Rules {
  readonly topics: Map<string, Set<string>>;
  readonly tables: Map<string, Set<string>>;
  /** Without a prefix: a topic's name or a table's. */
  readonly either: Map<string, Set<string>>;
}

/** The whole list as Debezium checks it: the first item needs a colon. */
const LIST = /^\[(?:source|topic|[".\w\s_-]+):(?:[".\w\s_-]+(?::[".\w\s_-]+)?(?:,|\]$))+$/;

/**
 * `include.list` or `exclude.list`: items `source:table:field`, `topic:topic:field`, `name:field` or without a field; a prefix
 * holds for the items that follow it, too. The answer is which fields of a table's or topic's events are converted; null: none.
 */
export function parseRules(
  include: readonly string[],
  exclude: readonly string[],
): (table: string | null, topic: string) => FieldChoice | null {
  if (include.length > 0 && exclude.length > 0)
    throw invalid('Both include and exclude lists are specified. Please specify only one.');
  const rules = collect(include.length > 0 ? include : exclude);
  return (table, topic) => {
    if (include.length === 0 && exclude.length === 0) return ALL;
    const fields =
      rules.topics.get(topic) ??
      rules.tables.get(table ?? '') ??
      rules.either.get(topic) ??
      rules.either.get(table ?? '');
    if (include.length > 0) {
      if (fields === undefined) return null;
      return fields.size === 0 ? ALL : (block, field) => isListed(fields, block, field);
    }
    if (fields === undefined) return ALL;
    if (fields.size === 0) return null;
    // The source block takes part only where one of its fields is named.
    const namesSource = [...fields].some((field) => field.startsWith('source.'));
    return (block, field) => (block !== 'source' || namesSource) && !isListed(fields, block, field);
  };
}

const ALL: FieldChoice = (block) => block !== 'source';

function isListed(fields: ReadonlySet<string>, block: Block, field: string): boolean {
  return fields.has(`${block}.${field}`) || (block !== 'source' && fields.has(field));
}

function collect(items: readonly string[]): Rules {
  const rules: Rules = { topics: new Map(), tables: new Map(), either: new Map() };
  if (items.length > 0 && !LIST.test(`[${items.join(', ')}]`))
    throw invalid(
      `Invalid list format: a list of source:table:field, topic:topic:field, name:field is expected`,
    );
  let prefix: string | null = null;
  for (const item of items) {
    const parts = item.split(':');
    const hasPrefix = parts.length > 1 && /^(source|topic)$/i.test(parts[0]);
    if (hasPrefix) prefix = parts.shift()!;
    const [name, field] = parts;
    const into = prefix === 'topic' ? rules.topics : prefix === 'source' ? rules.tables : rules.either;
    if (!into.has(name)) into.set(name, new Set());
    if (field !== undefined) into.get(name)!.add(field);
  }
  return rules;
}
