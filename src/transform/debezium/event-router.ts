import type { Log } from '../../base/log.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { rewriterOf } from '../kafka/regex-router.ts';
import { boolean, invalid, list, type OptionValues, REGEX, readOptions, text } from '../options.ts';
import { failed, fieldIndex, orDefault, perSchema, requireStruct, STRING } from '../schema.ts';
import type { Transform, TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';
import {
  inferSchema,
  type JsonSchemaStyle,
  jsonValue,
  SchemaPool,
  SHAPES_MAX,
  schemaText,
} from './json-schema.ts';
import { parseJsonTree } from './json-tree.ts';
import { type AdditionalField, parsePlacements } from './placement.ts';

const OPTIONS = {
  'table.field.event.id': text('id', { importance: 'LOW' }),
  'table.field.event.key': text('aggregateid', { importance: 'LOW' }),
  'table.field.event.type': text('type', { importance: 'LOW' }),
  'table.field.event.payload': text('payload', { importance: 'LOW' }),
  'table.field.event.timestamp': text(null),
  'table.fields.additional.placement': list({ importance: 'HIGH' }),
  'table.fields.additional.error.on.missing': boolean(true),
  'table.field.event.schema.version': text(null, { importance: 'LOW' }),
  'table.op.invalid.behavior': text('warn'),
  'table.expand.json.payload': boolean(false),
  'table.json.payload.null.behavior': text('ignore'),
  'route.by.field': text('aggregatetype', { importance: 'HIGH' }),
  'route.topic.regex': text('(?<routedByValue>.*)', { importance: 'LOW', ...REGEX }),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a group of the pattern
  'route.topic.replacement': text('outbox.event.${routedByValue}', { importance: 'HIGH' }),
  'route.tombstone.on.empty.payload': boolean(false, 'HIGH'),
  'tracing.span.context.field': text('tracingspancontext', { importance: 'HIGH' }),
  'tracing.operation.name': text('debezium-read', { importance: 'HIGH' }),
  'tracing.with.context.field.only': boolean(false, 'HIGH'),
};
/** Read, but not among the properties that Debezium lists. */
const HIDDEN = { ...OPTIONS, 'field.name.adjustment.mode': text('none', { importance: 'LOW' }) };

/** io.debezium.transforms.outbox.EventRouter: rows of an outbox table as the events that they carry. */
export const eventRouter: TransformDefinition = {
  options: OPTIONS,
  create: (config, { log } = {}) => new EventRouter(readOptions(HIDDEN, config), log),
};

/** A column of the outbox table. */
interface Column {
  readonly index: number;
  readonly schema: ConnectSchema;
}

/** What is the same for all events of one envelope schema. */
interface Plan {
  readonly after: number;
  readonly millis: number;
  readonly row: ConnectSchema;
  readonly id: Column;
  readonly key: Column | null;
  readonly payload: Column;
  readonly route: Column;
  readonly timestamp: Column | null;
  readonly version: Column | null;
  readonly additional: readonly (AdditionalField & { readonly column: Column })[];
}

class EventRouter implements Transform {
  readonly #options: OptionValues<typeof HIDDEN>;
  readonly #log: Log | undefined;
  readonly #placements: readonly AdditionalField[];
  readonly #rewriteTopic: (topic: string) => string | null;
  readonly #jsonStyle: JsonSchemaStyle;
  readonly #shapes = new SchemaPool();
  readonly #payloadTexts = perSchema(schemaText);
  readonly #valueSchemas = new Map<string, ConnectSchema>();
  readonly #op = perSchema((schema) => indexOf(schema, 'op'));
  readonly #plan = perSchema((schema) => this.#makePlan(schema));

  constructor(options: OptionValues<typeof HIDDEN>, log: Log | undefined) {
    this.#options = options;
    this.#log = log;
    this.#placements = parsePlacements(options['table.fields.additional.placement']);
    requireOneOf('table.op.invalid.behavior', options['table.op.invalid.behavior'], [
      'warn',
      'error',
      'fatal',
    ]);
    const nulls = options['table.json.payload.null.behavior'];
    requireOneOf('table.json.payload.null.behavior', nulls, ['ignore', 'optional_bytes']);
    this.#jsonStyle = {
      nullsAreBytes: nulls.trim().toLowerCase() === 'optional_bytes',
      fieldNames: options['field.name.adjustment.mode'],
    };
    this.#rewriteTopic = rewriterOf(
      options['route.topic.regex'],
      options['route.topic.replacement'],
      'route.topic.replacement',
    );
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    if (record.value === null) return null;
    if (!isEnvelope(record)) return record;
    const envelope = record.value as ConnectList;
    const op = envelope[this.#op(record.valueSchema!)];
    if (op === 'd') return null;
    if (op === 'u') return this.#unexpected(record);
    const plan = this.#plan(record.valueSchema!);
    const row = requireStruct(plan.row, envelope[plan.after], 'Read Outbox Event');
    return this.#event(record, plan, envelope, row);
  }

  #event(record: ConnectRecord, plan: Plan, envelope: ConnectList, row: ConnectList): ConnectRecord {
    const route = row[plan.route.index] as string | null;
    if (route === null)
      throw failed(`The field ${this.#options['route.by.field']}, which names the topic, is null`);
    const payload = this.#payload(plan.payload, cellOf(plan.payload, row));
    const inEnvelope = plan.additional.filter(({ placement }) => placement === 'envelope');
    const partitions = plan.additional.filter(({ placement }) => placement === 'partition');
    const partition =
      partitions.length === 0 ? null : (row[partitions.at(-1)!.column.index] as number | null);
    const event = {
      topic: this.#rewriteTopic(route) ?? route,
      partition,
      keySchema: plan.key?.schema ?? STRING,
      key: plan.key === null ? null : cellOf(plan.key, row),
      timestampMs: millisOf(plan, envelope, row),
      headers: [...record.headers, ...headersOf(plan, row)],
    };
    if (isEmpty(payload.value) && this.#options['route.tombstone.on.empty.payload'])
      return { ...event, valueSchema: null, value: null };
    if (!this.#placements.some(({ placement }) => placement === 'envelope'))
      return { ...event, valueSchema: payload.schema, value: payload.value };
    const version = plan.version === null ? null : (row[plan.version.index] as number | null);
    const valueSchema = this.#valueSchema(plan, payload.schema, route, version);
    return {
      ...event,
      valueSchema,
      value: [payload.value, ...inEnvelope.map(({ column }) => cellOf(column, row))],
    };
  }

  /** The column as it is, or what its JSON says; a text that cannot be expanded stays what it is. */
  #payload(column: Column, value: ConnectValue): { schema: ConnectSchema; value: ConnectValue } {
    if (!this.#options['table.expand.json.payload'] || value === null)
      return { schema: column.schema, value };
    try {
      if (typeof value !== 'string' || !/^[{[]/.test(value))
        throw failed('The payload is no JSON object or array');
      const json = parseJsonTree(value);
      const schema = inferSchema(this.#options['table.field.event.payload'], json, this.#jsonStyle);
      // Only an object becomes a struct; Debezium, too, leaves an array as text.
      if (schema === null || schema.type !== 'struct') throw failed('The payload is no JSON object');
      return { schema: this.#shapes.intern(schema), value: jsonValue(json, schema) };
    } catch (error) {
      // A syntax error's message quotes the text.
      const reason = error instanceof SyntaxError ? 'malformed JSON' : (error as Error).message;
      this.#log?.warn({ reason }, 'outbox payload is not expanded');
      return { schema: column.schema, value };
    }
  }

  /**
   * The struct around the payload. By the payload's schema alone, as in Debezium: the first topic that a shape goes to
   * stays in the name.
   */
  #valueSchema(plan: Plan, payload: ConnectSchema, route: string, version: number | null): ConnectSchema {
    const id = plan.version === null ? this.#payloadTexts(payload) : `version ${version}`;
    let schema = this.#valueSchemas.get(id);
    if (schema === undefined) {
      if (this.#valueSchemas.size >= SHAPES_MAX) this.#valueSchemas.clear();
      schema = valueSchemaOf(plan, payload, route, version);
      this.#valueSchemas.set(id, schema);
    }
    return schema;
  }

  #unexpected(record: ConnectRecord): null {
    const behavior = this.#options['table.op.invalid.behavior'].trim().toLowerCase();
    if (behavior === 'fatal') throw failed('Unexpected update message received, fail.');
    const level = behavior === 'error' ? 'error' : 'warn';
    this.#log?.[level]({ topic: record.topic }, 'an update of the outbox table is ignored');
    return null;
  }

  #makePlan(envelope: ConnectSchema): Plan {
    const options = this.#options;
    const after = indexOf(envelope, 'after');
    const row = envelope.fields![after].schema;
    const column = (name: string) => ({
      index: indexOf(row, name),
      schema: row.fields![indexOf(row, name)].schema,
    });
    const optional = (name: string | null) => (name === null ? null : column(name));
    const ignoresMissing = !options['table.fields.additional.error.on.missing'];
    return {
      after,
      millis: indexOf(envelope, 'ts_ms'),
      row,
      id: column(options['table.field.event.id']),
      key: column(options['table.field.event.key']),
      payload: column(options['table.field.event.payload']),
      route: column(options['route.by.field']),
      timestamp: optional(options['table.field.event.timestamp']),
      version: optional(options['table.field.event.schema.version']),
      additional: this.#placements
        .filter(({ field }) => !ignoresMissing || fieldIndex(row, field) >= 0)
        .map((field) => ({ ...field, column: column(field.field) })),
    };
  }
}

function indexOf(schema: ConnectSchema, name: string): number {
  const index = fieldIndex(schema, name);
  if (index < 0) throw failed(`Unable to find field ${name} in event`);
  return index;
}

function cellOf({ index, schema }: Column, row: ConnectList): ConnectValue {
  return orDefault(schema, row[index]);
}

function headersOf({ id, additional }: Plan, row: ConnectList): ConnectHeader[] {
  const more = additional
    .filter(({ placement }) => placement === 'header')
    .map(({ alias, column }) => ({ name: alias, schema: column.schema, value: cellOf(column, row) }));
  return [{ name: 'id', schema: id.schema, value: cellOf(id, row) }, ...more];
}

function valueSchemaOf(
  plan: Plan,
  payload: ConnectSchema,
  route: string,
  version: number | null,
): ConnectSchema {
  const base = plan.row.name;
  const dot = base?.lastIndexOf('.') ?? -1;
  const name = base === undefined ? route : `${base.slice(0, dot + 1)}${route}.${base.slice(dot + 1)}`;
  const fields = plan.additional
    .filter(({ placement }) => placement === 'envelope')
    .map(({ alias, column }) => ({ name: alias, schema: column.schema }));
  return {
    type: 'struct',
    optional: false,
    name,
    ...(version !== null && { version }),
    fields: [{ name: 'payload', schema: payload }, ...fields],
  };
}

const UNITS_PER_MILLI: Readonly<Record<string, bigint>> = {
  'io.debezium.time.Timestamp': 1n,
  'io.debezium.time.MicroTimestamp': 1000n,
  'io.debezium.time.NanoTimestamp': 1_000_000n,
};

function millisOf({ timestamp, millis }: Plan, envelope: ConnectList, row: ConnectList): number | null {
  const given = timestamp === null ? null : row[timestamp.index];
  if (given === null) return envelope[millis] === null ? null : Number(envelope[millis]);
  const units = UNITS_PER_MILLI[timestamp!.schema.name ?? ''];
  if (units === undefined) {
    throw failed(
      `Unsupported field type ${timestamp!.schema.name ?? timestamp!.schema.type} for event timestamp`,
    );
  }
  return Number((given as bigint) / units);
}

function isEmpty(payload: ConnectValue): boolean {
  return payload === null || (typeof payload === 'string' && payload.trim() === '');
}

/** Debezium checks these when the task starts. */
function requireOneOf(property: string, value: string, values: readonly string[]): void {
  if (values.includes(value.trim().toLowerCase())) return;
  throw invalid(
    `Invalid value ${value} for configuration ${property}: Value must be one of ${values.join(', ')}`,
    property,
  );
}
