import type { ByteBuffer } from '../base/byte-buffer.ts';
import type { ConnectHeader } from '../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../record/connect-schema.ts';
import type { ValueWriter } from '../record/value.ts';

/** What a Connect converter class is here: it makes the bytes of keys or values. */
export interface Converter {
  /** Set where more of a record is needed than its schema and cells: it is then asked to `convert`, never for a writer. */
  readonly wholeRecords?: boolean;
  /**
   * A writer for values of one schema in one topic. Everything that is the same for all of them is done here once: schemas
   * rendered, registered, field names encoded. Callers keep it as long as they need it.
   *
   * @throws IcestreamError convert.*: this converter cannot write this schema
   */
  writer(topic: string, schema: ConnectSchema): SchemaWriter | Promise<SchemaWriter>;
  /** The bytes of a record without a value; with a schema (a row that a transform left nothing of) they may not be null. */
  nothing(topic: string, schema: ConnectSchema | null): Uint8Array | null;
  /**
   * Bytes of a value that has no plan: of what transforms made, and of headers; `schema` null: the value tells its type.
   * `headers`: the record's, where `wholeRecords` asks for them.
   */
  convert(
    topic: string,
    schema: ConnectSchema | null,
    value: ConnectValue,
    headers?: readonly ConnectHeader[],
  ): Uint8Array | null | Promise<Uint8Array | null>;
}

/**
 * Writes one value after another. Between `begin` and `end` it takes the calls of a ValueWriter in the order of the schema:
 * a struct is `beginStruct`, its fields in order, `endStruct`; 8- and 16-bit integers come as `int32`; Decimal as `decimal`
 * or `decimalSmall`, at any scale; all else as the schema's physical type (text and logical strings as `utf8`, logical
 * integers as `int32` or `int64`).
 */
export interface SchemaWriter extends ValueWriter {
  /** What every value begins with, where it is worth not being copied again and again. */
  readonly head?: Uint8Array;
  /**
   * The value's bytes are appended to `out`, whose length is right again after `end`; the writer may be begun anew after an
   * error, and `out` then has to be cut to where the value began. `headless`: without `head`, which the caller adds.
   */
  begin(out: ByteBuffer, headless?: boolean): void;
  end(): void;
}

/** What convert/registry.ts lists by Java class name. */
export interface ConverterDefinition {
  /** `config` without the prefix `key.converter.` or `value.converter.`. @throws IcestreamError config.invalid */
  create(config: Readonly<Record<string, string>>, isKey: boolean): Converter;
}
