import { events, withHeader } from './event.ts';
import { type Case, caseList } from './record.ts';

const { cases, debezium } = caseList();

for (const mode of ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone']) {
  const config = { 'delete.tombstone.handling.mode': mode };
  debezium('ExtractNewRecordState', config, events);
  const adds = {
    'add.fields': 'op:operation,source.ts_ms,lsn,id,ts_ms,missing',
    'add.headers': 'op,table,transaction.total_order,source.snapshot',
  };
  debezium(
    'ExtractNewRecordState',
    { ...config, ...adds, 'add.fields.prefix': 'f_', 'add.headers.prefix': 'h.' },
    events,
  );
  debezium('ExtractNewRecordState', { ...config, 'route.by.field': 'topic' }, events);
  const drops = { 'drop.fields.header.name': 'drop', 'add.fields': 'op' };
  debezium('ExtractNewRecordState', { ...config, ...drops }, withHeader);
  debezium(
    'ExtractNewRecordState',
    { ...config, ...drops, 'drop.fields.keep.schema.compatible': 'false', 'drop.fields.from.key': 'true' },
    withHeader,
  );
}
debezium('ExtractNewRecordState', { 'route.by.field': 'id' }, { update: events.update });
debezium('ExtractNewRecordState', { 'route.by.field': 'missing' }, { update: events.update });
debezium('ExtractNewRecordState', { 'add.fields': 'nope.field' }, { update: events.update });
debezium('ExtractNewRecordState', { 'add.fields': 'transaction.id,total_order,source.db:database' }, events);
debezium('ExtractNewRecordState', { 'delete.tombstone.handling.mode': 'zz' }, { update: events.update });

export const UNWRAP_CASES: readonly Case[] = cases;
