import { ByteBuffer } from '../../base/byte-buffer.ts';
import type { SchemaWriter } from '../../convert/converter.ts';
import { ConstantBytes } from '../../kafka/crc.ts';
import type { ChangeBatch } from '../../record/batch.ts';
import type { ConnectHeader, ConnectRecord } from '../../record/connect-record.ts';
import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import type { RowEvent } from '../../record/envelope.ts';
import { holeOf } from '../../record/hole.ts';
import { ValueCollector } from '../../record/value-collector.ts';
import { beginHeaders, encodeHeaders, type Header, writeHeader } from './headers.ts';
import type { SchemaWriters } from './schema-writers.ts';
import type { RecordTarget } from './table-events.ts';
import {
  hasHoles,
  type Materials,
  planEnvelope,
  planValue,
  type Step,
  takesFromSource,
} from './value-plan.ts';

/** Writers of keys, values and headers. */
export interface PartWriters {
  readonly key: SchemaWriters;
  readonly value: SchemaWriters;
  readonly header: SchemaWriters;
}

/** Makes the bytes of one part of a record, valid until it is asked again. */
type Encode = (batch: ChangeBatch, row: number, event: RowEvent) => Uint8Array | null;

/** Everything that had to be waited for is there: makes the parts when the first record comes, which it may never do. */
type Build = () => Encode;

/** Writes all records of one table that have the same shape, from cells. */
export class RecordWriter {
  readonly topic: string;
  readonly #builds: readonly Build[];
  readonly #materials: Materials;
  readonly #takesFromSource: boolean;
  /** What all values begin with, and `#value` does not make. */
  readonly #valueHead: ConstantBytes | null;
  #headers: Encode | null = null;
  #key: Encode = nothing;
  #value: Encode = nothing;

  private constructor(
    record: ConnectRecord,
    materials: Materials,
    valueHead: ConstantBytes | null,
    builds: readonly Build[],
  ) {
    this.topic = record.topic;
    this.#builds = builds;
    this.#valueHead = valueHead;
    this.#materials = materials;
    const values = [record.key, record.value, ...record.headers.map(({ value }) => value)];
    this.#takesFromSource = values.some((value) => takesFromSource(value, materials.parts));
  }

  /**
   * @param record with holes for values
   * @param original its value before transforms
   * @throws IcestreamError convert.*
   */
  static async open(
    record: ConnectRecord,
    original: ConnectValue,
    materials: Materials,
    writers: PartWriters,
  ): Promise<RecordWriter> {
    const { topic, keySchema, key, valueSchema, value } = record;
    const head = await headOf(record, writers.value);
    const how = { isEnvelope: value === original, headless: head !== null };
    return new RecordWriter(record, materials, head, [
      await openHeaders(topic, record.headers, materials, writers.header),
      await openPart(topic, keySchema, key, materials, writers.key),
      await openPart(topic, valueSchema, value, materials, writers.value, how),
    ]);
  }

