import { OP_LETTERS, Op } from '../../record/batch.ts';

/** The lake applies truncates unless the user says otherwise (L-7); other operations only when named. */
export function skippedOps(config: Readonly<Record<string, string>>): ReadonlySet<number> {
  const letters = (config['skipped.operations'] ?? '')
    .split(',')
    .map((letter) => letter.trim().toLowerCase());
  const codes = letters
    .map((letter) => OP_LETTERS.indexOf(letter as (typeof OP_LETTERS)[number]))
    .filter((code) => code > 0);
  return new Set([...codes, Op.message]);
}
