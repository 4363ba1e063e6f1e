import { javaRegexList } from '../../../base/java-regex.ts';
import type { ConnectSchema, ConnectValue } from '../../../record/connect-schema.ts';
import { writeValue } from '../../../record/connect-value.ts';
import type { EventField } from '../../../record/event.ts';
import type { ValueWriter } from '../../../record/value.ts';
import type { PostgresConfig } from '../config.ts';
import { isMaskable, type Mask, maskedText, maskFor } from '../masks.ts';
import { lengthOf, type PostgresColumn, type PostgresTable } from '../schema.ts';
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

  /** In the database's order, without those that Debezium leaves out. */
  of(table: PostgresTable): EventField[] {
    const fields = table.columns.flatMap((column, index) =>
      table.hidden?.has(column.name) ? [] : (this.#field(table, column, index) ?? []),
    );
    // Elsewhere they are in that order.
    if (table.logged === undefined && table.whole === undefined) return fields;
    const place = ({ column }: EventField) => table.columns[column].sourceId ?? 0;
    return fields.sort((a, b) => place(a) - place(b));
  }

  /** The same in the key, which has nothing of masks and of the source's type. */
  forKey(table: PostgresTable, { column: index }: EventField): EventField {
    const column = table.columns[index];
    const shape = shapeOf(column.root, this.#config)!;
    return { ...this.#unmasked(column, index, shape), codec: column.plainCodec };
  }

  #field(table: PostgresTable, column: PostgresColumn, index: number): EventField | null {
    const shape = shapeOf(column.root, this.#config);
    if (shape === null) return null;
    const field = this.#unmasked(column, index, shape);
    const parameters = { ...shape.schema.parameters, ...this.#parameters(table, column) };
    const schema = Object.keys(parameters).length === 0 ? field.schema : { ...field.schema, parameters };
    const constant = this.#constantMask(table, column);
    if (constant === null) return { ...field, schema, unavailable: this.#unavailable(table, column, field) };
    return { ...field, schema, unavailable: constant, absent: constant, ifNull: constant };
  }

  #unmasked(column: PostgresColumn, index: number, shape: Shape): EventField {
    const defaultValue = defaultOf(column, shape, this.#config['icestream.correct.values']);
    const plain = { ...shape.schema, optional: column.nullable };
    const schema = defaultValue === undefined ? plain : { ...plain, default: defaultValue };
    const absent = column.nullable ? null : (defaultValue ?? shape.zero);
    return {
      name: adjustedFieldName(column.name, this.#config['field.name.adjustment.mode']),
      column: index,
      schema,
      ...adapters(column, shape, this.#knowsName ? null : (out) => new Instead(out, schema, absent)),
      unavailable: shape.unavailable ?? (column.nullable ? null : shape.zero),
      absent,
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

  /** Only the schema tells of a mask whose column is no text. */
  #mask(table: PostgresTable, column: PostgresColumn): Mask | null {
    return maskFor(this.#config.masks, table.name, column.name);
  }

  #valueMask(table: PostgresTable, column: PostgresColumn): Mask | null {
    return isMaskable(column.type, column.root.type.name) ? this.#mask(table, column) : null;
  }

  /** What stands for an unchanged large value is masked as the value would be. */
  #unavailable(table: PostgresTable, column: PostgresColumn, { unavailable }: EventField): ConnectValue {
    const mask = this.#valueMask(table, column);
    if (mask === null || typeof unavailable !== 'string') return unavailable;
    return maskedText(unavailable, mask, lengthOf(column.root));
  }

  /** Asterisks stand for NULL, too. */
  #constantMask(table: PostgresTable, column: PostgresColumn): string | null {
    const mask = this.#valueMask(table, column);
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
