/** A token of a Groovy expression. `string` holds the text itself, `number` its digits. */
export interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

/** The longest first. */
const SIGNS = [
  '==~',
  '=~',
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '?.',
  '?:',
  '<',
  '>',
  '!',
  '(',
  ')',
  '[',
  ']',
  ',',
  '.',
  '?',
  ':',
  '+',
  '-',
];

/** @throws SyntaxError naming what is not part of the subset */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at = skipSpace(source, at);
    if (at >= source.length) return [...tokens, { kind: 'end', text: '', at }];
    const { token, next } = nextToken(source, at, tokens.at(-1));
    tokens.push(token);
    at = next;
  }
}

function skipSpace(source: string, from: number): number {
  const space = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
  space.lastIndex = from;
  return from + space.exec(source)![0].length;
}

function nextToken(source: string, at: number, previous: Token | undefined): { token: Token; next: number } {
  const rest = source.slice(at);
  const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest);
  if (name !== null) return { token: { kind: 'name', text: name[0], at }, next: at + name[0].length };
  const number = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[lLgGiIdDfF]?/.exec(rest);
  if (number !== null) {
    const text = number[0].replace(/[lLgGiIdDfF]$/, '');
    return { token: { kind: 'number', text, at }, next: at + number[0].length };
  }
  if (rest[0] === "'" || rest[0] === '"') return quoted(source, at, rest[0]);
  if (rest[0] === '/' && mayBeginText(previous)) return slashy(source, at);
  const sign = SIGNS.find((each) => rest.startsWith(each));
  if (sign === undefined) throw unsupported(`'${rest[0]}'`, at);
  return { token: { kind: 'sign', text: sign, at }, next: at + sign.length };
}

/** After a value a slash would divide. */
function mayBeginText(previous: Token | undefined): boolean {
  return (
    previous === undefined || (previous.kind === 'sign' && previous.text !== ')' && previous.text !== ']')
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

function quoted(source: string, start: number, quote: string): { token: Token; next: number } {
  if (source.startsWith(quote.repeat(3), start)) throw unsupported('a text in three quotes', start);
  let text = '';
  for (let at = start + 1; at < source.length; at++) {
    const char = source[at];
    if (char === quote) return { token: { kind: 'string', text, at: start }, next: at + 1 };
    if (char === '\n') break;
    if (char === '$' && quote === '"') throw unsupported('a text with $ in double quotes', at);
    if (char === '\\') {
      const escaped = source[++at] ?? '';
      if (escaped === 'u') throw unsupported('\\u', at);
      text += ESCAPES[escaped] ?? escaped;
    } else {
      text += char;
    }
  }
  throw new SyntaxError(`a text without end at position ${start}`);
}

/** `/a\/b/`: only the slash itself is escaped, which is why patterns are written so. */
function slashy(source: string, start: number): { token: Token; next: number } {
  const match = /\/((?:[^/\\$]|\\[\s\S])*)\//y;
  match.lastIndex = start;
  const found = match.exec(source);
  if (found === null) throw unsupported('a text between slashes that has a $ or no end', start);
  const text = found[1].replaceAll('\\/', '/');
  return { token: { kind: 'string', text, at: start }, next: start + found[0].length };
}

export function unsupported(what: string, at: number): SyntaxError {
  return new SyntaxError(`${what} at position ${at} is not supported in Groovy expressions here`);
}
