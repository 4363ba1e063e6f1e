import type { ConnectSchema } from '../../record/connect-schema.ts';

/**
 * A schema as a walk, as JSON's and Avro's plans: the number of the step is what a writer knows, besides where messages begin
 * whose lengths it does not know yet.
 *
 * A tag is a field's number and the wire type of its values, as it is written; 0 stands for none.
 */
export interface ProtobufPlan {
  /** Before a value. Elements of packed lists have none, they stand behind the list's. */
  readonly tag: Int32Array;
  /** Before the wrapper that a scalar is in. */
  readonly wrapper: Int32Array;
  /** Before the entry that a map's key begins. */
  readonly entry: Int32Array;
  /** 1: the entry ends after the value. */
  readonly endsEntry: Uint8Array;
  /** 1: zero and nothing are different things, so a zero is written. */
  readonly explicit: Uint8Array;
  /** What a step does to its value. */
  readonly form: Uint8Array;
  /** The step after the value, after the beginning of a list, map or struct; the list, map or struct that may end here, or -1. */
  readonly next: Int32Array;
  readonly child: Int32Array;
  readonly owner: Int32Array;
  /** What a null is written as: nothing, or the default; null where it is refused. */
  readonly nulls: readonly (Uint8Array | null)[];
  /** Of decimals. */
  readonly scale: Int32Array;
  readonly schemas: readonly ConnectSchema[];
  readonly done: number;
}

/** The values of `form`. */
export const SINGLE = 0;
export const DATE = 1;
export const TIME_OF_DAY = 2;
export const TIMESTAMP = 3;
export const PACKED = 4;
