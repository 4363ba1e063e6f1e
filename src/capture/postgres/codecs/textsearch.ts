import { IcestreamError } from '../../../base/errors.ts';
import { int16At, int32At, uint16At } from './integer.ts';
import { printedCodec, textAt } from './text.ts';

const WEIGHTS = ['', 'C', 'B', 'A'] as const;

/**
 * `tsvectorsend`: int32 lexeme count, then per lexeme a zero-terminated text, uint16 position count, and positions
 * with the weight in the two highest bits.
 */
export const tsvectorCodec = printedCodec((bytes, start) => {
  const count = int32At(bytes, start);
  const lexemes: string[] = [];
  let at = start + 4;
  for (let i = 0; i < count; i++) {
    const end = bytes.indexOf(0, at);
    let lexeme = quoteLexeme(textAt(bytes, at, end));
    const positionCount = uint16At(bytes, end + 1);
    at = end + 3;
    for (let p = 0; p < positionCount; p++, at += 2) {
      const position = uint16At(bytes, at);
      lexeme += `${p === 0 ? ':' : ','}${position & 0x3fff}${WEIGHTS[position >> 14]}`;
    }
    lexemes.push(lexeme);
  }
  return lexemes.join(' ');
});

const OPERAND = 1;
const NOT = 1;
const AND = 2;
const OR = 3;
const PHRASE = 4;
/** Priorities of `!`, `&`, `|`, `<->` as the server compares them to place parentheses. */
const PRIORITY = { [NOT]: 4, [PHRASE]: 3, [AND]: 2, [OR]: 1 } as const;

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/**
 * `tsquerysend`: int32 item count, then items in prefix order, right operand first. An operand is type 1, weight bits,
 * prefix flag, zero-terminated text; an operator is type 2, its number, and for a phrase its int16 distance.
 */
export const tsqueryCodec = printedCodec((bytes, start) => {
  if (int32At(bytes, start) === 0) return '';
  return printQuery({ bytes, at: start + 4 }, -1, false);
});

function printQuery(cursor: Cursor, parentPriority: number, isRightOfPhrase: boolean): string {
  const { bytes } = cursor;
  if (bytes[cursor.at++] === OPERAND) return printOperand(cursor);
  const operator = bytes[cursor.at++];
  if (operator < NOT || operator > PHRASE) {
    throw new IcestreamError('postgres.protocol', 'unknown operator in a tsquery value', {
      context: { operator },
    });
  }
  const priority = PRIORITY[operator as 1 | 2 | 3 | 4];
  if (operator === NOT) {
    const text = `!${printQuery(cursor, priority, false)}`;
    return priority < parentPriority ? `( ${text} )` : text;
  }
  let distance = 0;
  if (operator === PHRASE) {
    distance = int16At(bytes, cursor.at);
    cursor.at += 2;
  }
  const right = printQuery(cursor, priority, operator === PHRASE);
  const left = printQuery(cursor, priority, false);
  const sign = operator === AND ? '&' : operator === OR ? '|' : distance === 1 ? '<->' : `<${distance}>`;
  const text = `${left} ${sign} ${right}`;
  // Phrases are not associative: `a <-> (b <-> c)` keeps its parentheses.
  const needsParentheses = priority < parentPriority || (operator === PHRASE && isRightOfPhrase);
  return needsParentheses ? `( ${text} )` : text;
}

function printOperand(cursor: Cursor): string {
  const { bytes } = cursor;
  const weights = bytes[cursor.at];
  const isPrefix = bytes[cursor.at + 1] !== 0;
  const start = cursor.at + 2;
  const end = bytes.indexOf(0, start);
  cursor.at = end + 1;
  let suffix = isPrefix ? '*' : '';
  for (const [bit, letter] of [
    [3, 'A'],
    [2, 'B'],
    [1, 'C'],
    [0, 'D'],
  ] as const) {
    if (weights & (1 << bit)) suffix += letter;
  }
  return quoteLexeme(textAt(bytes, start, end)) + (suffix === '' ? '' : `:${suffix}`);
}

function quoteLexeme(text: string): string {
  return `'${text.replace(/['\\]/g, '$&$&')}'`;
}
