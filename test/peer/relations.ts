import { GROWING, type IdClass, type Reference } from './mask.ts';

/** Keeps the ids of two recordings in one to one correspondence, class by class. */
export class Relations {
  readonly #forward = new Map<string, Reference>();
  readonly #backward = new Map<string, Reference>();
  readonly #pairs = new Map<IdClass, (readonly [bigint, bigint])[]>();

  /** Pairs two ids of one class; the answer says what one of them went with before, null when all is well. */
  pair(left: Reference, right: Reference): string | null {
    const known = this.#forward.get(name(left));
    const back = this.#backward.get(name(right));
    if (known === undefined && back === undefined) this.#enter(left, right);
    if (known !== undefined && known.value !== right.value)
      return `${left.class} ${left.value} went with ${known.value} before, now with ${right.value}`;
    if (back !== undefined && back.value !== left.value)
      return `${left.class} ${back.value} went with ${right.value} before, now ${left.value} does`;
    return null;
  }

  /** Pairs of ids that grow on one side and fall on the other. */
  *disorder(): Generator<{ class: IdClass; text: string }> {
    for (const [idClass, pairs] of this.#pairs) {
      pairs.sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [index, [a, b]] of pairs.entries()) {
        const [before, beforeB] = pairs[index - 1] ?? [a, b];
        if (b < beforeB) yield { class: idClass, text: `${before} < ${a}, but ${beforeB} > ${b}` };
      }
    }
  }

  #enter(left: Reference, right: Reference): void {
    this.#forward.set(name(left), right);
    this.#backward.set(name(right), left);
    if (!GROWING.includes(left.class)) return;
    const pairs = this.#pairs.get(left.class) ?? [];
    pairs.push([BigInt(left.value), BigInt(right.value)]);
    this.#pairs.set(left.class, pairs);
  }
}

function name(reference: Reference): string {
  return `${reference.class} ${reference.value}`;
}
