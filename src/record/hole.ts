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
  /** What the value becomes then; absent: it stays. */
  readonly map?: HoleMap;
}

/** What is to be made of a value that is not known yet. */
export interface HoleMap {
  /** Of what it becomes. */
  readonly schema: ConnectSchema;
  /** Of any value of the hole's schema, and of null. Never throws: a value may be dropped before anybody asks for it. */
  apply(value: ConnectValue): ConnectValue;
}

const HOLES = new WeakMap<object, Hole>();

/**
 * A value that is not known yet and may only be moved: a record of such values, given to transforms once, shows where each of
 * them goes in all records of its kind. Looking into it is an error; that it is not null means nothing.
 */
export function makeHole(place: Place, schema: ConnectSchema, ifNull: ConnectValue = null): ConnectValue {
  return tokenOf({ place, schema, ifNull });
}

function tokenOf(hole: Hole): ConnectValue {
  const token = new Proxy(Object.freeze({}), REFUSING);
  HOLES.set(token, hole);
  return token as unknown as ConnectValue;
}

export function holeOf(value: ConnectValue | undefined): Hole | undefined {
  return typeof value === 'object' && value !== null ? HOLES.get(value) : undefined;
}

/** The same place, where a null becomes `ifNull` unless it has become something already. */
export function holeWithDefault(hole: Hole, ifNull: ConnectValue): ConnectValue {
  if (hole.map !== undefined) return mappedHole(hole, hole.map.schema, (value) => value ?? ifNull);
  return makeHole(hole.place, hole.schema, hole.ifNull ?? ifNull);
}

/** The same place, whose value becomes what `apply` makes of it; see `HoleMap`. */
export function mappedHole(hole: Hole, schema: ConnectSchema, apply: HoleMap['apply']): ConnectValue {
  const before = hole.map;
  const map =
    before === undefined ? apply : (value: ConnectValue): ConnectValue => apply(before.apply(value));
  return tokenOf({ ...hole, map: { schema, apply: map } });
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
