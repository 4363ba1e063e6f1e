import { javaCalendar, javaMidnight } from './julian.ts';

/** java.text.SimpleDateFormat in UTC and English, as far as its usual letters go. */
export interface DateFormat {
  format(millis: number): string;
  /** Null: the text does not begin with a date of this pattern. Lenient, as Java is: month 13 is January of the next year. */
  parse(text: string): number | null;
}

/** @throws SyntaxError a letter that is unknown or not supported, or a quote without end */
export function simpleDateFormat(pattern: string): DateFormat {
  const fields = tokenize(pattern);
  return {
    format: (millis) => {
      const date = javaCalendar(millis);
      return fields.map((field) => ('text' in field ? field.text : print(field, date))).join('');
    },
    parse: (text) => parse(fields, text),
  };
}

interface Letter {
  readonly letter: string;
  readonly count: number;
}
type Field = Letter | { readonly text: string };

const SUPPORTED = 'yMLdHkKhmsSaEDzZX';

function tokenize(pattern: string): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at];
    if (char === "'") {
      const { text, next } = quoted(pattern, at);
      fields.push({ text });
      at = next;
    } else if (/[a-zA-Z]/.test(char)) {
      let end = at + 1;
      while (pattern[end] === char) end++;
      if (!SUPPORTED.includes(char))
        throw new SyntaxError(`Illegal or unsupported pattern character '${char}'`);
      fields.push({ letter: char, count: end - at });
      at = end;
    } else {
      fields.push({ text: char });
      at++;
    }
  }
  return fields;
}

function quoted(pattern: string, start: number): { text: string; next: number } {
  if (pattern[start + 1] === "'") return { text: "'", next: start + 2 };
  let text = '';
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] !== "'") text += pattern[at];
    else if (pattern[at + 1] === "'") text += pattern[at++];
    else return { text, next: at + 1 };
  }
  throw new SyntaxError('Unterminated quote');
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

function print({ letter, count }: Letter, date: Date): string {
  switch (letter) {
    case 'y': {
      const given = date.getUTCFullYear();
      const year = given > 0 ? given : 1 - given;
      return count === 2 ? String(year % 100).padStart(2, '0') : String(year).padStart(count, '0');
    }
    case 'M':
    case 'L': {
      const name = MONTHS[date.getUTCMonth()];
      if (count >= 4) return name;
      return count === 3 ? name.slice(0, 3) : String(date.getUTCMonth() + 1).padStart(count, '0');
    }
    case 'E': {
      const name = DAYS[date.getUTCDay()];
      return count >= 4 ? name : name.slice(0, 3);
    }
    case 'a':
      return date.getUTCHours() < 12 ? 'AM' : 'PM';
    case 'z':
      return count >= 4 ? 'Coordinated Universal Time' : 'UTC';
    case 'Z':
      return '+0000';
    case 'X':
      return 'Z';
    default:
      return String(NUMBERS[letter](date)).padStart(count, '0');
  }
}

const NUMBERS: Readonly<Record<string, (date: Date) => number>> = {
  d: (date) => date.getUTCDate(),
  H: (date) => date.getUTCHours(),
  k: (date) => date.getUTCHours() || 24,
  K: (date) => date.getUTCHours() % 12,
  h: (date) => date.getUTCHours() % 12 || 12,
  m: (date) => date.getUTCMinutes(),
  s: (date) => date.getUTCSeconds(),
  S: (date) => date.getUTCMilliseconds(),
  D: (date) => dayOfYear(date),
};

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

interface Parsed {
  year: number;
  month: number;
  day: number;
  dayOfYear: number | null;
  hours: number;
  afternoon: number;
  minutes: number;
  seconds: number;
  millis: number;
  zoneMinutes: number;
}

function parse(fields: readonly Field[], text: string): number | null {
  const parsed: Parsed = {
    year: 1970,
    month: 0,
    day: 1,
    dayOfYear: null,
    hours: 0,
    afternoon: 0,
    minutes: 0,
    seconds: 0,
    millis: 0,
    zoneMinutes: 0,
  };
  let at = 0;
  for (const [i, field] of fields.entries()) {
    const next = fields[i + 1];
    // Digits of a field that another number follows directly are as many as its letters.
    const abutting = next !== undefined && 'letter' in next && isNumeric(next);
    const end = parseField(field, text, at, abutting, parsed);
    if (end === null) return null;
    at = end;
  }
  return millisOf(parsed);
}

