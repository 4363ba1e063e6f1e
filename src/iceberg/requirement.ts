import { IcestreamError } from '../base/errors.ts';
import type { TableMetadata } from './metadata.ts';
import type { TableRequirement } from './update.ts';

/**
 * Checks the requirements of a commit against the table as it is (null: there is none), as REST catalogs do.
 * `iceberg.commit-conflict` names the first that does not hold.
 */
export function checkRequirements(
  metadata: TableMetadata | null,
  requirements: readonly TableRequirement[],
): void {
  for (const requirement of requirements) {
    if (holds(metadata, requirement)) continue;
    throw new IcestreamError('iceberg.commit-conflict', 'the table has changed since it was read', {
      context: { requirement: requirement.type, location: metadata?.location },
    });
  }
}

function holds(metadata: TableMetadata | null, requirement: TableRequirement): boolean {
  if (metadata === null) return requirement.type === 'assert-create';
  switch (requirement.type) {
    case 'assert-create':
      return false;
    case 'assert-table-uuid':
      return metadata['table-uuid'].toLowerCase() === requirement.uuid.toLowerCase();
    case 'assert-ref-snapshot-id':
      return (metadata.refs?.[requirement.ref]?.['snapshot-id'] ?? null) === requirement['snapshot-id'];
    case 'assert-last-assigned-field-id':
      return metadata['last-column-id'] === requirement['last-assigned-field-id'];
    case 'assert-current-schema-id':
      return metadata['current-schema-id'] === requirement['current-schema-id'];
    case 'assert-last-assigned-partition-id':
      return metadata['last-partition-id'] === requirement['last-assigned-partition-id'];
    case 'assert-default-spec-id':
      return metadata['default-spec-id'] === requirement['default-spec-id'];
    case 'assert-default-sort-order-id':
      return metadata['default-sort-order-id'] === requirement['default-sort-order-id'];
  }
}
