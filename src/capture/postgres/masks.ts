import { createHash, getHashes, type Hash } from 'node:crypto';
import type { ConfigErrors } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import { javaRegexList } from '../../base/java-regex.ts';
import type { Codec, LogicalType, ValueWriter } from '../../record/value.ts';

/** What becomes of the text of some columns before any sink sees it. */
export interface MaskRule {
  /** Against `schema.table.column`. */
  readonly columns: readonly RegExp[];
  readonly mask: Mask;
}

export type Mask =
  | { readonly kind: 'chars'; readonly count: number }
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'hash'; readonly algorithm: string; readonly salt: string; readonly version: 1 | 2 };

/**
 * `column.mask.with.N.chars`, `column.mask.hash.ALGORITHM.with.salt.SALT` (and `hash.v2`), `column.truncate.to.N.chars`,
 * each with a list of patterns as its value.
 */
export function parseMasks(config: Readonly<Record<string, string>>): {
  readonly value: MaskRule[];
  readonly errors: ConfigErrors;
} {
  const rules: MaskRule[] = [];
  const errors: ConfigErrors = new Map();
  for (const [key, value] of Object.entries(config)) {
    const mask = maskOf(key);
    if (mask === null) continue;
    if (mask.kind === 'hash' && hashName(mask.algorithm) === null) {
      errors.set(key, [`${mask.algorithm} MessageDigest not available`]);
      continue;
    }
    try {
      rules.push({ columns: javaRegexList(value), mask });
    } catch (error) {
      const reason = `A comma-separated list of valid regular expressions is expected, but ${(error as Error).message}`;
      errors.set(key, [reason]);
    }
  }
  return { value: rules, errors };
}

function maskOf(key: string): Mask | null {
  const chars = /^column\.mask\.with\.(\d+)\.chars$/.exec(key);
  if (chars !== null) return { kind: 'chars', count: Number(chars[1]) };
  const truncate = /^column\.truncate\.to\.(\d+)\.chars$/.exec(key);
  if (truncate !== null) return { kind: 'truncate', length: Number(truncate[1]) };
  const hash = /^column\.mask\.hash\.(v2\.)?([^.]+)\.with\.salt\.(.+)$/.exec(key);
  if (hash === null) return null;
  return { kind: 'hash', algorithm: hash[2], salt: hash[3], version: hash[1] === undefined ? 1 : 2 };
}

/** Java's names (`SHA-256`, `MD5`, `SHA3-512`) to OpenSSL's. */
function hashName(algorithm: string): string | null {
  const wanted = algorithm.toLowerCase();
  const known = new Set(getHashes().map((name) => name.toLowerCase()));
  for (const name of [wanted, wanted.replace('-', ''), wanted.replace('sha-512/', 'sha512-')]) {
    if (known.has(name)) return name;
  }
  return null;
}

/**
 * Whether a column may have a mask: text, labels and `json` may. Others, `jsonb` and `xml` among them, are no text to Debezium.
 *
 * @param typeName pg_type.typname without domains
 */
export function isMaskable({ kind }: LogicalType, typeName: string): boolean {
  return kind === 'string' || kind === 'enum' || (kind === 'json' && typeName === 'json');
}

/** The mask of a column, the first rule that names it. */
export function maskFor(rules: readonly MaskRule[], table: string, column: string): Mask | null {
  const name = `${table}.${column}`;
  return rules.find((rule) => rule.columns.some((pattern) => pattern.test(name)))?.mask ?? null;
}

/** The same column with its text masked; `length` cuts a hash, as Debezium does. */
export function maskedCodec(codec: Codec, mask: Mask, length: number | null): Codec {
  const change = maskText(mask, length);
  // One for all cells: a read is over before the next begins.
  let target: ValueWriter = REFUSE_ALL;
  const masking: ValueWriter = {
    ...REFUSE_ALL,
    utf8(bytes, start, end) {
      const text = change(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start));
      target.utf8(text, 0, text.length);
    },
  };
  return {
    read(bytes, start, end, out) {
      target = out;
      codec.read(bytes, start, end, masking);
    },
  };
}

/** What becomes of a text that stands for a value. */
export function maskedText(text: string, mask: Mask, length: number | null): string {
  return maskText(mask, length)(Buffer.from(text)).toString();
}

type ChangeText = (text: Buffer) => Buffer;

function maskText(mask: Mask, length: number | null): ChangeText {
  if (mask.kind === 'chars') {
    const stars = Buffer.from('*'.repeat(mask.count));
    return () => stars;
  }
  if (mask.kind === 'truncate') {
    return (text) => {
      // UTF-16 units, as Java counts; a pair is never cut in two, which would leave half a character.
      const whole = text.toString('utf8');
      if (whole.length <= mask.length) return text;
      const cut = whole.slice(0, mask.length);
      return Buffer.from(cut.isWellFormed() ? cut : cut.slice(0, -1), 'utf8');
    };
  }
  const name = hashName(mask.algorithm)!;
  return (text) => {
    const hash = createHash(name);
    hash.update(mask.salt, 'utf8');
    const hex = addValue(hash, text, mask.version).digest('hex');
    return Buffer.from(length === null ? hex : hex.slice(0, length));
  };
}

/** Version 1 hashes the string as Java serialises an object, version 2 its UTF-8 bytes. */
function addValue(hash: Hash, text: Buffer, version: 1 | 2): Hash {
  if (version === 2) return hash.update(text);
  return hash.update(javaSerialized(text.toString('utf8')));
}

/** Stream magic and version, then TC_STRING or TC_LONGSTRING, length, and modified UTF-8 (Java Object Serialization, 6.4). */
function javaSerialized(text: string): Buffer {
  const bytes = modifiedUtf8(text);
  const isLong = bytes.length > 0xffff;
  const header = Buffer.alloc(isLong ? 13 : 7);
  header.writeUInt32BE(0xaced0005, 0);
  header[4] = isLong ? 0x7c : 0x74;
  if (isLong) header.writeBigUInt64BE(BigInt(bytes.length), 5);
  else header.writeUInt16BE(bytes.length, 5);
  return Buffer.concat([header, bytes]);
}

/** Zero in two bytes, and each half of a surrogate pair in three of its own. */
function modifiedUtf8(text: string): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 1 && unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  return Buffer.from(bytes);
}

/** A value that is not text must not pass a mask unseen. */
function refuse(): never {
  throw new IcestreamError('internal', 'a masked column wrote a value that is not text');
}

const REFUSE_ALL: ValueWriter = {
  null: refuse,
  bool: refuse,
  int32: refuse,
  int64: refuse,
  float32: refuse,
  float64: refuse,
  decimalSmall: refuse,
  decimal: refuse,
  utf8: refuse,
  bytes: refuse,
  uuid: refuse,
  date: refuse,
  time: refuse,
  timetz: refuse,
  timestamp: refuse,
  interval: refuse,
  special: refuse,
  beginList: refuse,
  endList: refuse,
  beginStruct: refuse,
  endStruct: refuse,
  beginMap: refuse,
  endMap: refuse,
};
