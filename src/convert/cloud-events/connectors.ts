import { IcestreamError } from '../../base/errors.ts';
import { fieldOf, type Struct } from './metadata.ts';

/** How a database's events become CloudEvents. */
export interface CloudEventsMaker {
  /** Fields of the envelope that are the data. */
  readonly data: readonly string[];
  /** The event's identity, of fields of the source block as texts. */
  id(source: (name: string) => string): string;
}

/** By `connector` of the source block (Debezium's CloudEventsMaker of each connector). */
const MAKERS: Readonly<Record<string, CloudEventsMaker>> = {
  postgresql: {
    data: ['before', 'after'],
    id: (source) =>
      `name:${source('name')};lsn:${source('lsn')};txId:${source('txId')};sequence:${source('sequence')}`,
  },
};

export function connectorOf(source: Struct): CloudEventsMaker {
  const connector = String(fieldOf(source, 'connector'));
  if (Object.hasOwn(MAKERS, connector)) return MAKERS[connector];
  throw new IcestreamError(
    'convert.schema',
    `No usable CloudEvents converters for connector type "${connector}"`,
  );
}
