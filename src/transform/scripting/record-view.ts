import { decimalText } from '../../convert/java-text.ts';
import type { ConnectRecord } from '../../record/connect-record.ts';
import type {
  ConnectDecimal,
  ConnectList,
  ConnectMap,
  ConnectSchema,
  ConnectValue,
} from '../../record/connect-schema.ts';

/**
 * A record as a JSON text for a script's realm. Scalars stand for themselves; all else is an array that begins with its kind:
 * `["s", schema, ...]` a struct, `["l", ...]` a list, `["m", key, value, ...]` a map, `["n", "9"]` an integer beyond 2^53,
 * `["f", "NaN"]`, `["d", "1.50"]` a decimal, `["b", 1, 2]` bytes. A schema is given once, then by its number.
 */
export class RecordView {
  readonly #uses: (name: string) => boolean;
  readonly #ids = new WeakMap<ConnectSchema, number>();
  #nextId = 0;
  #newSchemas: string[] = [];

  /** @param uses whether the script mentions a name: what it does not is not worth the work */
  constructor(uses: (name: string) => boolean) {
    this.#uses = uses;
  }

  text(record: ConnectRecord): string {
    this.#newSchemas = [];
    const { topic, keySchema, valueSchema } = record;
    const key = this.#uses('key') ? this.#value(keySchema, record.key) : 'null';
    const value = this.#uses('value') ? this.#value(valueSchema, record.value) : 'null';
    const headers = this.#uses('headers')
      ? record.headers.map(
          (header) =>
            `[${JSON.stringify(header.name)},${this.#schema(header.schema)},${this.#value(header.schema, header.value)}]`,
        )
      : [];
    const schemas = `${this.#schema(keySchema)},${this.#schema(valueSchema)}`;
    return `[[${this.#newSchemas.join()}],${JSON.stringify(topic)},${key},${value},${schemas},[${headers.join()}]]`;
  }

  #schema(schema: ConnectSchema | null): string {
    if (schema === null) return 'null';
    let id = this.#ids.get(schema);
    if (id === undefined) {
      id = this.#nextId++;
      this.#ids.set(schema, id);
      const fields = (schema.fields ?? []).map(
        (field) => `[${JSON.stringify(field.name)},${this.#schema(field.schema)}]`,
      );
      const { type, name = null, version = null, doc = null, optional, parameters = null } = schema;
      const facts = JSON.stringify([id, type, name, version, doc, optional, parameters]);
      this.#newSchemas.push(`${facts.slice(0, -1)},[${fields.join()}]]`);
    }
    return String(id);
  }

  #value(schema: ConnectSchema | null, value: ConnectValue): string {
    if (value === null)
      return schema?.default === undefined
        ? 'null'
        : this.#value({ ...schema, default: undefined }, schema.default);
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'boolean':
        return String(value);
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? String(value)
          : `["f","${Object.is(value, -0) ? '-0' : value}"]`;
      case 'bigint':
        return Number.isSafeInteger(Number(value)) ? String(value) : `["n","${value}"]`;
      default:
        return this.#structure(schema, value);
    }
  }

  #structure(
    schema: ConnectSchema | null,
    value: Uint8Array | ConnectDecimal | ConnectList | ConnectMap,
  ): string {
    if (value instanceof Uint8Array) return `["b"${value.length === 0 ? '' : `,${value.join()}`}]`;
    if (value instanceof Map) {
      const entries = [...(value as ConnectMap)].map(
        ([key, each]) =>
          `,${this.#value(schema?.keys ?? null, key)},${this.#value(schema?.values ?? null, each)}`,
      );
      return `["m"${entries.join('')}]`;
    }
    if (Array.isArray(value)) return this.#list(schema, value);
    const { unscaled, scale } = value as ConnectDecimal;
    return `["d","${decimalText(unscaled, scale)}"]`;
  }

  #list(schema: ConnectSchema | null, values: ConnectList): string {
    if (schema?.type !== 'struct')
      return `["l"${values.map((each) => `,${this.#value(schema?.values ?? null, each)}`).join('')}]`;
    const cells = values.map((each, i) => `,${this.#value(schema.fields![i].schema, each)}`);
    return `["s",${this.#schema(schema)}${cells.join('')}]`;
  }
}
