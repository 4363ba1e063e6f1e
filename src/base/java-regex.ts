import { splitList } from './config.ts';

/**
 * Java's regular expressions in JavaScript, as far as configurations use them: `\Q..\E`, `\A \z \Z`, `\h`, POSIX and
 * `java` classes, inline flags anywhere, possessive quantifiers and atomic groups, intersections of character classes.
 *
 * @throws SyntaxError when the pattern is malformed or uses what cannot be translated
 */
export function javaRegex(pattern: string, options: { anchored: boolean; ignoreCase: boolean }): RegExp {
  const translated = new Translation(pattern).translate();
  // `u` would refuse escapes that Java allows, `v` alone knows class intersection and set notation.
  const body = options.anchored ? `^(?:${translated})$` : translated;
  return new RegExp(body, options.ignoreCase ? 'iv' : 'v');
}

/** A comma-separated list of patterns as Debezium's include and exclude lists have them: anchored, letters of any case. */
export function javaRegexList(text: string): RegExp[] {
  return splitList(text).map((pattern) => javaRegex(pattern, { anchored: true, ignoreCase: true }));
}

/** In the `v` syntax these must be escaped inside a class; Java takes them as they are. */
const CLASS_SYNTAX = new Set('()[]{}/-\\|'.split(''));
/** Doubled, these are reserved inside a class of the `v` syntax. */
const CLASS_DOUBLE = new Set('&!#$%*+,.:;<=>?@^`~'.split(''));
/** What may be escaped outside a class without meaning anything else. */
const SYNTAX = new Set('^$\\.*+?()[]{}|/'.split(''));

/** Java names of ASCII classes and of properties that JavaScript spells otherwise; the text goes inside a class. */
const CLASSES: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7f',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  Graph: '\\x21-\\x7e',
  Print: '\\x20-\\x7e',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\x0b\\f\\r',
  IsAlphabetic: '\\p{Alphabetic}',
  IsDigit: '\\p{Nd}',
  IsLetter: '\\p{L}',
  IsUppercase: '\\p{Uppercase}',
  IsLowercase: '\\p{Lowercase}',
  IsWhite_Space: '\\p{White_Space}',
  IsPunctuation: '\\p{P}',
  javaLowerCase: '\\p{Ll}',
  javaUpperCase: '\\p{Lu}',
  javaLetter: '\\p{L}',
  javaDigit: '\\p{Nd}',
  javaLetterOrDigit: '\\p{L}\\p{Nd}',
};

const HORIZONTAL = ' \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000';
const VERTICAL = '\\n\\x0b\\f\\r\\x85\\u2028\\u2029';

class Translation {
  readonly #pattern: string;
  #at = 0;
  /** Number of the next lookahead that makes a group atomic; also shifts the user's own backreferences. */
  #atomic = 0;
  #comments = false;
  /** Where the last atom begins in the output, for a possessive quantifier to wrap. */
  #out: string[] = [];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(): string {
    const text = this.#alternatives();
    if (this.#at < this.#pattern.length) throw this.#error('unmatched )');
    return text;
  }

