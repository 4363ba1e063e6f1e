import type { Log } from '../base/log.ts';
import type { ConnectRecord } from '../record/connect-record.ts';
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
  /** Null drops the record. @throws IcestreamError transform.*: the record cannot be transformed */
  apply(record: ConnectRecord): ConnectRecord | null;
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
   * `config` without the prefix `transforms.<alias>.`; `log` is told what is left out of the stream without being an error.
   * @throws IcestreamError config.invalid with Connect's own text
   */
  create(config: Properties, log?: Log): Transform;
}

export interface PredicateDefinition {
  readonly options: Options;
  create(config: Properties): Predicate;
}
