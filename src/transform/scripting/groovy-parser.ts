import { type Token, tokenize, unsupported } from './groovy-lexer.ts';

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean | null }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'variable'; readonly name: Variable }
  | { readonly kind: 'property'; readonly of: Expression; readonly name: string; readonly nullSafe: boolean }
  | {
      readonly kind: 'call';
      readonly of: Expression;
      readonly name: string;
      readonly args: readonly Expression[];
      readonly nullSafe: boolean;
    }
  | { readonly kind: 'not'; readonly of: Expression }
  | {
      readonly kind: 'binary';
      readonly sign: BinarySign;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'choice';
      readonly test: Expression;
      readonly yes: Expression | null;
      readonly no: Expression;
    };

export const VARIABLES = ['key', 'value', 'keySchema', 'valueSchema', 'topic', 'headers'] as const;
export type Variable = (typeof VARIABLES)[number];

/** Weakest first; those of one row bind equally. */
const LEVELS = [['||'], ['&&'], ['==', '!=', '=~', '==~'], ['<', '<=', '>', '>=', 'in'], ['+']] as const;
export type BinarySign = (typeof LEVELS)[number][number];

/** @throws SyntaxError: it is not Groovy, or not of the part that is supported */
export function parseGroovy(source: string): Expression {
  return new Parser(tokenize(source)).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#choice();
    if (this.#token.kind !== 'end') throw this.#unexpected();
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#at];
  }

  #choice(): Expression {
    const test = this.#binary(0);
    if (this.#takes('?:')) return { kind: 'choice', test, yes: null, no: this.#choice() };
    if (!this.#takes('?')) return test;
    const yes = this.#choice();
    this.#require(':');
    return { kind: 'choice', test, yes, no: this.#choice() };
  }

  #binary(level: number): Expression {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const sign = LEVELS[level].find((each) => this.#isOperator(each));
      if (sign === undefined) return left;
      this.#at++;
      const right = this.#binary(level + 1);
      if ((sign === '=~' || sign === '==~') && !isText(right))
        throw unsupported(`a pattern after ${sign} that is not a text`, this.#token.at);
      left = { kind: 'binary', sign, left, right };
    }
  }

  #isOperator(sign: string): boolean {
    const { kind, text } = this.#token;
    return text === sign && kind === (sign === 'in' ? 'name' : 'sign');
  }

  #unary(): Expression {
    if (this.#takes('!')) return { kind: 'not', of: this.#unary() };
    if (this.#takes('-')) {
      const number = this.#unary();
      if (number.kind !== 'literal' || (typeof number.value !== 'number' && typeof number.value !== 'bigint'))
        throw unsupported('- before what is not a number', this.#token.at);
      return { kind: 'literal', value: -number.value };
    }
    return this.#postfix();
  }

  #postfix(): Expression {
    let of = this.#primary();
    for (;;) {
      if (this.#takes('[')) {
        const index = this.#choice();
        if (!isText(index)) throw unsupported('an index that is not a text', this.#token.at);
        this.#require(']');
        of = { kind: 'property', of, name: index.value, nullSafe: false };
        continue;
      }
      const nullSafe = this.#takes('?.');
      if (!nullSafe && !this.#takes('.')) return of;
      const name = this.#token;
      if (name.kind !== 'name' && name.kind !== 'string') throw this.#unexpected();
      this.#at++;
      of = this.#takes('(')
        ? { kind: 'call', of, name: name.text, args: this.#items(')'), nullSafe }
        : { kind: 'property', of, name: name.text, nullSafe };
    }
  }

  #primary(): Expression {
    const token = this.#token;
    if (token.kind === 'end') throw new SyntaxError('the expression has no end');
    this.#at++;
    if (token.kind === 'string') return { kind: 'literal', value: token.text };
    if (token.kind === 'number') return { kind: 'literal', value: numberOf(token.text) };
    if (token.kind === 'name') return named(token);
    if (token.text === '(') {
      const inner = this.#choice();
      this.#require(')');
      return inner;
    }
    if (token.text === '[') return { kind: 'list', items: this.#items(']') };
    this.#at--;
    throw this.#unexpected();
  }

  #items(close: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#takes(close)) {
      if (items.length > 0) this.#require(',');
      items.push(this.#choice());
    }
    return items;
  }

  #takes(sign: string): boolean {
    if (this.#token.kind !== 'sign' || this.#token.text !== sign) return false;
    this.#at++;
    return true;
  }

  #require(sign: string): void {
    if (!this.#takes(sign)) throw this.#unexpected();
  }

  #unexpected(): SyntaxError {
    const { kind, text, at } = this.#token;
    return kind === 'end' ? new SyntaxError('the expression has no end') : unsupported(`'${text}'`, at);
  }
}

function named(token: Token): Expression {
  if (token.text === 'true' || token.text === 'false')
    return { kind: 'literal', value: token.text === 'true' };
  if (token.text === 'null') return { kind: 'literal', value: null };
  const name = VARIABLES.find((each) => each === token.text);
  if (name === undefined) throw unsupported(`'${token.text}'`, token.at);
  return { kind: 'variable', name };
}

function numberOf(text: string): number | bigint {
  const number = Number(text);
  return /^\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

interface Text {
  readonly kind: 'literal';
  readonly value: string;
}

function isText(expression: Expression): expression is Text {
  return expression.kind === 'literal' && typeof expression.value === 'string';
}
