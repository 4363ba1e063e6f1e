import { align } from './align.ts';
import { type MaskedRecord, maskRecords } from './masked-record.ts';
import type { Recording } from './recording.ts';
import { Relations } from './relations.ts';

export interface Difference {
  /** With `<prefix>` for the topic prefix; empty for what concerns them all. */
  readonly topic: string;
  /** A leaf, `value.payload.after.c_int`; array indexes are left out. Empty for a whole record. */
  readonly path: string;
  readonly kind:
    | 'changed'
    | 'only left'
    | 'only right'
    | 'record only left'
    | 'record only right'
    | 'record in another place'
    | 'other bytes'
    | 'does not correspond'
    | 'in another order'
    | 'another precision';
  readonly example: string;
}

export interface Comparison {
  /** Records on each side, heartbeats aside, which come by the clock. */
  readonly left: number;
  readonly right: number;
  readonly compared: number;
  readonly equal: number;
  readonly differences: readonly Difference[];
}

const HEARTBEAT = /^__debezium-heartbeat\./;

/**
 * Compares two recordings of one scenario, per topic and partition, byte for byte but for what mask.ts names. Heartbeats
 * come by the clock: of them only which forms occur is compared.
 */
export function compare(left: Recording, right: Recording): Comparison {
  const [a, b] = [byPartition(left), byPartition(right)];
  const differences: Difference[] = [];
  const relations = new Relations();
  const precision = new Precision();
  const counts = { left: 0, right: 0, compared: 0, equal: 0 };
  for (const place of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [one, other] = [a.get(place) ?? [], b.get(place) ?? []];
    if (HEARTBEAT.test(place)) {
      differences.push(...compareForms(place, one, other));
      continue;
    }
    counts.left += one.length;
    counts.right += other.length;
    const aligned = align(one, other, (it) => it.text, alike);
    for (const [x, y] of aligned.pairs.sort(([x], [y]) => x.record.offset - y.record.offset)) {
      const found = compareRecords(place, x, y, relations);
      precision.add(x, y);
      counts.compared++;
      if (found.length === 0) counts.equal++;
      differences.push(...found);
    }
    differences.push(...unpaired(place, aligned.onlyLeft, aligned.onlyRight));
  }
  for (const { class: idClass, text } of relations.disorder())
    differences.push({ topic: '', path: idClass, kind: 'in another order', example: text });
  differences.push(...precision.differences());
  return { ...counts, differences };
}

/** A report to read: the counts, then differences by topic and path with a few examples each. */
export function describe(comparison: Comparison, examples = 3): string {
  const { left, right, compared, equal, differences } = comparison;
  const groups = Map.groupBy(differences, (it) => `${it.topic || '(all topics)'} ${it.path}: ${it.kind}`);
  const lines = [
    `${left} and ${right} records, ${compared} compared, ${equal} equal, ${differences.length} differences`,
  ];
  for (const [group, found] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`  ${group}, ${found.length} times`);
    for (const { example } of found.slice(0, examples)) lines.push(`      ${example}`);
  }
  return lines.join('\n');
}

function byPartition(recording: Recording): Map<string, MaskedRecord[]> {
  return Map.groupBy(maskRecords(recording), ({ topic, record }) =>
    record.partition === 0 ? topic : `${topic} partition ${record.partition}`,
  );
}

/** What two records have in common that differ only in values: key and operation. */
function alike(record: MaskedRecord): string {
  const { leaves } = record;
  const op = leaves.get('value.payload.op') ?? leaves.get('value.op') ?? leaves.get('value.payload.status');
  return `${record.key} ${op ?? leaves.get('value') ?? ''}`;
}

function compareForms(topic: string, left: MaskedRecord[], right: MaskedRecord[]): Difference[] {
  const [a, b] = [left, right].map((side) => Map.groupBy(side, (it) => it.text));
  const missing = (these: typeof a, others: typeof a, kind: Difference['kind']): Difference[] =>
    [...these!]
      .filter(([text]) => !others!.has(text))
      .map(([text, [first]]) => ({
        topic,
        path: '',
        kind,
        example: `#${first!.record.offset} ${text.slice(-300)}`,
      }));
  return [...missing(a, b, 'record only left'), ...missing(b, a, 'record only right')];
}

