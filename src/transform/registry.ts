import { extractNewRecordState } from './debezium/extract-new-record-state.ts';
import { cast } from './kafka/cast.ts';
import { extractField } from './kafka/extract-field.ts';
import { filter } from './kafka/filter.ts';
import { flatten } from './kafka/flatten.ts';
import { hoistField } from './kafka/hoist-field.ts';
import { insertField } from './kafka/insert-field.ts';
import { maskField } from './kafka/mask-field.ts';
import { regexRouter } from './kafka/regex-router.ts';
import { replaceField } from './kafka/replace-field.ts';
import { timestampConverter } from './kafka/timestamp-converter.ts';
import { valueToKey } from './kafka/value-to-key.ts';
import { hasHeaderKey } from './predicates/has-header-key.ts';
import { recordIsTombstone } from './predicates/record-is-tombstone.ts';
import { topicNameMatches } from './predicates/topic-name-matches.ts';
import { KEY, ofSide, type TwoSided, VALUE } from './side.ts';
import type { PredicateDefinition, TransformDefinition } from './transform.ts';

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';

const TRANSFORMS: ReadonlyMap<string, TransformDefinition> = new Map([
  ...twoSided({
    Cast: cast,
    ExtractField: extractField,
    Flatten: flatten,
    HoistField: hoistField,
    InsertField: insertField,
    MaskField: maskField,
    ReplaceField: replaceField,
    TimestampConverter: timestampConverter,
  }),
  [`${KAFKA}Filter`, filter],
  [`${KAFKA}RegexRouter`, regexRouter],
  [`${KAFKA}ValueToKey`, valueToKey],
  [`${DEBEZIUM}ExtractNewRecordState`, extractNewRecordState],
]);

const PREDICATES: ReadonlyMap<string, PredicateDefinition> = new Map([
  [`${KAFKA}predicates.HasHeaderKey`, hasHeaderKey],
  [`${KAFKA}predicates.RecordIsTombstone`, recordIsTombstone],
  [`${KAFKA}predicates.TopicNameMatches`, topicNameMatches],
]);

function twoSided(definitions: Record<string, TwoSided>): [string, TransformDefinition][] {
  return Object.entries(definitions).flatMap(([name, definition]) => [
    [`${KAFKA}${name}$Key`, ofSide(definition, KEY)],
    [`${KAFKA}${name}$Value`, ofSide(definition, VALUE)],
  ]);
}

/** By its full Java class name. */
export function transformClass(name: string): TransformDefinition | undefined {
  return TRANSFORMS.get(name);
}

export function predicateClass(name: string): PredicateDefinition | undefined {
  return PREDICATES.get(name);
}

/** Every class name there is, sorted. */
export const TRANSFORM_CLASSES: readonly string[] = [...TRANSFORMS.keys()].sort();
export const PREDICATE_CLASSES: readonly string[] = [...PREDICATES.keys()].sort();
