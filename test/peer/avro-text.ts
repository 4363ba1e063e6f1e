/**
 * The JSON text `{"schema": ..., "payload": ...}` of bytes in a registry's framing: a zero byte, the schema's id in four bytes,
 * the value in Avro's binary encoding (Avro 1.12, "Binary Encoding"). Null where the framing or the schema is not there.
 */
export function avroText(bytes: Buffer, schemas: Readonly<Record<string, unknown>>): string | null {
  if (bytes.length < 5 || bytes[0] !== 0) return null;
  const schema = schemas[String(bytes.readUInt32BE(1))] as Schema | undefined;
  if (schema === undefined) return null;
  const reader = new AvroReader(bytes);
  collectNames(schema, '', reader.names);
  const payload = reader.read(schema, '');
  if (reader.at !== bytes.length) throw new Error('bytes are left over after an Avro value');
  return `{"schema":${JSON.stringify(schema)},"payload":${payload}}`;
}

type Schema = string | readonly Schema[] | Complex;
interface Complex {
  readonly type: Schema;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[];
  readonly items?: Schema;
  readonly values?: Schema;
  readonly symbols?: readonly string[];
  readonly size?: number;
}

function collectNames(schema: Schema, space: string, names: Map<string, [Complex, string]>): void {
  if (typeof schema === 'string') return;
  if (isUnion(schema)) {
    for (const branch of schema) collectNames(branch, space, names);
    return;
  }
  const own = schema.namespace ?? space;
  if (schema.name !== undefined) names.set(fullName(schema.name, own), [schema, own]);
  for (const field of schema.fields ?? []) collectNames(field.type, own, names);
  for (const below of [schema.items, schema.values]) if (below !== undefined) collectNames(below, own, names);
  if (typeof schema.type === 'object') collectNames(schema.type, own, names);
}

function isUnion(schema: Schema): schema is readonly Schema[] {
  return Array.isArray(schema);
}

function fullName(name: string, space: string): string {
  return name.includes('.') || space === '' ? name : `${space}.${name}`;
}

class AvroReader {
  readonly names = new Map<string, [Complex, string]>();
  readonly #bytes: Buffer;
  at = 5;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(schema: Schema, space: string): string {
    if (isUnion(schema)) return this.read(schema[Number(this.#long())]!, space);
    if (typeof schema !== 'string') return this.#complex(schema, schema.namespace ?? space);
    const named = this.names.get(fullName(schema, space));
    return named === undefined ? this.#primitive(schema) : this.read(...named);
  }

  #complex(schema: Complex, space: string): string {
    switch (schema.type) {
      case 'record': {
        const fields = schema.fields!.map((it) => `${JSON.stringify(it.name)}:${this.read(it.type, space)}`);
        return `{${fields.join(',')}}`;
      }
      case 'enum':
        return JSON.stringify(schema.symbols![Number(this.#long())]);
      case 'array':
        return `[${this.#blocks(() => this.read(schema.items!, space)).join(',')}]`;
      case 'map':
        return `{${this.#blocks(() => `${this.#primitive('string')}:${this.read(schema.values!, space)}`).join(',')}}`;
      case 'fixed':
        return JSON.stringify(this.#take(schema.size!).toString('hex'));
      default:
        return this.read(schema.type, space);
    }
  }

  #primitive(type: string): string {
    switch (type) {
      case 'null':
        return 'null';
      case 'boolean':
        return String(this.#take(1)[0] !== 0);
      case 'int':
      case 'long':
        return String(this.#long());
      // As hexadecimal, so that every bit counts.
      case 'float':
        return JSON.stringify(`float ${this.#take(4).toString('hex')}`);
      case 'double':
        return JSON.stringify(`double ${this.#take(8).toString('hex')}`);
      case 'bytes':
        return JSON.stringify(`bytes ${this.#take(Number(this.#long())).toString('hex')}`);
      case 'string':
        return JSON.stringify(this.#take(Number(this.#long())).toString('utf8'));
      default:
        throw new Error(`no Avro type ${type}`);
    }
  }

  #blocks(item: () => string): string[] {
    const items: string[] = [];
    for (let count = this.#long(); count !== 0n; count = this.#long()) {
      if (count < 0n) this.#long(); // The block's size in bytes.
      for (let left = count < 0n ? -count : count; left > 0n; left--) items.push(item());
    }
    return items;
  }

  #long(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
  }

  #take(count: number): Buffer {
    if (this.at + count > this.#bytes.length) throw new Error('an Avro value ends early');
    return this.#bytes.subarray(this.at, (this.at += count));
  }
}
