import { type ConnectSchema, DECIMAL } from '../../record/connect-schema.ts';
import { decimalScale } from '../decimal.ts';
import { branches, nullBytes } from './bytes.ts';
import { isAvroMap } from './schema.ts';

/** A schema as a walk, as JSON's plan: the number of the step is all of a writer's state. */
export interface AvroPlan {
  /** What a union's branch is written as before a value, -1 for none. */
  readonly branch: Int32Array;
  /** Null instead of a value, or the default of it; null where it is refused. */
  readonly nulls: readonly (Uint8Array | null)[];
  /** The step after the value, after the beginning of a list, map or struct, after its end. */
  readonly next: Int32Array;
  readonly child: Int32Array;
  readonly closed: Int32Array;
  /** Of decimals; -1 for others. */
  readonly scale: Int32Array;
  readonly schemas: readonly ConnectSchema[];
  readonly done: number;
}

interface Step {
  readonly schema: ConnectSchema;
  readonly nulls: Uint8Array | null;
  child: Step | null;
  next: Step | null;
  /** The list, map or struct that may end here. */
  owner: Step | null;
}

export function planAvro(schema: ConnectSchema): AvroPlan {
  const steps: Step[] = [];
  addValue(steps, schema, false);
  const done = steps.length;
  const numbers = new Map(steps.map((step, i) => [step, i]));
  const numberOf = (step: Step | null | undefined) =>
    step === null || step === undefined ? done : numbers.get(step)!;
  return {
    branch: Int32Array.from(steps, branchByte),
    nulls: steps.map((step) => step.nulls),
    next: Int32Array.from(steps, (step) => numberOf(step.next)),
    child: Int32Array.from(steps, (step) => numberOf(step.child)),
    closed: Int32Array.from(steps, (step) => numberOf(step.owner?.next)),
    scale: Int32Array.from(steps, (step) => (step.schema.name === DECIMAL ? decimalScale(step.schema) : -1)),
    schemas: steps.map((step) => step.schema),
    done,
  };
}

/** The branch's number in zigzag; the step that awaits a struct's end has no value. */
function branchByte({ schema }: Step): number {
  const union = branches(schema);
  return union === null ? -1 : union.value * 2;
}

function addValue(steps: Step[], schema: ConnectSchema, isField: boolean): Step {
  const step = addStep(steps, schema, nullBytes(schema, isField));
  if (schema.type === 'struct') {
    const fields = (schema.fields ?? []).map((field) => addValue(steps, field.schema, true));
    const end = addStep(steps, schema, null);
    chain(step, [...fields, end]);
    end.owner = step;
  } else if (schema.type === 'array') {
    const element = addValue(steps, schema.values!, false);
    chain(step, [element, element]);
    element.owner = step;
  } else if (schema.type === 'map') {
    const isEntry = !isAvroMap(schema);
    const key = addValue(steps, schema.keys!, isEntry);
    const value = addValue(steps, schema.values!, isEntry);
    chain(step, [key, value, key]);
    key.owner = step;
  }
  return step;
}

function addStep(steps: Step[], schema: ConnectSchema, nulls: Uint8Array | null): Step {
  const step: Step = { schema, nulls, child: null, next: null, owner: null };
  steps.push(step);
  return step;
}

function chain(parent: Step, steps: readonly Step[]): void {
  parent.child = steps[0];
  for (let i = 1; i < steps.length; i++) steps[i - 1].next = steps[i];
}
