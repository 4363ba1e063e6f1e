import type { PredicateDefinition } from '../transform.ts';

/** org.apache.kafka.connect.transforms.predicates.RecordIsTombstone: a null value, with or without a schema. */
export const recordIsTombstone: PredicateDefinition = {
  options: {},
  create: () => ({ sees: 'shape', test: (record) => record.value === null }),
};
