import type { ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema } from '../../record/connect-schema.ts';
import { fieldProjection } from '../kafka/replace-field.ts';
import { perSchema, requireStruct } from '../schema.ts';
import { KEY, type Side, VALUE } from '../side.ts';

type Projection = ReturnType<typeof fieldProjection>;

/** Removes the fields that a header of the record lists, as `drop.fields.header.name` asks for. */
export function dropFields(
  headerName: string,
  fromKey: boolean,
  keepCompatible: boolean,
): (record: ConnectRecord) => ConnectRecord {
  const projections = new Map<string, (schema: ConnectSchema) => Projection | null>();
  const drop = (record: ConnectRecord, names: readonly string[], side: Side): ConnectRecord => {
    const schema = side.schema(record);
    const value = side.value(record);
    if (schema === null || value === null) return record;
    const projection = projectionsOf(names)(schema);
    if (projection === null) return record;
    const plan = projection.plan(schema);
    return side.replace(record, plan.schema, plan.apply(requireStruct(schema, value, 'field replacement')));
  };
  const projectionsOf = (names: readonly string[]) => {
    const id = names.join(',');
    let known = projections.get(id);
    if (known === undefined) {
      if (projections.size >= LISTS_MAX) projections.clear();
      known = perSchema((schema) => projectionOf(schema, names, keepCompatible));
      projections.set(id, known);
    }
    return known;
  };
  return (record) => {
    const names = record.headers.find((header) => header.name === headerName)?.value ?? [];
    if (!Array.isArray(names) || names.length === 0) return record;
    const keyDone = fromKey ? drop(record, names, KEY) : record;
    return drop(keyDone, names, VALUE);
  };
}

/** Lists of fields come from data: what is derived from them may not grow without end. */
const LISTS_MAX = 1000;

/** Null: there is nothing to drop. */
function projectionOf(
  schema: ConnectSchema,
  names: readonly string[],
  keepCompatible: boolean,
): Projection | null {
  const dropped = new Set(
    (schema.fields ?? [])
      .filter((field) => names.includes(field.name) && (!keepCompatible || field.schema.optional))
      .map((field) => field.name),
  );
  if (keepCompatible && dropped.size === 0) return null;
  return fieldProjection((name) => !dropped.has(name), new Map(), true);
}
