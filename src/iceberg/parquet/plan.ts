import { IcestreamError } from '../../base/errors.ts';
import { decimalOf, type IcebergType, type NestedField, type PrimitiveType } from '../schema.ts';
import { CONVERTED, type Physical, type Repetition } from './format.ts';

/**
 * Iceberg fields as a Parquet schema (specification, Appendix A, "Parquet"): the flat list of schema elements for the
 * footer, and the tree of columns with their definition and repetition levels.
 */
export function planColumns(fields: readonly NestedField[]): ParquetPlan {
  const elements: SchemaElement[] = [{ name: 'table', children: fields.length }];
  const columns = fields.map((field) =>
    planField(field, { elements, path: [], definition: 0, repetition: 0 }),
  );
  return { elements, columns };
}

export interface ParquetPlan {
  readonly elements: readonly SchemaElement[];
  readonly columns: readonly ColumnPlan[];
}

export interface SchemaElement {
  readonly name: string;
  readonly repetition?: Repetition;
  readonly children?: number;
  readonly fieldId?: number;
  readonly physical?: Physical;
  readonly typeLength?: number;
  readonly converted?: number;
  readonly logical?: LogicalAnnotation;
  readonly precision?: number;
  readonly scale?: number;
}

export type LogicalAnnotation =
  | 'string'
  | 'uuid'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'decimal'
  | 'list'
  | 'map';

export interface LeafPlan {
  readonly kind: 'leaf';
  readonly fieldId: number;
  readonly type: PrimitiveType;
  readonly physical: Physical;
  /** Bytes of a fixed-length value, else 0. */
  readonly typeLength: number;
  readonly path: readonly string[];
  readonly required: boolean;
  /** Level of a value that is there; one less where the leaf itself is null. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

export interface GroupPlan {
  readonly kind: 'list' | 'map' | 'struct';
  readonly fieldId: number;
  readonly path: readonly string[];
  readonly required: boolean;
  /** Level at which the list, map or struct itself is there, and a list or map empty. */
  readonly definition: number;
  /** Repetition level of the second and later elements; of a struct that around it. */
  readonly repetition: number;
  /** The element; key and value; or the fields. */
  readonly children: readonly ColumnPlan[];
}

export type ColumnPlan = LeafPlan | GroupPlan;

interface Around {
  readonly elements: SchemaElement[];
  readonly path: readonly string[];
  readonly definition: number;
  readonly repetition: number;
}

type Field = Pick<NestedField, 'id' | 'name' | 'required' | 'type'>;

function planField(field: Field, around: Around): ColumnPlan {
  const inside: Around = {
    ...around,
    path: [...around.path, field.name],
    definition: around.definition + (field.required ? 0 : 1),
  };
  if (typeof field.type === 'string') return planLeaf(field, field.type, inside);
  return planGroup(field, field.type, inside);
}

function planGroup(field: Field, type: Exclude<IcebergType, string>, inside: Around): GroupPlan {
  const { elements, path, definition } = inside;
  const common = { name: field.name, fieldId: field.id, repetition: repetitionOf(field) };
  const group = { fieldId: field.id, path, required: field.required, definition };
  if (type.type === 'struct') {
    elements.push({ ...common, children: type.fields.length });
    const children = type.fields.map((child) => planField(child, inside));
    return { kind: 'struct', ...group, repetition: inside.repetition, children };
  }
  const repetition = inside.repetition + 1;
  const repeatedName = type.type === 'list' ? 'list' : 'key_value';
  const repeated: Around = {
    elements,
    path: [...path, repeatedName],
    definition: definition + 1,
    repetition,
  };
  if (type.type === 'list') {
    elements.push({ ...common, children: 1, converted: CONVERTED.list, logical: 'list' });
    elements.push({ name: 'list', repetition: 'repeated', children: 1 });
    const element = {
      id: type['element-id'],
      name: 'element',
      required: type['element-required'],
      type: type.element,
    };
    return { kind: 'list', ...group, repetition, children: [planField(element, repeated)] };
  }
  elements.push({ ...common, children: 1, converted: CONVERTED.map, logical: 'map' });
  elements.push({ name: 'key_value', repetition: 'repeated', children: 2 });
  const key = { id: type['key-id'], name: 'key', required: true, type: type.key };
  const value = { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value };
  return {
    kind: 'map',
    ...group,
    repetition,
    children: [planField(key, repeated), planField(value, repeated)],
  };
}

function planLeaf(field: Field, type: PrimitiveType, inside: Around): LeafPlan {
  const stored = storageOf(type);
  inside.elements.push({
    name: field.name,
    fieldId: field.id,
    repetition: repetitionOf(field),
    ...stored,
  });
  return {
    kind: 'leaf',
    fieldId: field.id,
    type,
    physical: stored.physical,
    typeLength: stored.typeLength ?? 0,
    path: inside.path,
    required: field.required,
    maxDefinition: inside.definition,
    maxRepetition: inside.repetition,
  };
}

function repetitionOf(field: Field): Repetition {
  return field.required ? 'required' : 'optional';
}

type Stored = Omit<SchemaElement, 'name' | 'repetition' | 'children' | 'fieldId'> & {
  readonly physical: Physical;
};

const STORED: { readonly [type: string]: Stored } = {
  boolean: { physical: 'boolean' },
  int: { physical: 'int32' },
  long: { physical: 'int64' },
  float: { physical: 'float' },
  double: { physical: 'double' },
  date: { physical: 'int32', converted: CONVERTED.date, logical: 'date' },
  time: { physical: 'int64', converted: CONVERTED.timeMicros, logical: 'time' },
  timestamp: { physical: 'int64', converted: CONVERTED.timestampMicros, logical: 'timestamp' },
  timestamptz: { physical: 'int64', converted: CONVERTED.timestampMicros, logical: 'timestamptz' },
  string: { physical: 'byteArray', converted: CONVERTED.utf8, logical: 'string' },
  uuid: { physical: 'fixedLenByteArray', typeLength: 16, logical: 'uuid' },
  binary: { physical: 'byteArray' },
};

function storageOf(type: PrimitiveType): Stored {
  const known = STORED[type];
  if (known !== undefined) return known;
  const decimal = decimalOf(type);
  if (decimal !== null) return decimalStorage(decimal.precision, decimal.scale);
  const fixed = /^fixed\[(\d+)\]$/.exec(type);
  if (fixed !== null) return { physical: 'fixedLenByteArray', typeLength: Number(fixed[1]) };
  throw new IcestreamError('iceberg.unsupported-table', `the type ${type} cannot be written`, {
    context: { type },
  });
}

function decimalStorage(precision: number, scale: number): Stored {
  const annotation = { converted: CONVERTED.decimal, logical: 'decimal', precision, scale } as const;
  if (precision <= 9) return { physical: 'int32', ...annotation };
  if (precision <= 18) return { physical: 'int64', ...annotation };
  return { physical: 'fixedLenByteArray', typeLength: decimalBytes(precision), ...annotation };
}

/** The fewest bytes of two's complement that hold every decimal of a precision. */
export function decimalBytes(precision: number): number {
  const most = 10n ** BigInt(precision) - 1n;
  let length = 1;
  while (most >= 1n << BigInt(length * 8 - 1)) length++;
  return length;
}
