import { columnOf, eventOf, events } from './event.ts';
import { type Case, caseList, int32, plain, string, tombstone } from './record.ts';

const { cases, debezium } = caseList();

const described = eventOf({
  id: int32(columnOf('id', 'INT4', { length: '10', scale: '0' })),
  title: string({
    default: 'none',
    ...columnOf('Title', 'VARCHAR', { length: '40', comment: 'what it is' }),
  }),
});
const describedEvents = {
  create: described('c', null, { id: 1, title: null }),
  update: described('u', { id: 1, title: 'a' }, { id: 1, title: 'b' }),
  delete: described('d', { id: 1, title: 'a' }, null),
  truncate: described('t', null, null),
  'no types': events.update,
  tombstone,
  other: plain,
};
debezium('ExtractSchemaToNewRecord', {}, describedEvents);
debezium('ExtractSchemaToNewRecord', { 'schema.name.adjustment.mode': 'avro' }, describedEvents);

export const SOURCE_TYPES_CASES: readonly Case[] = cases;