function unpaired(topic: string, left: MaskedRecord[], right: MaskedRecord[]): Difference[] {
  const extra = [...right];
  const found: Difference[] = [];
  for (const record of left) {
    const index = extra.findIndex((it) => it.text === record.text);
    found.push(lone(topic, index < 0 ? 'record only left' : 'record in another place', record));
    if (index >= 0) extra.splice(index, 1);
  }
  return [...found, ...extra.map((record) => lone(topic, 'record only right', record))];
}

function lone(topic: string, kind: Difference['kind'], record: MaskedRecord): Difference {
  const payload = (text: string) => text.slice(text.indexOf('"payload":') + 1).slice(0, 160);
  const value = record.record.valueRaw ?? record.leaves.get('value') ?? '';
  const example = `#${record.record.offset} key ${payload(record.key)} value ${payload(value)}`;
  return { topic, path: '', kind, example };
}

function compareRecords(topic: string, a: MaskedRecord, b: MaskedRecord, relations: Relations): Difference[] {
  const place = `#${a.record.offset}`;
  const found = [...leafDifferences(topic, place, a, b)];
  if (a.text !== b.text && found.length === 0)
    found.push({ topic, path: '', kind: 'other bytes', example: `${place} ${both(a.text, b.text)}` });
  if (a.text !== b.text) return found;
  for (const [index, reference] of a.references.entries()) {
    const conflict = relations.pair(reference, b.references[index]!);
    if (conflict !== null)
      found.push({
        topic,
        path: plain(reference.path),
        kind: 'does not correspond',
        example: `${place} ${conflict}`,
      });
  }
  return found;
}

function* leafDifferences(
  topic: string,
  place: string,
  a: MaskedRecord,
  b: MaskedRecord,
): Generator<Difference> {
  for (const path of new Set([...a.leaves.keys(), ...b.leaves.keys()])) {
    const [one, other] = [a.leaves.get(path), b.leaves.get(path)];
    if (one === other) continue;
    const kind = other === undefined ? 'only left' : one === undefined ? 'only right' : 'changed';
    const example = kind === 'changed' ? both(one!, other!) : (one ?? other)!.slice(0, 200);
    yield { topic, path: plain(path), kind, example: `${place} ${example}` };
  }
}

/** A path without indexes, so that differences of all items fall into one group. */
function plain(path: string): string {
  return path.replace(/\.\[(\d+)\]/g, '.[]');
}

/** Both texts, long ones cut to what surrounds the first character that differs. */
function both(one: string, other: string): string {
  const width = 80;
  if (one.length <= 2 * width && other.length <= 2 * width) return `${one} | ${other}`;
  let at = 0;
  while (one[at] === other[at]) at++;
  const start = Math.max(0, at - width);
  return `…${one.slice(start, at + width)} | …${other.slice(start, at + width)}`;
}

/** Among fewer different times, each one may end in zeros by chance. */
const TIMES_TO_JUDGE = 3;

/**
 * How fine times are, which masking hides: nanoseconds that always end in 000 on one side and not on the other were made
 * of another clock.
 */
class Precision {
  readonly #times = new Map<string, readonly [Set<string>, Set<string>]>();

  add(a: MaskedRecord, b: MaskedRecord): void {
    for (const [path, time] of a.times) {
      const other = b.times.get(path);
      if (other === undefined || a.leaves.get(path) !== b.leaves.get(path)) continue;
      const sides = this.#times.get(path) ?? [new Set(), new Set()];
      sides[0].add(time);
      sides[1].add(other);
      this.#times.set(path, sides);
    }
  }

  *differences(): Generator<Difference> {
    for (const [path, sides] of this.#times) {
      if (sides.some((side) => side.size < TIMES_TO_JUDGE)) continue;
      const [left, right] = sides.map((side) => Math.min(...[...side].map(trailingZeros)));
      const example = `times end in ${left} | ${right} zeros at least`;
      if (left !== right) yield { topic: '', path: plain(path), kind: 'another precision', example };
    }
  }
}

/** In groups of three: what a unit that is a thousand times coarser leaves. */
function trailingZeros(time: string): number {
  return 3 * Math.floor(/0*$/.exec(time)![0].length / 3);
}
