import { javaRegex } from '../base/java-regex.ts';
import { failed } from './schema.ts';

/** Java's `matcher.matches()`, then `matcher.replaceFirst(replacement)`; null: no match. */
export function topicRewriter(regex: string, replacement: string): (topic: string) => string | null {
  const whole = javaRegex(regex, { anchored: true, ignoreCase: false });
  // The replacement is of the first find, which an alternation can make shorter than the match.
  const first = javaRegex(regex, { anchored: false, ignoreCase: false });
  const parts = parseReplacement(replacement, groupCount(first));
  const known = new Map<string, string | null>();
  return (topic) => {
    const remembered = known.get(topic);
    if (remembered !== undefined) return remembered;
    const rewritten = whole.test(topic) ? topic.replace(first, (...args) => expand(parts, args)) : null;
    if (known.size >= TOPICS_MAX) known.clear();
    known.set(topic, rewritten);
    return rewritten;
  };
}

/** Topics made of row values may be without number. */
const TOPICS_MAX = 10_000;

/** Literal text, or the group that stands there. */
type Part = string | { readonly group: number | string };

/** Matcher.appendReplacement: `$1` takes as many digits as there are groups for, `${name}`, and `\` escapes. */
export function parseReplacement(text: string, groups: number): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === '\\') {
      if (at + 1 >= text.length) throw new SyntaxError('character to be escaped is missing');
      parts.push(text[at + 1]);
      at += 2;
    } else if (char === '$') {
      const { part, next } = parseGroup(text, at + 1, groups);
      parts.push(part);
      at = next;
    } else {
      parts.push(char);
      at++;
    }
  }
  return parts;
}

function parseGroup(text: string, at: number, groups: number): { part: Part; next: number } {
  const named = /^\{([a-zA-Z][a-zA-Z0-9]*)\}/.exec(text.slice(at));
  if (named !== null) return { part: { group: named[1] }, next: at + named[0].length };
  if (!/^\d/.test(text.slice(at))) throw new SyntaxError('Illegal group reference');
  let group = Number(text[at++]);
  if (group > groups) throw new SyntaxError(`No group ${group}`);
  while (/\d/.test(text[at] ?? '') && group * 10 + Number(text[at]) <= groups)
    group = group * 10 + Number(text[at++]);
  return { part: { group }, next: at };
}

function groupCount(regex: RegExp): number {
  return new RegExp(`${regex.source}|`, regex.flags).exec('')!.length - 1;
}

/** `args` are those of String.replace's callback: match, groups, offset, text, and the named groups if there are any. */
function expand(parts: readonly Part[], args: readonly unknown[]): string {
  const last = args.at(-1);
  const names = typeof last === 'object' && last !== null ? (last as Record<string, string | undefined>) : {};
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if (typeof part.group === 'number') text += (args[part.group] as string | undefined) ?? '';
    else if (part.group in names) text += names[part.group] ?? '';
    else throw failed(`No group with name <${part.group}>`);
  }
  return text;
}
