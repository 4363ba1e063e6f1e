import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { boolean, invalid, list, type OptionValues, readOptions, text } from '../options.ts';
import { failed, fieldIndex, OPTIONAL_STRING, orDefault, perSchema, STRING, structLike } from '../schema.ts';
import { SharedHeaders } from '../shared-headers.ts';
import type { Sight, Transform, TransformDefinition } from '../transform.ts';
import { dropFields } from './drop-fields.ts';
import { isEnvelope } from './envelope.ts';
import {
  type BoundReference,
  bindReference,
  type FieldReference,
  parseReferences,
} from './field-reference.ts';

const MODES = ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'] as const;
type Mode = (typeof MODES)[number];

const OPTIONS = {
  // Checked when the task starts, not when the configuration is submitted, as Debezium does.
  'delete.tombstone.handling.mode': text('tombstone'),
  'add.fields': list({ importance: 'LOW' }),
  'add.fields.prefix': text('__', { importance: 'LOW' }),
  'add.headers': list({ importance: 'LOW' }),
  'add.headers.prefix': text('__', { importance: 'LOW' }),
  'drop.fields.from.key': boolean(false, 'LOW'),
  'drop.fields.header.name': text(null, { importance: 'LOW' }),
  'drop.fields.keep.schema.compatible': boolean(true, 'LOW'),
  'route.by.field': text('', { importance: 'LOW' }),
};
/** Works, but is not among the properties that Debezium lists. */
const HIDDEN = { ...OPTIONS, 'replace.null.with.default': boolean(true, 'LOW') };

/** io.debezium.transforms.ExtractNewRecordState: the row instead of the envelope around it. */
export const extractNewRecordState: TransformDefinition = {
  options: OPTIONS,
  create: (config) => new Unwrap(readOptions(HIDDEN, config)),
};

/** What is the same for all events of one envelope schema. */
interface Plan {
  readonly before: Image;
  readonly after: Image;
  readonly headers: readonly BoundReference[];
}

/** One of the two images: where it stands and what is made of it. */
interface Image {
  readonly index: number;
  readonly schema: ConnectSchema;
  /** `schema` with the field `__deleted` if there is one, before fields are dropped or added. */
  readonly marked: ConnectSchema;
  /** Of the fields that are added. */
  readonly added: readonly BoundReference[];
  /** Where `route.by.field` stands, or -1. */
  readonly route: number;
}

const DELETED = '__deleted';

class Unwrap implements Transform {
  /** The topic, or what is dropped, can come from the row. */
  readonly sees: Sight;
  readonly #mode: Mode;
  readonly #marksDeletes: boolean;
  readonly #nullsBecomeDefaults: boolean;
  readonly #fields: readonly FieldReference[];
  readonly #headers: readonly FieldReference[];
  readonly #routeBy: string;
  readonly #drop: ReturnType<typeof dropFields> | null;
  readonly #shared = new SharedHeaders();
  readonly #plan = perSchema((schema) => this.#makePlan(schema));
  readonly #withAdded = perSchema((schema) => this.#addedTo(schema));

  constructor(options: OptionValues<typeof HIDDEN>) {
    this.#mode = modeOf(options['delete.tombstone.handling.mode']);
    this.#marksDeletes = this.#mode === 'rewrite' || this.#mode === 'rewrite-with-tombstone';
    this.#nullsBecomeDefaults = options['replace.null.with.default'];
    this.#fields = parseReferences(options['add.fields'], options['add.fields.prefix']);
    this.#headers = parseReferences(options['add.headers'], options['add.headers.prefix']);
    this.#routeBy = options['route.by.field'];
    const header = options['drop.fields.header.name'];
    this.#drop =
      header === null || header.trim() === ''
        ? null
        : dropFields(header, options['drop.fields.from.key'], options['drop.fields.keep.schema.compatible']);
    this.sees = this.#routeBy === '' && this.#drop === null ? 'shape' : 'values';
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    if (record.value === null) return this.#tombstone(record);
    if (!isEnvelope(record)) return record;
    const plan = this.#plan(record.valueSchema!);
    const envelope = record.value as ConnectList;
    const withHeaders = this.#withHeaders(record, plan, envelope);
    if (envelope[plan.after.index] !== null) return this.#row(withHeaders, plan.after, envelope);
    // Neither image: a truncate.
    if (envelope[plan.before.index] === null) return null;
    return this.#delete(withHeaders, plan, envelope);
  }

  #tombstone(record: ConnectRecord): ConnectRecord | null {
    if (this.#mode !== 'rewrite-with-tombstone') return null;
    const op = this.#headers.filter(({ field }) => field === 'op');
    const headers = op.map(({ name }): ConnectHeader => ({ name, schema: STRING, value: 'd' }));
    return this.#headers.length === 0 ? record : { ...record, headers: this.#shared.add(record, headers) };
  }

