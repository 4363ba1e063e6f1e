import { invariant } from '../base/errors.ts';
import type { ConnectSchema, ConnectValue } from './connect-schema.ts';

/** Where in an event of a table's row a value will be found. */
export type Place =
  | { readonly in: 'row' | 'key'; readonly image: 'before' | 'after'; readonly field: number }
  | { readonly in: 'source' | 'transaction'; readonly field: number }
  | { readonly in: 'clock'; readonly unit: 'ms' | 'us' | 'ns' };

/** A place in a record that is filled for each event. */
export interface Hole {
  readonly place: Place;
  readonly schema: ConnectSchema;
  /** Instead of a null that is found there. */
  readonly ifNull: ConnectValue;
}

const HOLES = new WeakMap<object, Hole>();

/**
 * A value that is not known yet and may only be moved: a record of such values, given to transforms once, shows where each of
 * them goes in all records of its kind. Looking into it is an error; that it is not null means nothing.
 */
export function makeHole(place: Place, schema: ConnectSchema, ifNull: ConnectValue = null): ConnectValue {
  const token = new Proxy(Object.freeze({}), REFUSING);
  HOLES.set(token, { place, schema, ifNull });
  return token as unknown as ConnectValue;
}

export function holeOf(value: ConnectValue | undefined): Hole | undefined {
  return typeof value === 'object' && value !== null ? HOLES.get(value) : undefined;
}

/** The same place, where a null becomes `ifNull` unless it has become something already. */
export function holeWithDefault(hole: Hole, ifNull: ConnectValue): ConnectValue {
  return makeHole(hole.place, hole.schema, hole.ifNull ?? ifNull);
}

const REFUSING: ProxyHandler<object> = {
  get: refuse,
  has: refuse,
  getPrototypeOf: refuse,
  getOwnPropertyDescriptor: refuse,
  ownKeys: refuse,
};

function refuse(): never {
  invariant(false, 'a value that is not there yet was looked at');
}
