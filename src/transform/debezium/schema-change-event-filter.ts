import type { ConnectList } from '../../record/connect-schema.ts';
import { invalid, readOptions, text } from '../options.ts';
import { fieldIndex } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';

const OPTIONS = { 'schema.change.event.exclude.list': text(null, { importance: 'HIGH' }) };
const TYPES = ['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'DATABASE'];

/** io.debezium.transforms.SchemaChangeEventFilter: drops schema changes of the listed types; other records pass. */
export const schemaChangeEventFilter: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const property = 'schema.change.event.exclude.list';
    const excluded = (readOptions(OPTIONS, config)[property] ?? '').split(',').map((part) => part.trim());
    if (excluded.some((type) => !TYPES.includes(type)))
      throw invalid(`The '${property}' value is invalid: Values must be of ${TYPES.join(', ')}`, property);
    return {
      sees: 'shape',
      apply(record) {
        const schema = record.valueSchema;
        if (record.value === null || !schema?.name?.endsWith('.SchemaChangeValue')) return record;
        const at = fieldIndex(schema, 'tableChanges');
        const changes = (at < 0 ? null : (record.value as ConnectList)[at]) as readonly ConnectList[] | null;
        if (changes === null) return null;
        const change = schema.fields![at].schema.values!;
        const type = changes.length === 0 ? 'DATABASE' : changes[0][fieldIndex(change, 'type')];
        return excluded.includes(type as string) ? null : record;
      },
    };
  },
};
