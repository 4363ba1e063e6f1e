import { events } from './event.ts';
import { type Case, caseList } from './record.ts';

const { cases, debezium } = caseList();

debezium('ByLogicalTableRouter', { 'topic.regex': '(.*)orders(.*)', 'topic.replacement': '$1all$2' }, events);
debezium(
  'ByLogicalTableRouter',
  { 'topic.regex': '(.*)orders', 'topic.replacement': '$1all', 'key.enforce.uniqueness': 'false' },
  events,
);
debezium(
  'ByLogicalTableRouter',
  {
    'topic.regex': '(.*)orders',
    'topic.replacement': '$1all',
    'key.field.name': 'shard',
    'key.field.regex': '(.*)\\.(.*)\\.orders',
    'key.field.replacement': '$2',
  },
  events,
);
debezium('ByLogicalTableRouter', { 'topic.regex': 'nope', 'topic.replacement': 'x' }, events);
debezium(
  'ByLogicalTableRouter',
  { 'topic.regex': '(.*)orders', 'topic.replacement': '1-$1all', 'schema.name.adjustment.mode': 'avro' },
  events,
);
debezium(
  'ByLogicalTableRouter',
  {
    'topic.regex': '(.*)orders',
    'topic.replacement': '1_-$1all',
    'schema.name.adjustment.mode': 'avro_unicode',
  },
  events,
);
debezium(
  'ByLogicalTableRouter',
  { 'topic.regex': '(.*)orders', 'topic.replacement': 'x', 'key.field.regex': 'a' },
  events,
);

export const BY_LOGICAL_TABLE_ROUTER_CASES: readonly Case[] = cases;
