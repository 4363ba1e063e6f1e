import { javaRegexList } from '../../../base/java-regex.ts';
import type { ConnectSchema, ConnectValue } from '../../../record/connect-schema.ts';
import { writeValue } from '../../../record/connect-value.ts';
import type { EventField } from '../../../record/event.ts';
import type { ValueWriter } from '../../../record/value.ts';
import type { PostgresConfig } from '../config.ts';
import type { Mask } from '../masks.ts';
import type { PostgresColumn, PostgresTable } from '../schema.ts';
import { Adapter } from './adapter.ts';
import { defaultOf } from './defaults.ts';
import { jdbcType } from './jdbc.ts';
import { adjustedFieldName } from './names.ts';
import type { Shape } from './shape.ts';
import { shapeOf } from './types.ts';

/** Makes the fields of tables' rows; what the configuration says of columns is parsed once. */
export class Fields {
  readonly #config: PostgresConfig;
  readonly #propagatedColumns: readonly RegExp[];
  readonly #propagatedTypes: readonly RegExp[];

  /** Values of the type `name` are in the stream. */
  readonly #knowsName: boolean;

  constructor(config: PostgresConfig) {
    this.#config = config;
    this.#knowsName = config['icestream.correct.values'] || config['include.unknown.datatypes'];
    this.#propagatedColumns = javaRegexList(config['column.propagate.source.type'] ?? '');
    this.#propagatedTypes = javaRegexList(config['datatype.propagate.source.type'] ?? '');
  }

  /** In the order of the columns, without those that Debezium leaves out. */
  of(table: PostgresTable): EventField[] {
    return table.columns.flatMap((column, index) => this.#field(table, column, index) ?? []);
  }

  #field(table: PostgresTable, column: PostgresColumn, index: number): EventField | null {
    const shape = shapeOf(column.root, this.#config);
    if (shape === null) return null;
    const correct = this.#config['icestream.correct.values'];
    const defaultValue = defaultOf(column, shape, correct);
    const schema = this.#schema(table, column, shape, defaultValue);
    const constant = this.#constantMask(table, column);
    const absent = constant ?? (column.nullable ? null : (defaultValue ?? shape.zero));
    return {
      name: adjustedFieldName(column.name, this.#config['field.name.adjustment.mode']),
      column: index,
      schema,
      ...adapters(column, shape, this.#knowsName ? null : (out) => new Instead(out, schema, absent)),
      unavailable: constant ?? shape.unavailable ?? (column.nullable ? null : shape.zero),
      absent,
      ...(constant === null ? {} : { ifNull: constant }),
    };
  }

  /** The same in the key, whose schema has nothing of masks and of the source's type. */
  forKey(field: EventField, column: PostgresColumn): EventField {
    const shape = shapeOf(column.root, this.#config);
    if (shape === null) return field;
    const { default: defaultValue } = field.schema;
    const schema = { ...shape.schema, optional: column.nullable };
    return { ...field, schema: defaultValue === undefined ? schema : { ...schema, default: defaultValue } };
  }

  #schema(
    table: PostgresTable,
    column: PostgresColumn,
    shape: Shape,
    defaultValue: ConnectValue | undefined,
  ): ConnectSchema {
    const parameters = { ...shape.schema.parameters, ...this.#parameters(table, column) };
    return {
      ...shape.schema,
      optional: column.nullable,
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
      ...(defaultValue === undefined ? {} : { default: defaultValue }),
    };
  }

  /** The first that applies of a mask and the propagation of the source's type. */
  #parameters(table: PostgresTable, column: PostgresColumn): Readonly<Record<string, string>> {
    const mask = this.#mask(table, column);
    if (mask !== null) {
      return mask.kind === 'truncate' ? { truncateLength: String(mask.length) } : { masked: 'true' };
    }
    const { name, length, scale } = jdbcType(column, table.asStreamed);
    const isPropagated =
      this.#propagatedColumns.some((pattern) => pattern.test(`${table.name}.${column.name}`)) ||
      this.#propagatedTypes.some((pattern) => pattern.test(`${table.name}.${name}`));
    if (!isPropagated) return {};
    return {
      '__debezium.source.column.type': name.toUpperCase(),
      '__debezium.source.column.length': String(length),
      ...(scale === null ? {} : { '__debezium.source.column.scale': String(scale) }),
      '__debezium.source.column.name': column.name,
    };
  }

  #mask(table: PostgresTable, column: PostgresColumn): Mask | null {
    const name = `${table.name}.${column.name}`;
    const rule = this.#config.masks.find(({ columns }) => columns.some((pattern) => pattern.test(name)));
    return rule?.mask ?? null;
  }

  /** Asterisks stand for NULL, too. */
  #constantMask(table: PostgresTable, column: PostgresColumn): string | null {
    const mask = column.type.kind === 'string' ? this.#mask(table, column) : null;
    return mask?.kind === 'chars' ? '*'.repeat(mask.count) : null;
  }
}

function adapters(
  { root }: PostgresColumn,
  shape: Shape,
  instead: ((out: ValueWriter) => ValueWriter) | null,
): Pick<EventField, 'adapt' | 'adaptRead'> {
  const { adapt, adaptRead } = shape;
  if (root.type.name === 'name' && instead !== null) return { adapt: instead, adaptRead: adapt };
  return adaptRead === undefined ? { adapt } : { adapt, adaptRead };
}

/** Writes what stands for a missing value, whatever the value: Debezium's stream does not know the type `name`. */
class Instead extends Adapter {
  readonly #schema: ConnectSchema;
  readonly #value: ConnectValue;

  constructor(out: ValueWriter, schema: ConnectSchema, value: ConnectValue) {
    super(out);
    this.#schema = schema;
    this.#value = value;
  }

  override utf8(_bytes: Uint8Array, _start: number, _end: number): void {
    writeValue(this.#schema, this.#value, this.out);
  }
}
