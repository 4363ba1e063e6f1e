import type { Difference } from './compare.ts';

/** Where ours differs from Debezium and is meant to, or cannot do otherwise; docs/compatibility.md lists them. */
export interface KnownDifference {
  /** Of test/fixtures/peer/postgres/variants.json; each must show it. */
  readonly variants: readonly string[];
  /** As a comparison reports it, `<prefix>` for the topic prefix. */
  readonly topic: RegExp;
  readonly path: RegExp;
  readonly kind: Difference['kind'];
  /** One sentence: Debezium does this, icestream that. */
  readonly what: string;
  readonly reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    variants: ['masks'],
    topic: /\.public\.all_types$/,
    path: /^value\.payload\.after\.c_citext$/,
    kind: 'changed',
    what: 'Debezium leaves a citext column unmasked by column.mask.hash.v2; icestream masks it.',
    reason: 'A value that was to be hidden must not be shown.',
  },
  {
    variants: ['string-converters'],
    topic: /\.public\.all_types$/,
    path: /^value$/,
    kind: 'changed',
    what: 'StringConverter prints the bytes of a VariableScaleDecimal as a Java address (`[B@...`); icestream as a buffer.',
    reason: 'The address means nothing and differs with every record.',
  },
];

export interface Explained {
  /** Differences that no entry of the table names. */
  readonly unexplained: readonly Difference[];
  /** Entries for the variant that name none of the differences: they are to be taken out of the table. */
  readonly gone: readonly KnownDifference[];
}

export function explain(
  variant: string,
  differences: readonly Difference[],
  known: readonly KnownDifference[] = KNOWN_DIFFERENCES,
): Explained {
  const own = known.filter((it) => it.variants.includes(variant));
  return {
    unexplained: differences.filter((difference) => !own.some((it) => names(it, difference))),
    gone: own.filter((it) => !differences.some((difference) => names(it, difference))),
  };
}

function names(known: KnownDifference, { topic, path, kind }: Difference): boolean {
  return known.kind === kind && known.topic.test(topic) && known.path.test(path);
}
