import type { Log } from '../base/log.ts';
import type { ConnectRecord } from '../record/connect-record.ts';
import type { Options, Properties } from './options.ts';

/** One configured single message transform. */
export interface Transform {
  /** Null drops the record. @throws IcestreamError transform.*: the record cannot be transformed */
  apply(record: ConnectRecord): ConnectRecord | null;
}

/** One configured predicate. */
export interface Predicate {
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
