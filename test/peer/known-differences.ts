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

const TYPES = ['types', 'types-unknown', 'types-precise-connect'];

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
  {
    variants: ['x-masks-types'],
    topic: /\.public\.all_types$/,
    path: /^value\.payload\.after\.c_(citext|inet|ltree)$/,
    kind: 'changed',
    what: 'Debezium leaves citext, inet and ltree columns unmasked by column.mask.hash; icestream masks them.',
    reason: 'A value that was to be hidden must not be shown.',
  },
  {
    variants: TYPES,
    topic: /\.public\.arrays$/,
    path: /^value\.payload\.(before|after)\.a_ltree$/,
    kind: 'changed',
    what: 'An ltree[] with a null among its elements is null in Debezium; icestream has the elements.',
    reason: 'It is lost data: a conversion fails there, and only the log tells of it.',
  },
  {
    variants: TYPES,
    topic: /\.public\.arrays$/,
    path: /^value\.payload\.(before|after)\.a_ltree\.\[\]$/,
    kind: 'only right',
    what: 'The same, element by element.',
    reason: 'As above.',
  },
  {
    variants: ['types', 'types-unknown'],
    topic: /\.public\.defaults$/,
    path: /\btsinf(\.default)?$|\[tsinf\]\.default$/,
    kind: 'changed',
    what: "A timestamp's default 'infinity' is a number out of an overflow in Debezium; in icestream it is what the value infinity is.",
    reason: 'Debezium has another number for the same value in rows.',
  },
  {
    variants: ['types-precise-connect'],
    topic: /\.public\.defaults$/,
    path: /\.after\.tsinf$/,
    kind: 'changed',
    what: "In Connect's unit Debezium has no default for it; icestream has.",
    reason: 'As above.',
  },
  {
    variants: ['types-precise-connect'],
    topic: /\.public\.defaults$/,
    path: /\[tsinf\]\.default$/,
    kind: 'only right',
    what: 'The same in the schema.',
    reason: 'As above.',
  },
  {
    variants: ['x-columns', 'x-skip-unchanged'],
    topic: /\./,
    path: /^key\./,
    kind: 'changed',
    what: "Key columns that the column lists leave out are 0 in the keys of Debezium's snapshot; icestream has their values there, too.",
    reason:
      'All rows of a table would have one key. The schema is that of the stream, where they are optional.',
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
