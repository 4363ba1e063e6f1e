import { invalid } from './options.ts';

/**
 * A path of KIP-821's syntax V2: steps between dots; a step that holds dots stands in backticks, and a backtick that would
 * end or begin one is written with a backslash before it.
 * @throws IcestreamError config.invalid: a backtick that opens is not closed
 */
export function parseFieldPath(path: string): string[] {
  if (path === '') return [];
  const steps: string[] = [];
  let at = 0;
  for (;;) {
    const quoted = path[at] === '`';
    const end = quoted ? closingBacktick(path, at + 1) : dotOrEnd(path, at);
    steps.push(path.slice(quoted ? at + 1 : at, end).replaceAll('\\`', '`'));
    at = quoted ? end + 1 : end;
    if (at >= path.length) return steps;
    at++;
    if (at === path.length) return [...steps, ''];
  }
}

function dotOrEnd(path: string, from: number): number {
  const dot = path.indexOf('.', from);
  return dot < 0 ? path.length : dot;
}

/** One that a dot or the end follows and no backslash precedes. */
function closingBacktick(path: string, from: number): number {
  for (let at = path.indexOf('`', from); at >= 0; at = path.indexOf('`', at + 1)) {
    const ends = at + 1 === path.length || path[at + 1] === '.';
    if (ends && path[at - 1] !== '\\') return at;
  }
  throw invalid(
    `Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick`,
    'field',
  );
}
