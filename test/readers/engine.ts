import type { NestedField } from '../../src/iceberg/schema.ts';
import { canonicalRows, type Dialect, selectValue } from './canonical.ts';
import { type Exhibit, type Question, typesOf } from './gallery.ts';

/** One engine at one version, asked through its own SQL (or what it has instead) and nothing of ours. */
export interface Engine {
  readonly name: string;
  readonly version: string;
  /** Answers in the order of the requests. An engine that refuses one still answers the others. */
  ask(requests: readonly Request[]): Promise<Answer[]>;
  close(): Promise<void>;
}

export interface Request {
  readonly exhibit: Exhibit;
  readonly question: Question;
}

export type Answer = { readonly rows: readonly (readonly unknown[])[] } | { readonly error: string };

/** `right`, or what is wrong: `refused: <why>` or `wrong: <how>`. */
export type Verdict = string;

/** What an engine makes of each exhibit: the worst of its answers. */
export async function judge(engine: Engine, exhibits: readonly Exhibit[]): Promise<Map<string, Verdict>> {
  const requests = exhibits.flatMap((exhibit) =>
    exhibit.questions.map((question) => ({ exhibit, question })),
  );
  const answers = await engine.ask(requests);
  const verdicts = new Map<string, Verdict>();
  requests.forEach(({ exhibit, question }, i) => {
    const verdict = verdictOf(answers[i], exhibit.columns, question);
    const known = verdicts.get(exhibit.name);
    if (known === undefined || (known === 'right' && verdict !== 'right'))
      verdicts.set(exhibit.name, verdict);
  });
  return verdicts;
}

function verdictOf(answer: Answer, columns: readonly NestedField[], question: Question): Verdict {
  const asked = question.where === '' ? '' : ` (WHERE ${question.where})`;
  if ('error' in answer) return `refused: ${answer.error.split('\n')[0].slice(0, 300)}${asked}`;
  const rows = canonicalRows(typesOf(columns), answer.rows);
  const missing = without(question.expected, rows);
  const surplus = without(rows, question.expected);
  if (missing.length === 0 && surplus.length === 0) return 'right';
  const example = (texts: readonly string[]) => texts[0]?.slice(0, 400) ?? '';
  return `wrong: ${missing.length} missing ${example(missing)}, ${surplus.length} surplus ${example(surplus)}${asked}`;
}

/** The multiset difference. */
function without(texts: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of others) counts.set(text, (counts.get(text) ?? 0) + 1);
  return texts.filter((text) => {
    const left = counts.get(text) ?? 0;
    counts.set(text, left - 1);
    return left <= 0;
  });
}

/** A query over `from`, which is what the engine calls the table. */
export function queryText(dialect: Dialect, { exhibit, question }: Request, from: string): string {
  const select = exhibit.columns.map(
    ({ type, name }, i) => `${selectValue(dialect, type, dialect.quote(name))} AS ${dialect.quote(`c${i}`)}`,
  );
  const where = question.where === '' ? '' : ` WHERE ${question.where}`;
  return `SELECT ${select.join(', ')} FROM ${from}${where}`;
}

export function localPath(location: string): string {
  return location.replace(/^file:(\/\/)?/, '');
}