  send(batch: ChangeBatch, row: number, event: RowEvent, target: RecordTarget): void {
    if (this.#headers === null)
      [this.#headers, this.#key, this.#value] = this.#builds.map((build) => build());
    if (this.#takesFromSource) {
      const { form, source } = this.#materials;
      form.writeSource(batch, row, event.snapshot, source);
    }
    const headers = this.#headers(batch, row, event)!;
    const key = this.#key(batch, row, event);
    target.send(this.topic, key, this.#value(batch, row, event), headers, null, this.#valueHead);
  }
}

async function openPart(
  topic: string,
  schema: ConnectSchema | null,
  value: ConnectValue,
  materials: Materials,
  writers: SchemaWriters,
  { isEnvelope, headless } = { isEnvelope: false, headless: false },
): Promise<Build> {
  const { converter } = writers;
  if (value === null) return constant(await converter.nothing(topic, schema));
  if (schema === null) return constant(await converter.convert(topic, schema, value));
  const writer = await writers.of(topic, schema);
  if (holeOf(value) !== undefined) {
    const ofNull = await later(() => converter.nothing(topic, schema));
    return () => fieldEncode(schema, value, ofNull, materials, writer);
  }
  return () => {
    const step = isEnvelope ? planEnvelope(materials, writer) : planValue(schema, value, materials, writer);
    return encode(step, writer, headless);
  };
}

/** What a record's values all begin with, where that is long. */
async function headOf(
  { topic, valueSchema, value }: ConnectRecord,
  writers: SchemaWriters,
): Promise<ConstantBytes | null> {
  if (value === null || valueSchema === null || holeOf(value) !== undefined) return null;
  const { head } = await writers.of(topic, valueSchema);
  return head === undefined || head.length < HEAD_BYTES_MIN ? null : new ConstantBytes(head);
}

/** From here on it costs less to keep a constant apart than to copy it and go through it for the crc. */
const HEAD_BYTES_MIN = 512;

const nothing: Encode = () => null;

function constant(bytes: Uint8Array | null): Build {
  return () => () => bytes;
}

function encode(step: Step, writer: SchemaWriter, headless = false): Encode {
  const out = new ByteBuffer(256);
  return (batch, row, event) => {
    out.clear();
    writer.begin(out, headless);
    step(batch, row, event);
    writer.end();
    return out.view();
  };
}

/** One field as the whole: it may turn out to be null, which is no value then. */
function fieldEncode(
  schema: ConnectSchema,
  value: ConnectValue,
  ofNull: () => Uint8Array | null,
  materials: Materials,
  writer: SchemaWriter,
): Encode {
  const collector = new ValueCollector();
  const collect = planValue(schema, value, materials, collector);
  let collected: ConnectValue = null;
  const written = encode(() => writeValue(schema, collected, writer), writer);
  return (batch, row, event) => {
    collect(batch, row, event);
    collected = collector.take();
    return collected === null ? ofNull() : written(batch, row, event);
  };
}

async function openHeaders(
  topic: string,
  headers: readonly ConnectHeader[],
  materials: Materials,
  writers: SchemaWriters,
): Promise<Build> {
  if (headers.some(({ value }) => hasHoles(value))) {
    const builds: Build[] = [];
    for (const header of headers) builds.push(await openHeader(topic, header, materials, writers));
    const names = headers.map(({ name }) => Buffer.from(name, 'utf8'));
    return () => headersEncode(names, builds);
  }
  const constants: Header[] = [];
  for (const { name, schema, value } of headers)
    constants.push({ name, value: await writers.converter.convert(topic, schema, value) });
  return constant(encodeHeaders(constants));
}

async function openHeader(
  topic: string,
  { schema, value }: ConnectHeader,
  materials: Materials,
  writers: SchemaWriters,
): Promise<Build> {
  const { converter } = writers;
  if (!hasHoles(value) || schema === null) return constant(await converter.convert(topic, schema, value));
  const writer = await writers.of(topic, schema);
  if (holeOf(value) === undefined) return () => encode(planValue(schema, value, materials, writer), writer);
  const ofNull = await later(() => converter.convert(topic, schema, null));
  return () => fieldEncode(schema, value, ofNull, materials, writer);
}

/** What is refused is refused when it is needed. */
async function later(
  make: () => Uint8Array | null | Promise<Uint8Array | null>,
): Promise<() => Uint8Array | null> {
  try {
    const bytes = await make();
    return () => bytes;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function headersEncode(names: readonly Uint8Array[], builds: readonly Build[]): Encode {
  const encodes = builds.map((build) => build());
  const out = new ByteBuffer(256);
  return (batch, row, event) => {
    out.clear();
    beginHeaders(names.length, out);
    for (let i = 0; i < names.length; i++) writeHeader(names[i], encodes[i](batch, row, event), out);
    return out.view();
  };
}
