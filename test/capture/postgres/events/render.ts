import { ByteBuffer } from '../../../../src/base/byte-buffer.ts';
import type { Converter, SchemaWriter } from '../../../../src/convert/converter.ts';
import { jsonConverter } from '../../../../src/convert/json/index.ts';
import { type ChangeBatch, Op } from '../../../../src/record/batch.ts';
import { EnvelopeWriter, ImageWriter } from '../../../../src/record/envelope.ts';
import type { EventForms, SnapshotMarker } from '../../../../src/record/event.ts';

/** One event as JsonConverter writes it with schemas. */
export interface RenderedEvent {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string;
}

const JSON_CONVERTER: Converter = jsonConverter.create({}, false);

/** The events of a batch's rows; a row whose key changes is a delete and a create. */
export async function renderEvents(
  batch: ChangeBatch,
  forms: EventForms,
  snapshot: SnapshotMarker,
): Promise<RenderedEvent[]> {
  const events: RenderedEvent[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    const table = batch.tables[batch.tableOf[row]];
    const op = batch.op[row];
    if (op === Op.message) continue;
    const form = forms.of(table);
    const before = batch.before[row];
    const after = batch.after[row];
    const out = await JSON_CONVERTER.writer(form.topic, form.envelope);
    const envelope = new EnvelopeWriter(table, form, out);
    const keyOf = async (cell: number, isBefore: boolean): Promise<string | null> => {
      if (form.key === null || cell < 0) return null;
      const writer = await JSON_CONVERTER.writer(form.topic, form.key);
      return written(writer, () =>
        new ImageWriter(table, form.keyFields, writer).write(batch, cell, isBefore),
      );
    };
    const event = async (op: number, before: number, after: number): Promise<void> => {
      const value = written(out, () =>
        envelope.write(batch, row, { op, before, after, snapshot, transaction: null }),
      );
      const key = after >= 0 ? await keyOf(after, false) : await keyOf(before, true);
      events.push({ topic: form.topic, key, value });
    };
    const isMove =
      op === Op.update && before >= 0 && (await keyOf(before, true)) !== (await keyOf(after, false));
    if (isMove) {
      await event(Op.delete, before, -1);
      await event(Op.create, -1, after);
    } else await event(op, before, after);
  }
  return events;
}

function written(writer: SchemaWriter, write: () => void): string {
  const bytes = new ByteBuffer();
  writer.begin(bytes);
  write();
  writer.end();
  return bytes.view().toString('utf8');
}

/** Without what no two runs have in common: the source block's ids, times of the clock, also those in rows, and random ids. */
export function comparable(value: string): string {
  return value
    .replace(/"source":\{"version".*?\},"transaction":(?:null|\{[^}]*\})/, '"source":{}')
    .replace(/,"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+\}/, '}')
    .replace(/"(c_(?:u005f)?now|extra|d19|d22|d23|d25|d26|d30|d33)":("[^"]*"|\d+)/g, '"$1":"now"')
    .replace(/"c_tstz":"20(?:2[5-9]|[3-9]\d)-[^"]*"/, '"c_tstz":"now"');
}
