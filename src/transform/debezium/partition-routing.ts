import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { integer, invalid, list, readOptions, text } from '../options.ts';
import { fieldIndex, orDefault, perSchema } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';
import { javaHash } from './java-hash.ts';
import { murmurHash } from './murmur.ts';

const OPTIONS = {
  'partition.payload.fields': list({ importance: 'HIGH' }),
  'partition.topic.num': integer(null, { importance: 'HIGH' }),
  'partition.hash.function': text('java', { importance: 'LOW' }),
};

/** io.debezium.transforms.partitions.PartitionRouting: the partition from fields of the row. */
export const partitionRouting: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const options = readOptions(OPTIONS, config);
    const paths = options['partition.payload.fields'].map((path) =>
      path.split('.').map((step) => step.trim()),
    );
    const count = options['partition.topic.num'];
    if (paths.length === 0 || paths.some((path) => path.includes('')))
      throw invalid(
        'The partition.payload.fields value is invalid: A value is required',
        'partition.payload.fields',
      );
    if (count === null || count < 1)
      throw invalid(
        'The partition.topic.num value is invalid: A positive, non-zero integer value is expected',
        'partition.topic.num',
      );
    // Whatever is no known name means java, as in Debezium.
    const hash = options['partition.hash.function'].trim().toLowerCase() === 'murmur' ? murmurHash : javaHash;
    const plan = perSchema((schema) => planPaths(schema, paths));
    return {
      apply(record) {
        if (record.value === null || !isEnvelope(record)) return record;
        const { op, deleted, others } = plan(record.valueSchema!);
        const envelope = record.value as ConnectList;
        const operation = envelope[op];
        if (operation === 't' || operation === 'm') return record;
        let sum = 0;
        let found = false;
        for (const path of operation === 'd' ? deleted : others) {
          const value = path.read(envelope);
          if (value === null) continue;
          found = true;
          sum = (sum + hash(path.schema, value)) | 0;
        }
        if (!found) return record;
        const positive = sum & 0x7fff_ffff;
        return { ...record, partition: positive === 0x7fff_ffff ? 0 : positive % count };
      },
    };
  },
};

interface Path {
  readonly schema: ConnectSchema;
  read(envelope: ConnectList): ConnectValue;
}

/** `change` stands for the image that the operation has. Fields that the schema lacks do not count. */
function planPaths(envelope: ConnectSchema, paths: readonly (readonly string[])[]) {
  const bind = (image: string) =>
    paths
      .map((path) =>
        bindPath(
          envelope,
          path.map((step, i) => (step === 'change' && i < path.length - 1 ? image : step)),
        ),
      )
      .filter((path) => path !== null);
  return { op: fieldIndex(envelope, 'op'), deleted: bind('before'), others: bind('after') };
}

function bindPath(root: ConnectSchema, path: readonly string[]): Path | null {
  const steps: number[] = [];
  let schema = root;
  for (const step of path) {
    const index = fieldIndex(schema, step);
    if (index < 0) return null;
    steps.push(index);
    schema = schema.fields![index].schema;
  }
  const read = (envelope: ConnectList): ConnectValue => {
    let at: ConnectValue = envelope;
    for (const index of steps) {
      if (at === null) return null;
      at = (at as ConnectList)[index];
    }
    return orDefault(schema, at);
  };
  return { schema, read };
}
