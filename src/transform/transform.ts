import type { Log } from '../base/log.ts';
import type { ConnectRecord, Transformed } from '../record/connect-record.ts';
import type { Options, Properties } from './options.ts';

/**
 * What decides on the outcome: `frame`, the topic, the partition and the names of headers; `shape`, also schemas, and which of
 * key, value and the structs in them are null; `values`, anything. Under `shape` values are moved, copied or left out, and a
 * null may become its field's default (`orDefault`), but none is looked at: then one record with holes in place of its
 * values (record/hole.ts) tells what becomes of all that have its shape.
 */
export type Sight = 'frame' | 'shape' | 'values';

/** One configured single message transform. */
export interface Transform {
  /** Absent: `values`. */
  readonly sees?: Sight;
  /**
   * Null drops the record; a promise: something has to be looked up first.
   * @throws IcestreamError transform.*: the record cannot be transformed
   */
  apply(record: ConnectRecord): Transformed | Promise<Transformed>;
}

/**
 * Runs statements on a connection of their own to the database that `config` names with the source's properties
 * (`database.hostname` and the like); the rows of each as lists of values.
 * @throws IcestreamError of the source's kind
 */
export type QueryDatabase = (
  config: Properties,
  statements: readonly string[],
) => Promise<readonly (readonly (readonly unknown[])[])[]>;

/** What transforms are given to live with. */
export interface TransformContext {
  /** Is told what is left out of the stream, or passed on as it is, without being an error. */
  readonly log?: Log;
  /** Absent where the source has no such thing. */
  readonly query?: QueryDatabase;
}

/** One configured predicate. */
export interface Predicate {
  /** As a transform's. */
  readonly sees?: Sight;
  test(record: ConnectRecord): boolean;
}

/** What transform/registry.ts lists by Java class name. */
export interface TransformDefinition {
  /** Its properties without the prefix `transforms.<alias>.`; readers of a configuration list and check them. */
  readonly options: Options;
  /** What no property alone can be blamed for, checked before anything runs: a message, or null. */
  readonly check?: (config: Properties) => string | null;
  /**
   * `config` without the prefix `transforms.<alias>.`.
   * @throws IcestreamError config.invalid with Connect's own text
   */
  create(config: Properties, context?: TransformContext): Transform;
}

export interface PredicateDefinition {
  readonly options: Options;
  create(config: Properties): Predicate;
}
