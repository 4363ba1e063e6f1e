import { isDeepStrictEqual } from 'node:util';
import { type ApplyState, type Draft, refusal } from './draft.ts';
import { lastPartitionId, type SortOrder } from './metadata.ts';
import type { IcebergType, PartitionField, PartitionSpec, Schema } from './schema.ts';
import type { TableUpdate } from './update.ts';

/** Updates of schemas, partition specs and sort orders. False where the update is none of these. */
export function applySchemaUpdate(draft: Draft, update: TableUpdate, state: ApplyState): boolean {
  switch (update.action) {
    case 'add-schema':
      addSchema(draft, update.schema, update['last-column-id'], state);
      return true;
    case 'set-current-schema': {
      const id = resolveId(update['schema-id'], state.lastSchemaId, 'schema', draft);
      requireId(draft.schemas, 'schema-id', id, draft);
      draft['current-schema-id'] = id;
      return true;
    }
    case 'add-spec':
      addSpec(draft, update.spec, state);
      return true;
    case 'set-default-spec': {
      const id = resolveId(update['spec-id'], state.lastSpecId, 'partition spec', draft);
      requireId(draft['partition-specs'], 'spec-id', id, draft);
      draft['default-spec-id'] = id;
      return true;
    }
    case 'add-sort-order':
      addSortOrder(draft, update['sort-order'], state);
      return true;
    case 'set-default-sort-order': {
      const id = resolveId(update['sort-order-id'], state.lastSortOrderId, 'sort order', draft);
      requireId(draft['sort-orders'], 'order-id', id, draft);
      draft['default-sort-order-id'] = id;
      return true;
    }
    case 'remove-partition-specs': {
      const ids = new Set(update['spec-ids']);
      if (ids.has(draft['default-spec-id']))
        throw refusal('the default partition spec cannot be removed', draft);
      draft['partition-specs'] = draft['partition-specs'].filter((spec) => !ids.has(spec['spec-id']));
      return true;
    }
    case 'remove-schemas': {
      const ids = new Set(update['schema-ids']);
      if (ids.has(draft['current-schema-id'])) throw refusal('the current schema cannot be removed', draft);
      draft.schemas = draft.schemas.filter((schema) => !ids.has(schema['schema-id']));
      return true;
    }
    default:
      return false;
  }
}

/** An equal schema is used again under its id; else the new one gets the next id, whatever it asked for. */
function addSchema(draft: Draft, schema: Schema, lastColumnId: number | undefined, state: ApplyState): void {
  const highest = Math.max(lastColumnId ?? 0, highestFieldId(schema));
  draft['last-column-id'] = Math.max(draft['last-column-id'], highest);
  const same = draft.schemas.find((other) => sameSchema(other, schema));
  const id = same?.['schema-id'] ?? 1 + Math.max(-1, ...draft.schemas.map((other) => other['schema-id']));
  if (same === undefined) draft.schemas = [...draft.schemas, { ...schema, 'schema-id': id }];
  state.lastSchemaId = id;
}

function sameSchema(a: Schema, b: Schema): boolean {
  return (
    isDeepStrictEqual(a.fields, b.fields) &&
    isDeepStrictEqual(a['identifier-field-ids'] ?? [], b['identifier-field-ids'] ?? [])
  );
}

function addSpec(draft: Draft, spec: PartitionSpec, state: ApplyState): void {
  const fields = assignFieldIds(draft, spec.fields);
  const specs = draft['partition-specs'];
  const same = specs.find((other) => sameSpec(other.fields, fields));
  const id = same?.['spec-id'] ?? 1 + Math.max(-1, ...specs.map((other) => other['spec-id']));
  if (same === undefined) draft['partition-specs'] = [...specs, { ...spec, 'spec-id': id, fields }];
  draft['last-partition-id'] = Math.max(
    draft['last-partition-id'],
    lastPartitionId([{ 'spec-id': id, fields }]),
  );
  state.lastSpecId = id;
}

function sameSpec(a: readonly PartitionField[], b: readonly PartitionField[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (field, i) =>
        field['source-id'] === b[i]['source-id'] &&
        field.transform === b[i].transform &&
        field.name === b[i].name,
    )
  );
}

/** A field without an id takes that of an equivalent field of an older spec, else the next free one. */
function assignFieldIds(draft: Draft, fields: readonly PartitionField[]): PartitionField[] {
  const known = draft['partition-specs'].flatMap((spec) => spec.fields);
  let last = Math.max(draft['last-partition-id'], ...fields.map((field) => field['field-id'] ?? 0));
  return fields.map((field) => {
    if (field['field-id'] !== undefined && field['field-id'] !== null) return field;
    const same = known.find(
      (other) => other['source-id'] === field['source-id'] && other.transform === field.transform,
    );
    return { ...field, 'field-id': same?.['field-id'] ?? ++last };
  });
}

function addSortOrder(draft: Draft, order: SortOrder, state: ApplyState): void {
  const orders = draft['sort-orders'];
  const same = orders.find((other) => isDeepStrictEqual(other.fields, order.fields));
  const next = 1 + Math.max(0, ...orders.map((other) => other['order-id']));
  const id = same?.['order-id'] ?? (order.fields.length === 0 ? 0 : next);
  if (same === undefined) draft['sort-orders'] = [...orders, { ...order, 'order-id': id }];
  state.lastSortOrderId = id;
}

/** The highest id of a type's fields, list elements, map keys and map values. */
export function highestFieldId(type: IcebergType): number {
  if (typeof type === 'string') return 0;
  switch (type.type) {
    case 'struct':
      return Math.max(0, ...type.fields.map((field) => Math.max(field.id, highestFieldId(field.type))));
    case 'list':
      return Math.max(type['element-id'], highestFieldId(type.element));
    case 'map':
      return Math.max(type['key-id'], type['value-id'], highestFieldId(type.key), highestFieldId(type.value));
  }
}

function resolveId(id: number, last: number | null, what: string, draft: Draft): number {
  if (id !== -1) return id;
  if (last === null) throw refusal(`the commit names the last added ${what} but adds none`, draft);
  return last;
}

function requireId<K extends string>(
  list: readonly { readonly [key in K]: number }[],
  key: K,
  id: number,
  draft: Draft,
): void {
  if (!list.some((item) => item[key] === id)) throw refusal(`there is no ${key} ${id}`, draft);
}
