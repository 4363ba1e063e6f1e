import type { ConnectRecord } from '../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../record/connect-schema.ts';
import type { Properties } from './options.ts';
import type { Transform, TransformDefinition } from './transform.ts';

/** The half of a record that a transform's `$Key` or `$Value` variant works on. */
export interface Side {
  schema(record: ConnectRecord): ConnectSchema | null;
  value(record: ConnectRecord): ConnectValue;
  replace(record: ConnectRecord, schema: ConnectSchema | null, value: ConnectValue): ConnectRecord;
}

export const KEY: Side = {
  schema: (record) => record.keySchema,
  value: (record) => record.key,
  replace: (record, keySchema, key) => ({ ...record, keySchema, key }),
};

export const VALUE: Side = {
  schema: (record) => record.valueSchema,
  value: (record) => record.value,
  replace: (record, valueSchema, value) => ({ ...record, valueSchema, value }),
};

/** A transform that comes as `$Key` and `$Value`. */
export interface TwoSided extends Omit<TransformDefinition, 'create'> {
  create(config: Properties, side: Side): Transform;
}

export function ofSide(definition: TwoSided, side: Side): TransformDefinition {
  return { ...definition, create: (config) => definition.create(config, side) };
}
