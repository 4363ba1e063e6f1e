import type { TransformDefinition } from '../transform.ts';

/** org.apache.kafka.connect.transforms.Filter: drops what its predicate lets through to it. */
export const filter: TransformDefinition = {
  options: {},
  create: () => ({ sees: 'frame', apply: () => null }),
};
