import { boolean, oneOf } from '../../base/config.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { readConfig } from '../config.ts';
import type { Converter, ConverterDefinition, SchemaWriter } from '../converter.ts';
import { planJson } from './plan.ts';
import { type JsonStyle, jsonText, schemaText, untypedText } from './text.ts';
import { JsonWriter } from './writer.ts';

const CONFIG = { 'schemas.enable': boolean(true) };
const STYLE_CONFIG = {
  'decimal.format': oneOf(['BASE64', 'NUMERIC'], 'BASE64'),
  'replace.null.with.default': boolean(true),
};

/** org.apache.kafka.connect.json.JsonConverter */
export const jsonConverter: ConverterDefinition = {
  create(config) {
    return new JsonConverter(readStyle(config), readConfig(CONFIG, config)['schemas.enable']);
  },
};

/** How the values themselves are written, by a converter's configuration. */
export function readStyle(config: Readonly<Record<string, string>>): JsonStyle {
  const values = readConfig(STYLE_CONFIG, config);
  return {
    numericDecimals: values['decimal.format'] === 'NUMERIC',
    nullsBecomeDefaults: values['replace.null.with.default'],
    mapEntries: 'pairs',
  };
}

class JsonConverter implements Converter {
  readonly #style: JsonStyle;
  readonly #withSchemas: boolean;
  /** What stands before a value, by its schema; schemas that transforms no longer make go with them. */
  readonly #heads = new WeakMap<ConnectSchema, string>();

  constructor(style: JsonStyle, withSchemas: boolean) {
    this.#style = style;
    this.#withSchemas = withSchemas;
  }

  writer(_topic: string, schema: ConnectSchema): SchemaWriter {
    const plan = planJson(schema, this.#style);
    const tail = this.#withSchemas ? '}' : '';
    return new JsonWriter(plan, this.#style, Buffer.from(this.#head(schema)), Buffer.from(tail));
  }

  nothing(topic: string, schema: ConnectSchema | null): Uint8Array | null {
    return this.convert(topic, schema, null);
  }

  convert(_topic: string, schema: ConnectSchema | null, value: ConnectValue): Uint8Array | null {
    if (schema === null && value === null) return null;
    const text = schema === null ? untypedText(value) : jsonText(schema, value, this.#style);
    return Buffer.from(this.#withSchemas ? `${this.#head(schema)}${text}}` : text);
  }

  #head(schema: ConnectSchema | null): string {
    if (!this.#withSchemas) return '';
    if (schema === null) return '{"schema":null,"payload":';
    const known = this.#heads.get(schema);
    if (known !== undefined) return known;
    const head = `{"schema":${schemaText(schema, this.#style)},"payload":`;
    this.#heads.set(schema, head);
    return head;
  }
}
