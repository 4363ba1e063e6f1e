import { invalid } from '../options.ts';

/** A column of an outbox table that goes along with the event: `field:header`, `field:envelope:alias`, `field:partition`. */
export interface AdditionalField {
  readonly field: string;
  readonly placement: 'header' | 'envelope' | 'partition';
  readonly alias: string;
}

const PLACEMENTS: readonly string[] = ['header', 'envelope', 'partition'];

export function parsePlacements(entries: readonly string[]): AdditionalField[] {
  return entries.map((entry) => {
    const [field, given, alias, ...rest] = entry.split(':').map((part) => part.trim());
    const placement = given?.toLowerCase();
    if (field === '' || !PLACEMENTS.includes(placement) || rest.length > 0) {
      const property = 'table.fields.additional.placement';
      throw invalid(
        `Invalid value ${entries.join(',')} for configuration ${property}: ${entry} is not a field, one of ` +
          `${PLACEMENTS.join(', ')}, and perhaps an alias, separated by colons`,
        property,
      );
    }
    return { field, placement: placement as AdditionalField['placement'], alias: alias ?? field };
  });
}
