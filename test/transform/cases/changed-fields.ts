import { events } from './event.ts';
import { type Case, caseList, DEBEZIUM, tombstone } from './record.ts';

const { cases, debezium } = caseList();

const changedHeaders = { 'header.changed.name': 'changed', 'header.unchanged.name': 'unchanged' };
debezium('ExtractChangedRecordState', changedHeaders, events);
debezium('ExtractChangedRecordState', { 'header.changed.name': 'changed' }, events);
debezium(
  'HeaderToValue',
  { headers: 'h1,absent', fields: 'first,second', operation: 'move' },
  { ...events, tombstone },
);
debezium('HeaderToValue', { headers: 'h1', fields: 'source.h', operation: 'copy' }, events);
debezium('HeaderToValue', { headers: 'h1', fields: 'op.h', operation: 'copy' }, { update: events.update });
debezium('HeaderToValue', { headers: 'h1', fields: 'x.h', operation: 'copy' }, { update: events.update });
for (const [name, record] of Object.entries(events)) {
  const steps: Case['steps'] = [
    { type: `${DEBEZIUM}ExtractChangedRecordState`, config: changedHeaders },
    {
      type: `${DEBEZIUM}HeaderToValue`,
      config: { headers: 'changed', fields: 'changed', operation: 'move' },
    },
    {
      type: `${DEBEZIUM}ExtractNewRecordState`,
      config: { 'add.fields': 'op,changed', 'delete.tombstone.handling.mode': 'rewrite' },
    },
  ];
  cases.push({ name: `changed fields into the row on ${name}`, steps, record });
}

export const CHANGED_FIELDS_CASES: readonly Case[] = cases;
