/**
 * Text into JSON strings: bytes that need no escape are copied four at a time over views kept from call to call; from the
 * first one that does, the rest goes byte by byte.
 */
export class TextCopy {
  private source: Uint8Array = NOTHING;
  private from: DataView = new DataView(NOTHING.buffer);

  /**
   * Copies source[start, end) to `to` until a byte that must be escaped; answers how many bytes were copied. `to` is a view
   * of the whole target.
   */
  plain(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    to: DataView,
    at: number,
  ): number {
    let i = start;
    let j = at;
    if (end - start >= (source === this.source ? WORDS_MIN : VIEW_MIN)) {
      const from = source === this.source ? this.from : this.view(source);
      for (const stop = end - 4; i <= stop; i += 4, j += 4) {
        const word = from.getInt32(i, true);
        if ((special(word) & 0x8080_8080) !== 0) break;
        to.setInt32(j, word, true);
      }
    }
    while (i < end) {
      const byte = source[i];
      if (ESCAPES[byte] !== 0) break;
      target[j++] = byte;
      i++;
    }
    return i - start;
  }

  private view(source: Uint8Array): DataView {
    this.source = source;
    this.from = new DataView(source.buffer, source.byteOffset, source.byteLength);
    return this.from;
  }
}

/**
 * The top bit of a byte is set where it, or one below it, is a control character, `"`, `\` or the first of four bytes of a
 * character beyond 16 bits: never too few.
 */
function special(word: number): number {
  const quote = word ^ 0x2222_2222;
  const backslash = word ^ 0x5c5c_5c5c;
  const control = (word - 0x2020_2020) & ~word;
  const long = word & (word << 1) & (word << 2) & (word << 3);
  return long | control | ((quote - 0x0101_0101) & ~quote) | ((backslash - 0x0101_0101) & ~backslash);
}

/** A byte becomes no more than this many. */
export const ESCAPE_MAX = 6;

/**
 * Writes source[start, end) with escapes; answers where it stopped. Characters beyond 16 bits become two escapes, as Jackson
 * writes them to bytes.
 */
export function writeEscaped(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let j = at;
  for (let i = start; i < end; i++) {
    const byte = source[i];
    const letter = ESCAPES[byte];
    if (letter === 0 || (letter === PAIR && i + 3 >= end)) {
      target[j++] = byte;
    } else if (letter === HEX) {
      j = writeHex(target, j, byte);
    } else if (letter === PAIR) {
      const beyond = (((byte & 7) << 18) | tail(source, i)) - 0x1_0000;
      j = writeHex(target, j, 0xd800 + (beyond >> 10));
      j = writeHex(target, j, 0xdc00 + (beyond & 0x3ff));
      i += 3;
    } else {
      target[j++] = BACKSLASH;
      target[j++] = letter;
    }
  }
  return j;
}

/** The 18 bits in the three bytes that follow. */
function tail(source: Uint8Array, i: number): number {
  return ((source[i + 1] & 63) << 12) | ((source[i + 2] & 63) << 6) | (source[i + 3] & 63);
}

function writeHex(target: Uint8Array, at: number, code: number): number {
  target[at] = BACKSLASH;
  target[at + 1] = HEX;
  for (let digit = 0; digit < 4; digit++)
    target[at + 2 + digit] = HEX_DIGITS[(code >> (12 - digit * 4)) & 15];
  return at + 6;
}

/** Shorter texts are not worth words; nor, below the second one, a view of where they come from, which may be new each time. */
const WORDS_MIN = 8;
const VIEW_MIN = 64;
const NOTHING = new Uint8Array(0);
const BACKSLASH = 0x5c;
const HEX = 0x75;
/** No letter: stands for two escapes in hex. */
const PAIR = 1;
const HEX_DIGITS = Buffer.from('0123456789ABCDEF');

/** By byte: 0 for what stays, else the letter after the backslash. */
const ESCAPES = new Uint8Array(256).fill(HEX, 0, 0x20).fill(PAIR, 0xf0);
for (const [char, letter] of ['""', '\\\\', '\bb', '\tt', '\nn', '\ff', '\rr']) {
  ESCAPES[char.charCodeAt(0)] = letter.charCodeAt(0);
}
