import { IcestreamError } from '../../base/errors.ts';
import { javaRegexList } from '../../base/java-regex.ts';
import type { TopicCreation } from '../../kafka/producer.ts';

type Properties = Readonly<Record<string, string>>;

const PREFIX = 'topic.creation.';
const DEFAULT = 'default';

/**
 * How a topic that is missing is to be made: the offsets topic as Connect makes it, others by the first group of
 * `topic.creation.groups` that includes them, else by `topic.creation.default.*`; null leaves it to the brokers.
 *
 * @throws IcestreamError config.invalid
 */
export function topicCreation(config: Properties): (topic: string) => TopicCreation | null {
  const offsets = config['offset.storage.topic'];
  const byGroup = groups(config);
  return (topic) => {
    if (topic === offsets) return offsetsTopic(config);
    return byGroup.find(({ holds }) => holds(topic))?.creation ?? null;
  };
}

function offsetsTopic(config: Properties): TopicCreation {
  return {
    partitions: count(config, 'offset.storage.partitions', 25),
    // Connect asks for 3, which a single broker cannot give: what the brokers have as their default serves both.
    replicationFactor: count(config, 'offset.storage.replication.factor', -1),
    configs: { 'cleanup.policy': 'compact' },
  };
}

interface Group {
  readonly holds: (topic: string) => boolean;
  readonly creation: TopicCreation;
}

/** In their order, the default last; none where the connector does not say how many replicas and partitions. */
function groups(config: Properties): readonly Group[] {
  const isSet = config[`${PREFIX}${DEFAULT}.replication.factor`] !== undefined;
  if (!isSet || config[`${PREFIX}enable`] === 'false') return [];
  const names = (config[`${PREFIX}groups`] ?? '').split(',').map((name) => name.trim());
  const named = names.filter((name) => name !== '' && name !== DEFAULT);
  return [...named, DEFAULT].map((name) => group(config, name));
}

function group(config: Properties, name: string): Group {
  const own = `${PREFIX}${name}.`;
  const inherited = `${PREFIX}${DEFAULT}.`;
  const included = javaRegexList(config[`${own}include`] ?? (name === DEFAULT ? '.*' : ''));
  const excluded = javaRegexList(config[`${own}exclude`] ?? '');
  const sizes = (key: string) =>
    count(config, config[own + key] === undefined ? inherited + key : own + key, -1);
  const settings = Object.entries(config).filter(
    ([key]) =>
      key.startsWith(own) &&
      !/^(include|exclude|replication\.factor|partitions)$/.test(key.slice(own.length)),
  );
  return {
    holds: (topic) =>
      included.some((pattern) => pattern.test(topic)) && !excluded.some((pattern) => pattern.test(topic)),
    creation: {
      replicationFactor: sizes('replication.factor'),
      partitions: sizes('partitions'),
      configs: Object.fromEntries(settings.map(([key, value]) => [key.slice(own.length), value])),
    },
  };
}

/** A positive number, or -1 for what the brokers have as their default. */
function count(config: Properties, key: string, standard: number): number {
  const value = Number(config[key] ?? standard);
  if (Number.isInteger(value) && (value > 0 || value === -1)) return value;
  throw new IcestreamError(
    'config.invalid',
    `Invalid value ${config[key]} for configuration ${key}: a positive number, or -1`,
  );
}
