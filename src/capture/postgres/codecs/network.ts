import { uint16At, uint32At } from './integer.ts';
import { printedCodec } from './text.ts';

/** PGSQL_AF_INET; PGSQL_AF_INET6 is one more. */
const FAMILY_INET = 2;

/** `inet_send`: family, prefix bits, is cidr, address length, address. The prefix is printed unless it is the full one of an inet. */
export const inetCodec = printedCodec((bytes, start) => {
  const isV4 = bytes[start] === FAMILY_INET;
  const bits = bytes[start + 1];
  const isCidr = bytes[start + 2] !== 0;
  const at = start + 4;
  const address = isV4 ? printV4(bytes, at) : printV6(bytes, at);
  return isCidr || bits !== (isV4 ? 32 : 128) ? `${address}/${bits}` : address;
});

/** `macaddr_send`, `macaddr8_send`: 6 or 8 bytes. */
export const macaddrCodec = printedCodec((bytes, start, end) =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
    .toString('hex')
    .replace(/..(?!$)/g, '$&:'),
);

/** `pg_lsn_send`: 64 bits printed as two hexadecimal halves. */
export const lsnCodec = printedCodec((bytes, start) =>
  `${uint32At(bytes, start).toString(16)}/${uint32At(bytes, start + 4).toString(16)}`.toUpperCase(),
);

/** `tidsend`: block number and index in the block. */
export const tidCodec = printedCodec(
  (bytes, start) => `(${uint32At(bytes, start)},${uint16At(bytes, start + 4)})`,
);

function printV4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** The longest run (the first of equals) of at least two zero groups becomes `::`; mapped and compatible addresses end in IPv4 form. */
function printV6(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => uint16At(bytes, at + 2 * i));
  const { start, length } = longestZeroRun(groups);
  const endsInV4 =
    start === 0 &&
    (length === 6 || (length === 7 && groups[7] !== 1) || (length === 5 && groups[5] === 0xffff));
  const words = groups.map((group) => group.toString(16));
  if (endsInV4) words.splice(6, 2, printV4(bytes, at + 12));
  if (length < 2) return words.join(':');
  const tail = words.slice(Math.min(start + length, words.length));
  // A run that reaches into the IPv4 form leaves that form whole.
  const shownTail = endsInV4 && tail.length === 0 ? [words[words.length - 1]] : tail;
  return `${words.slice(0, start).join(':')}::${shownTail.join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (i + length < groups.length && groups[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  return best;
}
