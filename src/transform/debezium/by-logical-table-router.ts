import { adjustedName } from '../../convert/schema-name.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectField, ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { rewriterOf } from '../kafka/regex-router.ts';
import {
  boolean,
  integer,
  invalid,
  type OptionValues,
  type Properties,
  REGEX,
  readOptions,
  text,
} from '../options.ts';
import { fieldIndex, orDefault, perSchema, requireStruct, STRING, structLike } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';

const OPTIONS = {
  'topic.regex': text(null, { importance: 'LOW', ...REGEX }),
  'topic.replacement': text(null, { importance: 'LOW' }),
  'key.enforce.uniqueness': boolean(true, 'LOW'),
  'key.field.regex': text(null, { importance: 'LOW', ...REGEX }),
  'key.field.replacement': text(null, { importance: 'LOW' }),
  'logical.table.cache.size': integer(16, { importance: 'LOW' }),
};
/** Read, but not among the properties that Debezium lists. */
const HIDDEN = {
  ...OPTIONS,
  'key.field.name': text('__dbz__physicalTableIdentifier', { importance: 'LOW' }),
  'schema.name.adjustment.mode': text('none', { importance: 'LOW' }),
};

/** io.debezium.transforms.ByLogicalTableRouter: several tables of one shape into one topic. */
export const byLogicalTableRouter: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const options = readOptions(HIDDEN, config);
    requireAll(config);
    const rewriteTopic = rewriterOf(
      options['topic.regex']!,
      options['topic.replacement']!,
      'topic.replacement',
    );
    const identify = identifierOf(options);
    const adjust = (name: string) => adjustedName(name, options['schema.name.adjustment.mode']);
    const keySchemas = perSchema((schema) =>
      perTopic((topic) => deriveKey(schema, adjust(`${topic}.Key`), options)),
    );
    const envelopes = perSchema((schema) => perTopic((topic) => planEnvelope(schema, topic, adjust)));
    return {
      sees: 'shape',
      apply(record) {
        const topic = rewriteTopic(record.topic);
        if (topic === null || topic === '') return record;
        return { ...record, topic, ...keyOf(record, topic), ...envelopeOf(record, topic) };
      },
    };

    function keyOf(record: ConnectRecord, topic: string): Pick<ConnectRecord, 'keySchema' | 'key'> {
      if (record.key === null) return { keySchema: null, key: null };
      const struct = requireStruct(record.keySchema, record.key, PURPOSE);
      const fields = record.keySchema!.fields!;
      const key = struct.map((each, i) => orDefault(fields[i].schema, each));
      if (options['key.enforce.uniqueness']) key.push(identify(record.topic));
      return { keySchema: keySchemas(record.keySchema!)(topic), key };
    }

    function envelopeOf(record: ConnectRecord, topic: string): Pick<ConnectRecord, 'valueSchema' | 'value'> {
      if (record.value === null || !isEnvelope(record))
        return { valueSchema: record.valueSchema, value: record.value };
      const plan = envelopes(record.valueSchema!)(topic);
      return { valueSchema: plan.schema, value: plan.apply(record.value as ConnectList) };
    }
  },
};

const PURPOSE = 'Updating schema';

/** What is derived for a topic; a schema belongs to one table, so there is hardly more than one. */
function perTopic<T>(derive: (topic: string) => T): (topic: string) => T {
  const known = new Map<string, T>();
  return (topic) => {
    let derived = known.get(topic);
    if (derived === undefined) {
      derived = derive(topic);
      known.set(topic, derived);
    }
    return derived;
  };
}

/** The name of the physical table, which keeps the keys of several tables apart. */
function identifierOf(options: OptionValues<typeof HIDDEN>): (topic: string) => string {
  const regex = options['key.field.regex']?.trim() ?? '';
  if (regex === '') return (topic) => topic;
  const replacement = options['key.field.replacement'] ?? '';
  const rewrite = rewriterOf(options['key.field.regex']!, replacement, 'key.field.replacement');
  return (topic) => rewrite(topic) ?? topic;
}

function deriveKey(schema: ConnectSchema, name: string, options: OptionValues<typeof HIDDEN>): ConnectSchema {
  const id: ConnectField = { name: options['key.field.name'], schema: STRING };
  const fields = options['key.enforce.uniqueness'] ? [...schema.fields!, id] : schema.fields!;
  return { ...structLike(schema, fields), optional: schema.optional, name };
}

/** The envelope under the new topic's names; both images get one schema, and their nulls the columns' defaults. */
function planEnvelope(schema: ConnectSchema, topic: string, adjust: (name: string) => string) {
  const fields = schema.fields!;
  const images = [fieldIndex(schema, 'before'), fieldIndex(schema, 'after')].filter((index) => index >= 0);
  const row = images.length === 0 ? null : fields[images[0]].schema;
  const newRow = row && { ...withoutDefault(row), name: adjust(`${topic}.Value`) };
  const newFields = fields.map((field, i) =>
    images.includes(i) ? { name: field.name, schema: newRow! } : field,
  );
  const envelope: ConnectSchema = {
    ...structLike(schema, newFields),
    optional: schema.optional,
    name: adjust(`${topic}.Envelope`),
  };
  const apply = (values: ConnectList): ConnectValue[] =>
    values.map((value, i) => {
      if (!images.includes(i)) return orDefault(fields[i].schema, value);
      if (value === null) return null;
      return (value as ConnectList).map((each, column) => orDefault(row!.fields![column].schema, each));
    });
  return { schema: envelope, apply };
}

function withoutDefault(schema: ConnectSchema): ConnectSchema {
  const { default: _, ...rest } = schema;
  return rest;
}

/** Debezium says all this with "Unable to validate config." when the task starts. */
function requireAll(config: Properties): void {
  for (const property of ['topic.regex', 'topic.replacement']) {
    if (config[property] === undefined || config[property] === '')
      throw invalid(
        `Unable to validate config. The '${property}' value is invalid: A value is required`,
        property,
      );
  }
  if (
    (config['key.field.regex'] ?? '').trim() !== '' &&
    (config['key.field.replacement'] ?? '').trim() === ''
  ) {
    const property = 'key.field.replacement';
    throw invalid(
      `Unable to validate config. ${property} must be non-empty if key.field.regex is set.`,
      property,
    );
  }
}
