import { BY_LOGICAL_TABLE_ROUTER_CASES } from './cases/by-logical-table-router.ts';
import { CHANGED_FIELDS_CASES } from './cases/changed-fields.ts';
import { GEOMETRY_CASES } from './cases/geometry.ts';
import { KAFKA_CASES } from './cases/kafka.ts';
import { LOGICAL_MESSAGE_CASES } from './cases/logical-message.ts';
import { OUTBOX_CASES } from './cases/outbox.ts';
import { PARTITION_ROUTING_CASES } from './cases/partition-routing.ts';
import type { Case } from './cases/record.ts';
import { SOURCE_TYPES_CASES } from './cases/source-types.ts';
import { TIMEZONE_CASES } from './cases/timezone.ts';
import { UNWRAP_CASES } from './cases/unwrap.ts';
import { VECTOR_CASES } from './cases/vector.ts';

export type { Case, CaseRecord } from './cases/record.ts';

/** All families, in the order in which they were recorded. */
export const CASES: readonly Case[] = [
  ...KAFKA_CASES,
  ...UNWRAP_CASES,
  ...BY_LOGICAL_TABLE_ROUTER_CASES,
  ...OUTBOX_CASES,
  ...PARTITION_ROUTING_CASES,
  ...CHANGED_FIELDS_CASES,
  ...TIMEZONE_CASES,
  ...LOGICAL_MESSAGE_CASES,
  ...SOURCE_TYPES_CASES,
  ...GEOMETRY_CASES,
  ...VECTOR_CASES,
];
