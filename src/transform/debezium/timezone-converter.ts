import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { TIMESTAMP } from '../kafka/temporal.ts';
import { invalid, list, readOptions, text } from '../options.ts';
import { fieldIndex, perSchema } from '../schema.ts';
import type { TransformDefinition } from '../transform.ts';
import { isEnvelope } from './envelope.ts';
import { parseZonedTime, parseZonedTimestamp, zonedTimestampText, zonedTimeText } from './iso-offset.ts';
import { type TimeZone, timeZone } from './time-zone.ts';
import { type FieldChoice, parseRules } from './timezone-rules.ts';

const OPTIONS = {
  'converted.timezone': text(null, { importance: 'HIGH' }),
  'include.list': list({ importance: 'HIGH' }),
  'exclude.list': list({ importance: 'HIGH' }),
};

type Convert = (value: ConnectValue) => ConnectValue;

/** io.debezium.transforms.TimezoneConverter: times with a date in another zone, in before, after and, if named, source. */
export const timezoneConverter: TransformDefinition = {
  options: OPTIONS,
  create(config) {
    const options = readOptions(OPTIONS, config);
    const name = options['converted.timezone'] ?? '';
    const zone = timeZone(name);
    if (zone === null) {
      throw invalid(
        'Invalid timezone format: a geographic timezone (America/Los_Angeles) or a UTC offset (+08:00) is expected.',
        'converted.timezone',
      );
    }
    const rules = parseRules(options['include.list'], options['exclude.list']);
    const plans = perSchema(() => new Map<string, Plan>());
    return {
      apply(record) {
        if (record.value === null || !isEnvelope(record)) return record;
        const envelope = record.value as ConnectList;
        const schema = record.valueSchema!;
        const table = tableOf(schema, envelope);
        const known = plans(schema);
        const id = `${record.topic}\n${table ?? ''}`;
        let plan = known.get(id);
        if (plan === undefined) {
          plan = planEnvelope(schema, rules(table, record.topic), zone);
          known.set(id, plan);
        }
        return plan.blocks.length === 0 ? record : { ...record, value: convertAll(envelope, plan) };
      },
    };
  },
};

interface Plan {
  readonly blocks: readonly { readonly index: number; readonly cells: readonly (Convert | null)[] }[];
}

function tableOf(schema: ConnectSchema, envelope: ConnectList): string | null {
  const at = fieldIndex(schema, 'source');
  if (at < 0 || envelope[at] === null) return null;
  const table = fieldIndex(schema.fields![at].schema, 'table');
  return table < 0 ? null : ((envelope[at] as ConnectList)[table] as string | null);
}

function planEnvelope(schema: ConnectSchema, choice: FieldChoice | null, zone: TimeZone): Plan {
  if (choice === null) return { blocks: [] };
  const blocks = (['before', 'after', 'source'] as const).flatMap((block) => {
    const index = fieldIndex(schema, block);
    if (index < 0) return [];
    const cells = schema.fields![index].schema.fields!.map((field) =>
      choice(block, field.name)
        ? converterOf(field.schema, block === 'source' ? field.name : null, zone)
        : null,
    );
    return cells.some((convert) => convert !== null) ? [{ index, cells }] : [];
  });
  return { blocks };
}

function convertAll(envelope: ConnectList, { blocks }: Plan): ConnectValue[] {
  const converted = [...envelope];
  for (const { index, cells } of blocks) {
    const struct = envelope[index] as ConnectList | null;
    if (struct === null) continue;
    converted[index] = struct.map((value, i) => (value === null ? null : (cells[i]?.(value) ?? value)));
  }
  return converted;
}

const EPOCH_UNITS: Readonly<Record<string, bigint>> = {
  ts_ms: 1000n,
  ts_us: 1_000_000n,
  ts_ns: 1_000_000_000n,
};
/** Units per second of counts since 1970. */
const COUNTS: Readonly<Record<string, bigint>> = {
  'io.debezium.time.Timestamp': 1000n,
  'io.debezium.time.MicroTimestamp': 1_000_000n,
  'io.debezium.time.NanoTimestamp': 1_000_000_000n,
  [TIMESTAMP]: 1000n,
};

/** Null: nothing of this schema is converted. */
function converterOf({ name }: ConnectSchema, sourceField: string | null, zone: TimeZone): Convert | null {
  if (name === undefined) {
    const units = EPOCH_UNITS[sourceField ?? ''];
    if (units === undefined) return null;
    // An instant is moved by the zone's offset, a wall-clock time the other way: so does Debezium.
    return (value) => (value as bigint) + BigInt(zone.offsetAt(millisOf(value as bigint, units))) * units;
  }
  const units = COUNTS[name];
  if (units !== undefined)
    return (value) =>
      (value as bigint) - BigInt(zone.offsetAtLocal(millisOf(value as bigint, units))) * units;
  if (name === 'io.debezium.time.ZonedTimestamp') return (value) => moveTimestamp(value as string, zone);
  return name === 'io.debezium.time.ZonedTime' ? (value) => moveTime(value as string, zone) : null;
}

function millisOf(value: bigint, unitsPerSecond: bigint): number {
  return Number((value * 1000n) / unitsPerSecond);
}

function moveTimestamp(text: string, zone: TimeZone): string {
  const { localMillis, fraction, offset: old } = parseZonedTimestamp(text);
  // The offset is looked up by the time as it stands in the text, in whatever zone that is.
  const offset = zone.offsetAtLocal(localMillis);
  return zonedTimestampText({ localMillis: localMillis + (offset - old) * 1000, fraction, offset });
}

const DAY_MS = 86_400_000;

/** A time has no date: today's offset holds. */
function moveTime(text: string, zone: TimeZone): string {
  const { localMillis, fraction, offset: old } = parseZonedTime(text);
  const offset = zone.offsetAt(Date.now());
  const moved = localMillis + (offset - old) * 1000;
  return zonedTimeText({ localMillis: ((moved % DAY_MS) + DAY_MS) % DAY_MS, fraction, offset });
}