function isNumeric({ letter, count }: Letter): boolean {
  return letter in NUMBERS || letter === 'y' || ((letter === 'M' || letter === 'L') && count < 3);
}

/** Where the field ends in the text, or null. */
function parseField(
  field: Field,
  text: string,
  from: number,
  abutting: boolean,
  into: Parsed,
): number | null {
  if ('text' in field) return text.startsWith(field.text, from) ? from + field.text.length : null;
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  if (!isNumeric(field)) return parseName(field, text, at, into);
  const limit = abutting ? field.count : 18;
  const digits = new RegExp(`-?\\d{1,${limit}}`, 'y');
  digits.lastIndex = at;
  const match = digits.exec(text);
  if (match === null) return null;
  setNumber(field, match[0], into);
  return at + match[0].length;
}

function setNumber({ letter, count }: Letter, digits: string, into: Parsed): void {
  const value = Number(digits);
  switch (letter) {
    case 'y':
      into.year = count <= 2 && /^\d\d$/.test(digits) ? nearCentury(value) : value;
      return;
    case 'M':
    case 'L':
      into.month = value - 1;
      return;
    case 'd':
      into.day = value;
      return;
    case 'D':
      into.dayOfYear = value;
      return;
    case 'k':
      into.hours = value === 24 ? 0 : value;
      return;
    case 'h':
      into.hours = value === 12 ? 0 : value;
      return;
    case 'H':
    case 'K':
      into.hours = value;
      return;
    case 'm':
      into.minutes = value;
      return;
    case 's':
      into.seconds = value;
      return;
    case 'S':
      into.millis = value;
  }
}

/** Two digits stand for a year from 80 years ago to 19 ahead. */
function nearCentury(value: number): number {
  const start = new Date().getUTCFullYear() - 80;
  const year = start - (start % 100) + value;
  return year < start ? year + 100 : year;
}

function parseName({ letter }: Letter, text: string, at: number, into: Parsed): number | null {
  const rest = text.slice(at);
  if (letter === 'M' || letter === 'L') {
    const found = nameAt(MONTHS, rest);
    if (found === null) return null;
    into.month = found.index;
    return at + found.length;
  }
  if (letter === 'E') {
    const found = nameAt(DAYS, rest);
    return found === null ? null : at + found.length;
  }
  if (letter === 'a') {
    const half = /^(am|pm)/i.exec(rest);
    if (half === null) return null;
    into.afternoon = half[0].toLowerCase() === 'pm' ? 12 : 0;
    return at + 2;
  }
  const zone = ZONES[letter].exec(rest);
  if (zone === null) return null;
  const [whole, sign, hours, minutes] = zone;
  into.zoneMinutes =
    sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1);
  return at + whole.length;
}

/** Named zones other than Greenwich's are not read: what they mean depends on Java's tables. */
const ZONES: Readonly<Record<string, RegExp>> = {
  z: /^(?:(?:GMT)?([+-])(\d{1,2}):?(\d\d)|UTC|GMT)/,
  Z: /^(?:([+-])(\d\d)(\d\d)|GMT|UTC)/,
  X: /^(?:Z|([+-])(\d\d)(?::?(\d\d))?)/,
};

function nameAt(names: readonly string[], text: string): { index: number; length: number } | null {
  const lower = text.toLowerCase();
  for (const [index, name] of names.entries()) {
    if (lower.startsWith(name.toLowerCase())) return { index, length: name.length };
  }
  const index = names.findIndex((name) => lower.startsWith(name.slice(0, 3).toLowerCase()));
  return index < 0 ? null : { index, length: 3 };
}

function millisOf(parsed: Parsed): number {
  const { year, month, day, dayOfYear, hours, afternoon, minutes, seconds, millis, zoneMinutes } = parsed;
  const midnight = javaMidnight(year, dayOfYear === null ? month : 0, dayOfYear ?? day);
  return midnight + ((hours + afternoon) * 3600 + (minutes - zoneMinutes) * 60 + seconds) * 1000 + millis;
}