  /**
   * Up to the closing parenthesis or the end. Inline flags hold until there, across alternatives: `a(?i)b|c` is
   * `a(?i:b)|(?i:c)`.
   */
  #alternatives(): string {
    const outer = this.#out;
    const comments = this.#comments;
    const opened: string[] = [];
    let text = '';
    this.#out = [];
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== ')') {
      const flags = this.#inlineFlags();
      if (flags === null && this.#pattern[this.#at] !== '|') {
        this.#atom();
        continue;
      }
      text += this.#out.join('');
      this.#out = [];
      if (flags === null) {
        this.#at++;
        text += `${')'.repeat(opened.length)}|${opened.join('')}`;
      } else if (flags !== '') {
        opened.push(`(?${flags}:`);
        text += opened[opened.length - 1];
      }
    }
    text += this.#out.join('') + ')'.repeat(opened.length);
    this.#out = outer;
    this.#comments = comments;
    return text;
  }

  /** `(?im-s)`: the flags for a JavaScript group, '' if none is left, null if this is something else. */
  #inlineFlags(): string | null {
    const match = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?\)/.exec(this.#rest());
    if (match === null) return null;
    this.#at += match[0].length;
    return this.#flags(match[1], match[2] ?? '');
  }

  /** `u`, `U` and `d` change nothing that identifiers notice; `x` is handled here. */
  #flags(on: string, off: string): string {
    if (on.includes('x')) this.#comments = true;
    if (off.includes('x')) this.#comments = false;
    const known = (flags: string) => [...new Set(flags)].filter((flag) => 'ims'.includes(flag)).join('');
    const unknown = (on + off).replace(/[imsxuUd]/g, '');
    if (unknown !== '') throw this.#error(`unknown flag ${unknown}`);
    const enabled = known(on);
    const disabled = known(off);
    if (enabled === '' && disabled === '') return '';
    return disabled === '' ? enabled : `${enabled}-${disabled}`;
  }

  #atom(): void {
    const char = this.#pattern[this.#at];
    if (this.#comments && this.#skipComment(char)) return;
    const before = this.#out.length;
    if (char === '(') this.#group();
    else if (char === '[') this.#out.push(this.#class());
    else if (char === '\\') this.#escape();
    else if ('*+?{'.includes(char)) throw this.#error(`nothing that ${char} could repeat`);
    else if (char === '^' || char === '$' || char === '.') {
      this.#at++;
      this.#out.push(char);
    } else {
      const literal = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
      this.#at += literal.length;
      this.#out.push(literalOf(literal));
    }
    if (this.#out.length > before) this.#quantifier();
  }

  #skipComment(char: string): boolean {
    if (/\s/.test(char)) {
      this.#at++;
      return true;
    }
    if (char !== '#') return false;
    const end = this.#pattern.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#pattern.length : end + 1;
    return true;
  }

  #quantifier(): void {
    const match = /^(?:[*+?]|\{\d+(?:,\d*)?\})([+?]?)/.exec(this.#rest());
    if (match === null) return;
    this.#at += match[0].length;
    const atom = this.#out.pop()!;
    if (match[1] === '+') this.#out.push(this.#atomicGroup(atom + match[0].slice(0, -1)));
    else this.#out.push(atom + match[0]);
  }

  #group(): void {
    const match = /^\((?:\?(?:([:=!>]|<[=!])|<([a-zA-Z][a-zA-Z0-9]*)>|([a-zA-Z]*)(?:-([a-zA-Z]*))?:))?/.exec(
      this.#rest(),
    )!;
    const [opening, sign, name, on, off] = match;
    if (opening === '(' && this.#pattern[this.#at + 1] === '?') throw this.#error('unknown kind of group');
    this.#at += opening.length;
    const comments = this.#comments;
    const flags = on === undefined ? '' : this.#flags(on, off ?? '');
    const content = this.#alternatives();
    this.#comments = comments;
    if (this.#pattern[this.#at] !== ')') throw this.#error('unclosed group');
    this.#at++;
    if (sign === '>') this.#out.push(this.#atomicGroup(content));
    else if (sign !== undefined) this.#out.push(`(?${sign}${content})`);
    else if (name !== undefined) this.#out.push(`(?<${name}>${content})`);
    else if (on !== undefined) this.#out.push(`(?${flags}:${content})`);
    else this.#out.push(`(${content})`);
  }

  /**
   * A lookahead is never entered again once it has matched: capture inside it, then consume the capture. The capture is
   * named, since numbered ones are the user's.
   */
  #atomicGroup(content: string): string {
    const name = `atomic_${++this.#atomic}`;
    return `(?:(?=(?<${name}>${content}))\\k<${name}>)`;
  }

  #escape(): void {
    const char = this.#pattern[this.#at + 1];
    if (char === undefined) throw this.#error('a backslash at the end');
    if (char === 'Q') {
      const end = this.#pattern.indexOf('\\E', this.#at + 2);
      const quoted = this.#pattern.slice(this.#at + 2, end < 0 ? undefined : end);
      this.#at = end < 0 ? this.#pattern.length : end + 2;
      for (const literal of quoted) this.#out.push(literalOf(literal));
      return;
    }
    if (char === 'E') {
      this.#at += 2;
      return;
    }
    const boundary = BOUNDARIES[char];
    if (boundary !== undefined) {
      this.#at += 2;
      this.#out.push(boundary);
      return;
    }
    if (char === 'k' || (char >= '1' && char <= '9')) {
      const match = /^\\(?:k<[a-zA-Z][a-zA-Z0-9]*>|\d)/.exec(this.#rest());
      if (match === null) throw this.#error('a reference without its name');
      if (char !== 'k' && this.#atomic > 0)
        throw this.#error('a numbered reference beside possessive quantifiers');
      this.#at += match[0].length;
      this.#out.push(match[0]);
      return;
    }
    const set = this.#classEscape();
    if (set.length === 1 || /^\\(?:[dDwWsS]|x..|u....|u\{[^}]*\}|[nrtf])$/.test(set)) this.#out.push(set);
    else this.#out.push(`[${set}]`);
  }

  /** An escape that stands for characters, in the form in which it stands inside a class. */
  #classEscape(): string {
    const rest = this.#rest();
    const char = rest[1];
    const property = /^\\([pP])(?:\{(\^?)([^}]+)\}|([A-Z]))/.exec(rest);
    if (property !== null) {
      this.#at += property[0].length;
      return this.#property(property[3] ?? property[4], (property[1] === 'P') !== (property[2] === '^'));
    }
    const code = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|x\{([0-9a-fA-F]+)\}|0([0-3]?[0-7]{1,2}))/.exec(
      rest,
    );
    if (code !== null) {
      this.#at += code[0].length;
      const point =
        code[4] === undefined
          ? Number.parseInt(code[1] ?? code[2] ?? code[3], 16)
          : Number.parseInt(code[4], 8);
      return `\\u{${point.toString(16)}}`;
    }
    this.#at += 2;
    switch (char) {
      case 'h':
        return HORIZONTAL;
      case 'H':
        return `[^${HORIZONTAL}]`;
      case 'v':
        return VERTICAL;
      case 'V':
        return `[^${VERTICAL}]`;
      case 's':
        return ' \\t\\n\\x0b\\f\\r';
      case 'S':
        return '[^ \\t\\n\\x0b\\f\\r]';
      case 'a':
        return '\\x07';
      case 'e':
        return '\\x1b';
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 'n':
      case 'r':
      case 't':
      case 'f':
        return `\\${char}`;
      default:
        if (/[a-zA-Z]/.test(char)) throw this.#error(`unknown escape \\${char}`);
        return classLiteral(char);
    }
  }

  #property(name: string, negated: boolean): string {
    const set = CLASSES[name] ?? `\\p{${name.replace(/^Is(?=[A-Z][a-z]?$)/, '').replace(/^Is/, 'Script=')}}`;
    return negated ? `[^${set}]` : set;
  }

  /** `[...]`: unions by juxtaposition or nesting, intersection by `&&`, which binds weaker. */
  #class(): string {
    this.#at++;
    const negated = this.#pattern[this.#at] === '^';
    if (negated) this.#at++;
    const operands: string[] = [];
    let operand = '';
    let isFirst = true;
    for (;;) {
      const char = this.#pattern[this.#at];
      if (char === undefined) throw this.#error('unclosed character class');
      // A bracket right at the start is a member in Java.
      if (char === ']' && !isFirst) break;
      isFirst = false;
      if (this.#rest().startsWith('&&')) {
        this.#at += 2;
        operands.push(operand);
        operand = '';
      } else {
        operand += this.#classMember(char);
      }
    }
    this.#at++;
    operands.push(operand);
    const parts = operands.filter((part) => part !== '');
    const body = parts.length === 1 ? parts[0] : parts.map((part) => `[${part}]`).join('&&');
    return `[${negated ? '^' : ''}${body}]`;
  }

  #classMember(char: string): string {
    if (char === '[') return this.#class();
    if (this.#rest().startsWith('\\Q')) {
      const end = this.#pattern.indexOf('\\E', this.#at);
      if (end < 0) throw this.#error('unclosed quotation in a character class');
      const quoted = this.#pattern.slice(this.#at + 2, end);
      this.#at = end + 2;
      return [...quoted].map(classLiteral).join('');
    }
    const from = this.#classChar(char);
    // A range needs a character on both sides; else the hyphen is one itself.
    const next = this.#pattern[this.#at + 1];
    if (this.#pattern[this.#at] !== '-' || next === undefined || next === ']' || next === '[') return from;
    if (this.#rest().startsWith('-&&') || isSet(from)) return from;
    this.#at++;
    return `${from}-${this.#classChar(this.#pattern[this.#at])}`;
  }

  #classChar(char: string): string {
    if (char === '\\') return this.#classEscape();
    const literal = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    this.#at += literal.length;
    return classLiteral(literal);
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} near index ${this.#at} of ${this.#pattern}`);
  }
}

/** `\Z` also stands before a final line break, which no name has. */
const BOUNDARIES: Readonly<Record<string, string>> = {
  A: '(?<![^])',
  z: '(?![^])',
  Z: '(?=\\r?\\n?(?![^]))',
  G: '',
  b: '\\b',
  B: '\\B',
  R: '(?:\\r\\n|[\\n\\x0b\\f\\r\\x85\\u2028\\u2029])',
};

function isSet(member: string): boolean {
  return member.startsWith('[') || /^\\[dDwWsSpP]/.test(member);
}

function literalOf(char: string): string {
  return SYNTAX.has(char) ? `\\${char}` : char;
}

function classLiteral(char: string): string {
  return CLASS_SYNTAX.has(char) || CLASS_DOUBLE.has(char) ? codePointEscape(char) : char;
}

function codePointEscape(char: string): string {
  return `\\u{${char.codePointAt(0)!.toString(16)}}`;
}
