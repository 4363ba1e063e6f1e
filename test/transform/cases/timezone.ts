import { event, events, NEW } from './event.ts';
import { type Case, caseList } from './record.ts';

const { cases, debezium } = caseList();

for (const zone of ['America/New_York', 'Europe/Berlin', '+05:30', '-08:00', 'UTC', 'nowhere'])
  debezium('TimezoneConverter', { 'converted.timezone': zone }, events);
for (const list of [
  'source:orders',
  'source:orders:at',
  'topic:srv.inv.orders:after.tz',
  'orders:before.ms',
  'orders:source.ts_ms',
  'other',
  'source:orders:at,orders:ns',
  'orders',
])
  for (const kind of ['include.list', 'exclude.list'])
    debezium(
      'TimezoneConverter',
      { 'converted.timezone': 'Europe/Berlin', [kind]: list },
      { update: events.update, delete: events.delete },
    );
for (const tz of [
  '2024-03-31T00:59:59Z',
  '2024-03-31T02:30:00Z',
  '2024-10-27T02:30:00Z',
  '2024-01-01T10:00:00+02:00',
  '1890-01-01T00:00:00Z',
  '2024-06-01T00:00:00.100000Z',
])
  debezium(
    'TimezoneConverter',
    { 'converted.timezone': 'Europe/Berlin' },
    { [tz]: event('c', null, { ...NEW, tz, ms: Date.parse(tz), at: Date.parse(tz) * 1000 }) },
  );

export const TIMEZONE_CASES: readonly Case[] = cases;
