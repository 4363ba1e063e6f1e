/**
 * A name that Protobuf takes, as `scrub.invalid.names` makes it (ProtobufData.scrubName): what is no letter, digit or
 * underscore becomes an underscore, with the hex of its bytes where a form in a url would have it.
 */
export function scrubName(name: string): string {
  if (name === '' || /^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return name;
  const scrubbed = Array.from(Buffer.from(name), scrubByte).join('');
  return /^[0-9_]/.test(name) ? `x${scrubbed}` : scrubbed;
}

function scrubByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (/[A-Za-z0-9_]/.test(char)) return char;
  return PLAIN_IN_URLS.has(char) ? '_' : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** What java.net.URLEncoder leaves, or writes as a plus. */
const PLAIN_IN_URLS: ReadonlySet<string> = new Set(['.', '-', '*', ' ']);

/** The name of the message that a map's entries are (ProtobufSchema.toMapEntry). */
export function entryName(name: string): string {
  if (!name.includes('_')) return `${name}Entry`;
  const words = name.split('_').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase());
  return `${words.join('')}Entry`;
}

export function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