  #row(record: ConnectRecord, image: Image, envelope: ConnectList): ConnectRecord {
    const row = this.#routed(this.#unwrapped(record, image, envelope, 'false'), image, envelope);
    const added = this.#withFields(row, image, envelope);
    return this.#drop === null ? added : this.#drop(added);
  }

  #delete(record: ConnectRecord, { before, after }: Plan, envelope: ConnectList): ConnectRecord | null {
    if (this.#mode === 'drop') return null;
    if (this.#marksDeletes) {
      const row = this.#routed(this.#unwrapped(record, before, envelope, 'true'), before, envelope);
      // Debezium drops before it adds here, and the other way round where the row lives on.
      return this.#withFields(this.#drop === null ? row : this.#drop(row), before, envelope);
    }
    // With the row's schema, so that JDBC sinks know the table: no tombstone unless the mode says so.
    const valueSchema = this.#mode === 'tombstone' ? after.schema : null;
    const nothing = this.#routed({ ...record, valueSchema, value: null }, before, envelope);
    return this.#drop === null ? nothing : this.#drop(nothing);
  }

  #unwrapped(record: ConnectRecord, image: Image, envelope: ConnectList, deleted: string): ConnectRecord {
    const struct = envelope[image.index] as ConnectList;
    if (!this.#marksDeletes) return { ...record, valueSchema: image.schema, value: struct };
    const fields = image.schema.fields!;
    const value: ConnectValue[] = this.#nullsBecomeDefaults
      ? struct.map((each, i) => orDefault(fields[i].schema, each))
      : [...struct];
    value.push(deleted);
    return { ...record, valueSchema: image.marked, value };
  }

  #routed(record: ConnectRecord, { index, route }: Image, envelope: ConnectList): ConnectRecord {
    if (this.#routeBy === '') return record;
    if (route < 0) throw failed(`${this.#routeBy} is not a valid field name or is not of type STRING`);
    const topic = (envelope[index] as ConnectList)[route] as string | null;
    return topic === null || topic.trim() === '' ? record : { ...record, topic };
  }

  #withFields(record: ConnectRecord, { added }: Image, envelope: ConnectList): ConnectRecord {
    const value = [...(record.value as ConnectList)];
    for (const reference of added) value.push(reference.valueIn(envelope));
    return { ...record, valueSchema: this.#withAdded(record.valueSchema!)(added), value };
  }

  /** The row's schema is copied even where nothing is added, and is not optional any more. */
  #addedTo(schema: ConnectSchema): (added: readonly BoundReference[]) => ConnectSchema {
    let last: readonly BoundReference[] | null = null;
    let extended = schema;
    return (added) => {
      if (added !== last) {
        last = added;
        extended = structLike(schema, [
          ...schema.fields!,
          ...added.map(({ name, schema }) => ({ name, schema })),
        ]);
      }
      return extended;
    };
  }

  #withHeaders(record: ConnectRecord, { headers }: Plan, envelope: ConnectList): ConnectRecord {
    if (headers.length === 0) return record;
    const added = headers.map(({ name, headerSchema, valueIn }) => ({
      ...{ name, schema: headerSchema },
      value: valueIn(envelope),
    }));
    return { ...record, headers: this.#shared.add(record, added) };
  }

  #makePlan(envelope: ConnectSchema): Plan {
    const added = bindAll(this.#fields, envelope);
    return {
      before: this.#image(envelope, 'before', added),
      after: this.#image(envelope, 'after', added),
      headers: bindAll(this.#headers, envelope),
    };
  }

  #image(envelope: ConnectSchema, name: string, added: readonly BoundReference[]): Image {
    const index = fieldIndex(envelope, name);
    if (index < 0) throw failed(`Unknown field: ${name}`);
    const { schema } = envelope.fields![index];
    const fields = schema.fields ?? [];
    const marked = this.#marksDeletes
      ? structLike(schema, [...fields, { name: DELETED, schema: OPTIONAL_STRING }])
      : schema;
    const route = fields.findIndex((field) => field.name === this.#routeBy && field.schema.type === 'string');
    return { index, schema, marked, added, route };
  }
}

function bindAll(references: readonly FieldReference[], envelope: ConnectSchema): BoundReference[] {
  return references.map((reference) => bindReference(reference, envelope)).filter((bound) => bound !== null);
}

function modeOf(text: string): Mode {
  const mode = MODES.find((each) => each === text.trim().toLowerCase());
  if (mode !== undefined) return mode;
  const property = 'delete.tombstone.handling.mode';
  throw invalid(
    `Unable to validate config. The '${property}' value is invalid: Value must be one of ${MODES.join(', ')}`,
    property,
  );
}
