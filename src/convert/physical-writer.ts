import { invariant } from '../base/errors.ts';
import type { ValueWriter } from '../record/value.ts';

/**
 * The calls of a ValueWriter that no Connect schema asks for: what a database's codec says of times, intervals and uuids has
 * become text or a number before it reaches a converter.
 */
export abstract class PhysicalWriter {
  uuid: ValueWriter['uuid'] = refuse;
  date: ValueWriter['date'] = refuse;
  time: ValueWriter['time'] = refuse;
  timetz: ValueWriter['timetz'] = refuse;
  timestamp: ValueWriter['timestamp'] = refuse;
  interval: ValueWriter['interval'] = refuse;
  special: ValueWriter['special'] = refuse;
}

function refuse(): never {
  invariant(false, 'a converter is given physical values only');
}
