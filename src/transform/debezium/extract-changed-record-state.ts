import type { ConnectHeader } from '../../record/connect-record.ts';
import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { readOptions, text } from '../options.ts';
import { fieldIndex, OPTIONAL_STRING } from '../schema.ts';
import { SharedHeaders } from '../shared-headers.ts';
import type { TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';

const OPTIONS = {
  'header.changed.name': text(null, { importance: 'LOW' }),
  'header.unchanged.name': text(null, { importance: 'LOW' }),
};

/** io.debezium.transforms.ExtractChangedRecordState: headers that list the fields which an update changed, and the others. */
export const extractChangedRecordState: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const options = readOptions(OPTIONS, config);
    const changed = listHeader(options['header.changed.name']);
    const unchanged = listHeader(options['header.unchanged.name']);
    const shared = new SharedHeaders();
    return {
      apply(record) {
        if (record.value === null) return { ...record, headers: shared.ofTombstone(record) };
        if (!isEnvelope(record)) return record;
        const names = compareImages(record.valueSchema!, record.value as ConnectList);
        const added = [changed?.(names.changed), unchanged?.(names.unchanged)].filter(
          (each) => each !== undefined,
        );
        return { ...record, headers: shared.add(record, added) };
      },
    };
  },
};

function listHeader(name: string | null): ((names: readonly string[]) => ConnectHeader) | null {
  if (name === null || name.trim() === '') return null;
  const schema: ConnectSchema = { type: 'array', optional: true, name, values: OPTIONAL_STRING };
  return (names) => ({ name, schema, value: names });
}

/** Both lists are empty where there is but one image; the headers come all the same. */
function compareImages(schema: ConnectSchema, envelope: ConnectList) {
  const [changed, unchanged]: [string[], string[]] = [[], []];
  const [before, after] = ['before', 'after'].map((name) => fieldIndex(schema, name));
  const [old, now] = [envelope[before] as ConnectList | null, envelope[after] as ConnectList | null];
  if (old === null || now === null) return { changed, unchanged };
  const oldSchema = schema.fields![before].schema;
  const nowSchema = schema.fields![after].schema;
  nowSchema.fields!.forEach(({ name }, i) => {
    const at = oldSchema === nowSchema ? i : fieldIndex(oldSchema, name);
    (at >= 0 && areEqual(old[at], now[i]) ? unchanged : changed).push(name);
  });
  if (oldSchema !== nowSchema)
    for (const { name } of oldSchema.fields!) if (fieldIndex(nowSchema, name) < 0) changed.push(name);
  return { changed, unchanged };
}

function areEqual(left: ConnectValue, right: ConnectValue): boolean {
  // Object.is: two NaN are equal, 0.0 and -0.0 are not, as for java.lang.Double.
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((each, i) => areEqual(each, right[i]))
    );
  }
  if (left instanceof Map) {
    if (!(right instanceof Map) || left.size !== right.size) return false;
    return [...left].every(([key, each]) => right.has(key) && areEqual(each, right.get(key) ?? null));
  }
  if (!('unscaled' in left) || !('unscaled' in right)) return false;
  return left.unscaled === right.unscaled && left.scale === right.scale;
}
