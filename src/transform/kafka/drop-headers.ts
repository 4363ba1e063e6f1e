import { readOptions, requiredList } from '../options.ts';
import type { TransformDefinition } from '../transform.ts';

const OPTIONS = { headers: requiredList() };

/** org.apache.kafka.connect.transforms.DropHeaders */
export const dropHeaders: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const dropped = new Set(readOptions(OPTIONS, config).headers);
    return {
      sees: 'frame',
      apply(record) {
        const headers = record.headers.filter(({ name }) => !dropped.has(name));
        return headers.length === record.headers.length ? record : { ...record, headers };
      },
    };
  },
};
