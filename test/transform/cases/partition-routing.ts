import { event, events, NEW } from './event.ts';
import { type Case, caseList } from './record.ts';

const { cases, debezium } = caseList();

for (const hash of ['java', 'murmur'])
  for (const fields of [
    'after.id',
    'change.name',
    'before.name,after.name',
    'change.total',
    'change.at',
    'change.tz',
    'source.table,change.id',
    'op',
    'missing',
    'change.real',
    'change.yes',
    'change.tags',
    'change.nope.deep',
  ])
    debezium(
      'partitions.PartitionRouting',
      { 'partition.payload.fields': fields, 'partition.topic.num': '7919', 'partition.hash.function': hash },
      events,
    );
for (const hash of ['java', 'murmur'])
  for (const name of [
    '',
    'a',
    'sixteen letters!',
    'seventeen letters',
    'é',
    'naïve café – long enough for two blocks',
    '😀',
    'x'.repeat(40),
  ])
    debezium(
      'partitions.PartitionRouting',
      {
        'partition.payload.fields': 'after.name',
        'partition.topic.num': '2147483647',
        'partition.hash.function': hash,
      },
      { [`'${name}'`]: event('c', null, { ...NEW, name }) },
    );

export const PARTITION_ROUTING_CASES: readonly Case[] = cases;
