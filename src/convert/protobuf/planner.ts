import { ByteBuffer } from '../../base/byte-buffer.ts';
import { invariant } from '../../base/errors.ts';
import { type ConnectSchema, DECIMAL } from '../../record/connect-schema.ts';
import { writeValue } from '../../record/connect-value.ts';
import { decimalScale } from '../decimal.ts';
import { DATE, PACKED, type ProtobufPlan, SINGLE, TIME_OF_DAY, TIMESTAMP } from './plan.ts';
import { type ProtobufStyle, type ProtoField, type ProtoMessage, type Scalar, scalarOf } from './schema.ts';
import { ProtobufWriter } from './writer.ts';

interface Step {
  readonly schema: ConnectSchema;
  tag: number;
  wrapper: number;
  entry: number;
  endsEntry: boolean;
  explicit: boolean;
  form: number;
  nulls: Uint8Array | null;
  child: Step | null;
  next: Step | null;
  owner: Step | null;
}

interface Context {
  readonly steps: Step[];
  readonly style: ProtobufStyle;
}

/** A struct as a message. */
export function planMessage(
  schema: ConnectSchema,
  message: ProtoMessage,
  style: ProtobufStyle,
): ProtobufPlan {
  const context = { steps: [], style };
  addStruct(context, schema, message, 0);
  return encode(context.steps);
}

/** A scalar as the only field of its wrapper. */
export function planScalar(schema: ConnectSchema): ProtobufPlan {
  const steps: Step[] = [];
  addStep(steps, schema, tagOf(1, WIRE_TYPES[scalarOf(schema)]));
  return encode(steps);
}

function addStruct(
  { steps, style }: Context,
  schema: ConnectSchema,
  message: ProtoMessage,
  tag: number,
): Step {
  const step = addStep(steps, schema, tag);
  // Fields of a message are numbered in the order of the struct's.
  const fields = (schema.fields ?? []).map((field, i) => {
    const own = addField({ steps, style }, field.schema, message.fields[i]);
    own.nulls = nullBytes(field.schema, message.fields[i], style);
    return own;
  });
  const end = addStep(steps, schema, 0);
  chain(step, [...fields, end]);
  end.owner = step;
  return step;
}

function addField(context: Context, schema: ConnectSchema, field: ProtoField): Step {
  if (schema.type === 'map') return addMap(context, schema, field);
  if (schema.type === 'array') return addList(context, schema, field);
  return addSingle(context, schema, field);
}

function addSingle(context: Context, schema: ConnectSchema, { number, type, optional }: ProtoField): Step {
  if (type.kind === 'message')
    return addStruct(context, schema, type.message, tagOf(number, LENGTH_DELIMITED));
  const { steps } = context;
  if (type.kind === 'scalar') {
    const step = addStep(steps, schema, tagOf(number, WIRE_TYPES[type.scalar]));
    step.explicit = optional;
    return step;
  }
  if (type.kind === 'wrapper') {
    const step = addStep(steps, schema, tagOf(1, WIRE_TYPES[type.scalar]));
    step.wrapper = tagOf(number, LENGTH_DELIMITED);
    return step;
  }
  const step = addStep(steps, schema, tagOf(number, LENGTH_DELIMITED));
  step.form = FORMS[type.kind] ?? SINGLE;
  return step;
}

function addList(context: Context, schema: ConnectSchema, field: ProtoField): Step {
  const { type } = field;
  const isPacked = type.kind === 'scalar' && WIRE_TYPES[type.scalar] !== LENGTH_DELIMITED;
  const step = addStep(context.steps, schema, isPacked ? tagOf(field.number, LENGTH_DELIMITED) : 0);
  step.form = isPacked ? PACKED : SINGLE;
  const element = addSingle(context, schema.values!, field);
  if (isPacked) element.tag = 0;
  element.explicit = true;
  chain(step, [element, element]);
  element.owner = step;
  return step;
}

function addMap(context: Context, schema: ConnectSchema, { number, type }: ProtoField): Step {
  invariant(type.kind === 'entries', 'a map is a list of entries');
  const step = addStep(context.steps, schema, 0);
  const key = addField(context, schema.keys!, type.message.fields[0]);
  const value = addField(context, schema.values!, type.message.fields[1]);
  key.entry = tagOf(number, LENGTH_DELIMITED);
  // What is null has no field in the entry, whatever its default.
  key.nulls = NOTHING;
  value.nulls = NOTHING;
  value.endsEntry = true;
  chain(step, [key, value, key]);
  key.owner = step;
  return step;
}

function addStep(steps: Step[], schema: ConnectSchema, tag: number): Step {
  const step: Step = {
    schema,
    tag,
    wrapper: 0,
    entry: 0,
    endsEntry: false,
    explicit: false,
    form: SINGLE,
    nulls: null,
    child: null,
    next: null,
    owner: null,
  };
  steps.push(step);
  return step;
}

function chain(parent: Step, steps: readonly Step[]): void {
  parent.child = steps[0];
  for (let i = 1; i < steps.length; i++) steps[i - 1].next = steps[i];
}

/** A default stands for the null of a field, unless it is not to; without one the field is left out. */
function nullBytes(schema: ConnectSchema, field: ProtoField, style: ProtobufStyle): Uint8Array | null {
  const fallback = schema.default ?? null;
  if (fallback === null || style.ignoreDefaultForNullables) return schema.optional ? NOTHING : null;
  const context = { steps: [], style };
  addField(context, schema, field);
  const out = new ByteBuffer(64);
  const writer = new ProtobufWriter(encode(context.steps), NOTHING);
  writer.begin(out);
  writeValue(schema, fallback, writer);
  writer.end();
  return out.view();
}

function encode(steps: readonly Step[]): ProtobufPlan {
  const done = steps.length;
  const numbers = new Map(steps.map((step, i) => [step, i]));
  const numberOf = (step: Step | null) => (step === null ? done : numbers.get(step)!);
  return {
    tag: Int32Array.from(steps, (step) => step.tag),
    wrapper: Int32Array.from(steps, (step) => step.wrapper),
    entry: Int32Array.from(steps, (step) => step.entry),
    endsEntry: Uint8Array.from(steps, (step) => Number(step.endsEntry)),
    explicit: Uint8Array.from(steps, (step) => Number(step.explicit)),
    form: Uint8Array.from(steps, (step) => step.form),
    next: Int32Array.from(steps, (step) => numberOf(step.next)),
    child: Int32Array.from(steps, (step) => numberOf(step.child)),
    owner: Int32Array.from(steps, (step) => (step.owner === null ? -1 : numberOf(step.owner))),
    nulls: steps.map((step) => step.nulls),
    scale: Int32Array.from(steps, ({ schema }) => (schema.name === DECIMAL ? decimalScale(schema) : 0)),
    schemas: steps.map((step) => step.schema),
    done,
  };
}

function tagOf(number: number, wireType: number): number {
  return (number << 3) | wireType;
}

const NOTHING = new Uint8Array(0);
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const WIRE_TYPES: Readonly<Record<Scalar, number>> = {
  int32: VARINT,
  int64: VARINT,
  bool: VARINT,
  float: FIXED32,
  double: FIXED64,
  string: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
};

const FORMS: Readonly<Record<string, number>> = { date: DATE, timeOfDay: TIME_OF_DAY, timestamp: TIMESTAMP };
