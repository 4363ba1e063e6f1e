import type { ConnectSchema } from '../../record/connect-schema.ts';
import { DECIMAL } from '../../record/connect-schema.ts';
import { decimalScale } from '../decimal.ts';
import { isObjectMap, type JsonStyle, jsonString, nullText } from './text.ts';

/**
 * A schema as a walk: one step for each place where a value may come, in typed arrays, so that a writer's whole state is the
 * number of its step. The element of a list is two steps, the first without a comma, that lead to the same inside and on to the
 * second; a map's key likewise. After the last field of a struct comes a step that awaits its end.
 *
 * Texts are in `words`, four bytes to a number and little end first, each from a word of its own on: a writer copies whole
 * words and overwrites what goes too far.
 */
export interface JsonPlan {
  readonly words: Int32Array;
  /** Before a value: comma, field name, colon. Index into `words` and length in bytes, as for the other texts. */
  readonly prefixAt: Int32Array;
  readonly prefixLength: Int32Array;
  /** Prefix and null, or prefix and default. Length -1: a null is refused. */
  readonly nullAt: Int32Array;
  readonly nullLength: Int32Array;
  /** Prefix and opening bracket of a list, map or struct. */
  readonly openAt: Int32Array;
  readonly openLength: Int32Array;
  /** What ends the list, map or struct that the step is in, where it may end. */
  readonly closeAt: Int32Array;
  readonly closeLength: Int32Array;
  /** The step after the value, after an opening bracket, after an end. */
  readonly next: Int32Array;
  readonly child: Int32Array;
  readonly closed: Int32Array;
  /** Of decimals. */
  readonly scale: Int32Array;
  /** By step; what awaits an end has the struct's. */
  readonly schemas: readonly ConnectSchema[];
  /** The step after the whole value. */
  readonly done: number;
}

interface Step {
  readonly schema: ConnectSchema;
  readonly prefix: string;
  readonly nullText: string | null;
  open: string;
  close: string;
  child: Step | null;
  next: Step | null;
  /** The list, map or struct that ends here: what follows it follows then. */
  owner: Step | null;
}

export function planJson(schema: ConnectSchema, style: JsonStyle): JsonPlan {
  const steps: Step[] = [];
  addValue(steps, schema, '', style);
  return encode(steps);
}

function addValue(steps: Step[], schema: ConnectSchema, prefix: string, style: JsonStyle): Step {
  const step = addStep(steps, schema, prefix, nullText(schema, style));
  if (schema.type === 'struct') addFields(steps, step, style);
  else if (schema.type === 'array') addElements(steps, step, style);
  else if (schema.type === 'map') addEntries(steps, step, style);
  return step;
}

function addStep(steps: Step[], schema: ConnectSchema, prefix: string, nullText: string | null): Step {
  const step: Step = {
    schema,
    prefix,
    nullText,
    open: '',
    close: '',
    child: null,
    next: null,
    owner: null,
  };
  steps.push(step);
  return step;
}

/** The same step behind another prefix. */
function addTwin(steps: Step[], step: Step, prefix: string): Step {
  const twin = { ...step, prefix };
  steps.push(twin);
  return twin;
}

function addFields(steps: Step[], struct: Step, style: JsonStyle): void {
  let separator = '{';
  let last: Step | null = null;
  for (const { name, schema } of struct.schema.fields ?? []) {
    const step = addValue(steps, schema, `${separator}${jsonString(name)}:`, style);
    separator = ',';
    if (last === null) struct.child = step;
    else last.next = step;
    last = step;
  }
  const end = addStep(steps, struct.schema, '', null);
  end.close = last === null ? '{}' : '}';
  end.owner = struct;
  if (last === null) struct.child = end;
  else last.next = end;
}

function addElements(steps: Step[], list: Step, style: JsonStyle): void {
  const others = addValue(steps, list.schema.values!, ',', style);
  others.next = others;
  others.owner = list;
  others.close = ']';
  list.open = '[';
  list.child = addTwin(steps, others, '');
}

/** An object where keys are strings, else a list of entries. */
function addEntries(steps: Step[], map: Step, style: JsonStyle): void {
  const { keys, values } = map.schema;
  const isObject = isObjectMap(map.schema, style);
  const { begin, middle, end } = isObject ? OBJECT_ENTRY : LIST_ENTRIES[style.mapEntries];
  const text = nullText(keys!, style);
  const others = isObject
    ? addStep(steps, keys!, ',', text === 'null' ? '"null"' : text)
    : addValue(steps, keys!, `${end},${begin}`, style);
  const value = addValue(steps, values!, middle, style);
  others.next = value;
  value.next = others;
  others.owner = map;
  const close = isObject ? '}' : ']';
  others.close = `${end}${close}`;
  const first = addTwin(steps, others, begin);
  first.close = close;
  map.open = isObject ? '{' : '[';
  map.child = first;
}

const OBJECT_ENTRY = { begin: '', middle: ':', end: '' };
const LIST_ENTRIES = {
  pairs: { begin: '[', middle: ',', end: ']' },
  objects: { begin: '{"key":', middle: ',"value":', end: '}' },
};

function encode(steps: readonly Step[]): JsonPlan {
  const done = steps.length;
  const numbers = new Map(steps.map((step, i) => [step, i]));
  const numberOf = (step: Step | null | undefined) =>
    step === null || step === undefined ? done : numbers.get(step)!;
  const texts = new Texts();
  const prefixes = texts.add(steps.map((step) => step.prefix));
  const nulls = texts.add(
    steps.map(({ prefix, nullText }) => (nullText === null ? null : prefix + nullText)),
  );
  const opens = texts.add(steps.map((step) => step.prefix + step.open));
  const closes = texts.add(steps.map((step) => step.close));
  return {
    words: texts.words(),
    prefixAt: prefixes.at,
    prefixLength: prefixes.length,
    nullAt: nulls.at,
    nullLength: nulls.length,
    openAt: opens.at,
    openLength: opens.length,
    closeAt: closes.at,
    closeLength: closes.length,
    next: Int32Array.from(steps, (step) => numberOf(step.next)),
    child: Int32Array.from(steps, (step) => numberOf(step.child)),
    closed: Int32Array.from(steps, (step) => numberOf(step.owner?.next)),
    scale: Int32Array.from(steps, ({ schema }) => (schema.name === DECIMAL ? decimalScale(schema) : 0)),
    schemas: steps.map((step) => step.schema),
    done,
  };
}

class Texts {
  readonly #words: number[] = [];

  /** Where each text is; null has length -1. */
  add(texts: readonly (string | null)[]): { at: Int32Array; length: Int32Array } {
    const at = new Int32Array(texts.length);
    const length = new Int32Array(texts.length).fill(-1);
    texts.forEach((text, i) => {
      if (text === null) return;
      const bytes = Buffer.from(text);
      at[i] = this.#words.length;
      length[i] = bytes.length;
      for (let j = 0; j < bytes.length; j += 4) {
        this.#words.push(
          bytes[j] | ((bytes[j + 1] ?? 0) << 8) | ((bytes[j + 2] ?? 0) << 16) | ((bytes[j + 3] ?? 0) << 24),
        );
      }
    });
    return { at, length };
  }

  words(): Int32Array {
    return Int32Array.from(this.#words);
  }
}
