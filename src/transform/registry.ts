import { byLogicalTableRouter } from './debezium/by-logical-table-router.ts';
import { decodeLogicalDecodingMessage } from './debezium/decode-logical-decoding-message.ts';
import { eventRouter } from './debezium/event-router.ts';
import { extractChangedRecordState } from './debezium/extract-changed-record-state.ts';
import { extractNewRecordState } from './debezium/extract-new-record-state.ts';
import { extractSchemaToNewRecord } from './debezium/extract-schema-to-new-record.ts';
import { geometryFormatTransformer, swapGeometryCoordinates } from './debezium/geometry.ts';
import { headerToValue } from './debezium/header-to-value.ts';
import { partitionRouting } from './debezium/partition-routing.ts';
import { schemaChangeEventFilter } from './debezium/schema-change-event-filter.ts';
import { timescaleDb } from './debezium/timescale-db.ts';
import { timezoneConverter } from './debezium/timezone-converter.ts';
import { vectorToJson } from './debezium/vector-to-json.ts';
import { cast } from './kafka/cast.ts';
import { dropHeaders } from './kafka/drop-headers.ts';
import { extractField } from './kafka/extract-field.ts';
import { filter } from './kafka/filter.ts';
import { flatten } from './kafka/flatten.ts';
import { headerFrom } from './kafka/header-from.ts';
import { hoistField } from './kafka/hoist-field.ts';
import { insertField } from './kafka/insert-field.ts';
import { insertHeader } from './kafka/insert-header.ts';
import { maskField } from './kafka/mask-field.ts';
import { regexRouter } from './kafka/regex-router.ts';
import { replaceField } from './kafka/replace-field.ts';
import { setSchemaMetadata } from './kafka/set-schema-metadata.ts';
import { timestampConverter } from './kafka/timestamp-converter.ts';
import { timestampRouter } from './kafka/timestamp-router.ts';
import { valueToKey } from './kafka/value-to-key.ts';
import { hasHeaderKey } from './predicates/has-header-key.ts';
import { recordIsTombstone } from './predicates/record-is-tombstone.ts';
import { topicNameMatches } from './predicates/topic-name-matches.ts';
import { contentBasedRouter, scriptedFilter } from './scripting/scripted.ts';
import { KEY, ofSide, type TwoSided, VALUE } from './side.ts';
import type { PredicateDefinition, TransformDefinition } from './transform.ts';

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';
const POSTGRES = 'io.debezium.connector.postgresql.transforms.';

const TRANSFORMS: ReadonlyMap<string, TransformDefinition> = new Map([
  ...twoSided({
    Cast: cast,
    ExtractField: extractField,
    Flatten: flatten,
    HeaderFrom: headerFrom,
    HoistField: hoistField,
    InsertField: insertField,
    MaskField: maskField,
    ReplaceField: replaceField,
    SetSchemaMetadata: setSchemaMetadata,
    TimestampConverter: timestampConverter,
  }),
  [`${KAFKA}DropHeaders`, dropHeaders],
  [`${KAFKA}Filter`, filter],
  [`${KAFKA}InsertHeader`, insertHeader],
  [`${KAFKA}RegexRouter`, regexRouter],
  [`${KAFKA}TimestampRouter`, timestampRouter],
  [`${KAFKA}ValueToKey`, valueToKey],
  [`${DEBEZIUM}ByLogicalTableRouter`, byLogicalTableRouter],
  [`${DEBEZIUM}ContentBasedRouter`, contentBasedRouter],
  [`${DEBEZIUM}ExtractChangedRecordState`, extractChangedRecordState],
  [`${DEBEZIUM}ExtractNewRecordState`, extractNewRecordState],
  [`${DEBEZIUM}ExtractSchemaToNewRecord`, extractSchemaToNewRecord],
  [`${DEBEZIUM}Filter`, scriptedFilter],
  [`${DEBEZIUM}GeometryFormatTransformer`, geometryFormatTransformer],
  [`${DEBEZIUM}HeaderToValue`, headerToValue],
  [`${DEBEZIUM}SchemaChangeEventFilter`, schemaChangeEventFilter],
  [`${DEBEZIUM}SwapGeometryCoordinates`, swapGeometryCoordinates],
  [`${DEBEZIUM}TimezoneConverter`, timezoneConverter],
  [`${DEBEZIUM}VectorToJsonConverter`, vectorToJson],
  [`${DEBEZIUM}outbox.EventRouter`, eventRouter],
  [`${DEBEZIUM}partitions.PartitionRouting`, partitionRouting],
  [`${POSTGRES}DecodeLogicalDecodingMessageContent`, decodeLogicalDecodingMessage],
  [`${POSTGRES}timescaledb.TimescaleDb`, timescaleDb],
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
