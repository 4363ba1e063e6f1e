import type { ChangeBatch } from '../../record/batch.ts';
import { Op } from '../../record/batch.ts';
import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { writeInt64, writeText, writeValue } from '../../record/connect-value.ts';
import { DefaultWriter } from '../../record/default-writer.ts';
import {
  EnvelopeWriter,
  type EventClock,
  fieldWithDefault,
  ImageWriter,
  type RowEvent,
  writeTransaction,
} from '../../record/envelope.ts';
import type { EventForm } from '../../record/event.ts';
import { type Hole, holeOf } from '../../record/hole.ts';
import type { SourceFields } from '../../record/source-fields.ts';
import type { TableSchema } from '../../record/table.ts';
import type { ValueWriter } from '../../record/value.ts';
import { ValueCollector } from '../../record/value-collector.ts';
import type { EventParts } from './event-sketch.ts';

/** Writes one part of a record from the cells of a row. */
export type Step = (batch: ChangeBatch, row: number, event: RowEvent) => void;

/** What the parts of a table's records are written with. */
export interface Materials {
  readonly table: TableSchema;
  readonly form: EventForm;
  readonly parts: EventParts;
  readonly clock: EventClock;
  /** The source block of the event at hand, where `takesFromSource` says that it is needed. */
  readonly source: SourceFields;
  readonly envelopes: Map<ValueWriter, EnvelopeWriter>;
}

/** Writes whole envelopes; all kinds of events with the same writer. */
export function planEnvelope({ table, form, clock, envelopes }: Materials, out: ValueWriter): Step {
  const envelope = envelopes.get(out) ?? new EnvelopeWriter(table, form, out, clock);
  envelopes.set(out, envelope);
  return (batch, row, event) => envelope.write(batch, row, event);
}

/** Writes a value with holes, or a part of one. The value has the form of its schema. */
export function planValue(
  schema: ConnectSchema,
  value: ConnectValue,
  materials: Materials,
  out: ValueWriter,
): Step {
  const hole = holeOf(value);
  if (hole !== undefined) return planHole(hole, materials, out);
  if (!hasHoles(value)) return () => writeValue(schema, value, out);
  const { parts, form } = materials;
  if (value === parts.source)
    return (batch, row, { snapshot }) => form.writeSource(batch, row, snapshot, out);
  if (value === parts.transaction)
    return (_batch, _row, { transaction }) => writeTransaction(transaction, out);
  const fields = planFields(schema, value as ConnectList, materials, out);
  return (batch, row, event) => {
    out.beginStruct();
    for (const step of fields) step(batch, row, event);
    out.endStruct();
  };
}

/** Whether single fields of the source block are in it: then the block has to be read first. */
export function takesFromSource(value: ConnectValue, parts: EventParts): boolean {
  const hole = holeOf(value);
  if (hole !== undefined) return hole.place.in === 'source';
  return value !== parts.source && Array.isArray(value) && value.some((each) => takesFromSource(each, parts));
}

/** Whether this can be written: holes stand in structs only, and no field is missing. */
export function isPlannable(schema: ConnectSchema | null, value: ConnectValue | undefined): boolean {
  if (value === undefined) return false;
  if (holeOf(value) !== undefined) return schema !== null;
  if (!hasHoles(value)) return true;
  const fields = schema?.type === 'struct' ? (schema.fields ?? []) : null;
  if (fields === null || !Array.isArray(value) || value.length !== fields.length) return false;
  return fields.every((field, i) => isPlannable(field.schema, value[i] as ConnectValue | undefined));
}

/** Whether it differs from event to event. */
export function hasHoles(value: ConnectValue | undefined): boolean {
  if (holeOf(value) !== undefined || value === undefined) return true;
  if (value instanceof Map) return [...value].some(([key, each]) => hasHoles(key) || hasHoles(each));
  return Array.isArray(value) && value.some(hasHoles);
}

/** Fields of one image that follow each other are one step. */
function planFields(
  schema: ConnectSchema,
  values: ConnectList,
  materials: Materials,
  out: ValueWriter,
): readonly Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < values.length; ) {
    const run = imageRun(values, i);
    if (run.length === 0) steps.push(planValue(schema.fields![i].schema, values[i], materials, out));
    else steps.push(planImage(run, materials, out));
    i += Math.max(run.length, 1);
  }
  return steps;
}

function imageRun(values: ConnectList, from: number): Hole[] {
  const run: Hole[] = [];
  for (let i = from; i < values.length; i++) {
    const hole = holeOf(values[i]);
    if (hole === undefined || !isOfImage(hole) || (run.length > 0 && !isSameImage(run[0], hole))) break;
    run.push(hole);
  }
  return run;
}

function isOfImage({ place, map }: Hole): boolean {
  return map === undefined && (place.in === 'row' || place.in === 'key');
}

function isSameImage({ place: one }: Hole, { place: other }: Hole): boolean {
  return 'image' in one && 'image' in other && one.in === other.in && one.image === other.image;
}

/** Holes of one image, written within a struct. */
function planImage(holes: readonly Hole[], { table, form }: Materials, out: ValueWriter): Step {
  const first = holes[0].place as { in: 'row' | 'key'; image: 'before' | 'after' };
  const all = first.in === 'row' ? form.fields : form.keyFields;
  const fields = holes.map(({ place, ifNull }) => {
    const field = all[(place as { field: number }).field];
    return ifNull === null ? field : fieldWithDefault(field, ifNull);
  });
  const image = new ImageWriter(table, fields, out);
  const isRow = first.in === 'row';
  if (first.image === 'before')
    return (batch, row) => image.writeFields(batch, batch.before[row], true, -1, false);
  return (batch, row, { op }) =>
    image.writeFields(
      batch,
      batch.after[row],
      false,
      isRow ? batch.before[row] : -1,
      isRow && op === Op.read,
    );
}

/** What a value becomes is made of the value alone, without the rest of its record. */
function planMapped({ map, ...hole }: Hole, materials: Materials, out: ValueWriter): Step {
  const { schema, apply } = map!;
  const collector = new ValueCollector();
  const collect = planHole(hole, materials, collector);
  return (batch, row, event) => {
    collect(batch, row, event);
    writeValue(schema, apply(collector.take()), out);
  };
}

function planHole(hole: Hole, materials: Materials, out: ValueWriter): Step {
  if (hole.map !== undefined) return planMapped(hole, materials, out);
  const { place, schema, ifNull } = hole;
  const to = ifNull === null ? out : new DefaultWriter(out, schema, ifNull);
  switch (place.in) {
    case 'row':
    case 'key':
      return planImage([hole], materials, out);
    case 'source':
      return () => materials.source.write(place.field, to);
    case 'clock':
      return () => materials.clock.write(place.unit, to);
    case 'transaction':
      return (_batch, _row, { transaction }) => {
        if (place.field === 0) writeText(transaction!.id, to);
        else writeInt64(place.field === 1 ? transaction!.totalOrder : transaction!.collectionOrder, to);
      };
  }
}
