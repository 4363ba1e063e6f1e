import type { Codec, ValueWriter } from '../../../record/value.ts';

/** `textsend` and its kin (varchar, bpchar, name, json, xml, enum, citext): the text itself, in the client's encoding, which we set to UTF-8. */
export const textCodec: Codec = {
  read(bytes, start, end, out) {
    out.utf8(bytes, start, end);
  },
};

/** `jsonb_send`, `ltree_send`, `jsonpath_send`: a version byte, always 1, then the text. */
export const versionedTextCodec: Codec = {
  read(bytes, start, end, out) {
    out.utf8(bytes, start + 1, end);
  },
};

export const byteaCodec: Codec = {
  read(bytes, start, end, out) {
    out.bytes(bytes, start, end);
  },
};

export const uuidCodec: Codec = {
  read(bytes, start, _end, out) {
    out.uuid(bytes, start);
  },
};

/** `charsend` of the one-byte type "char": printed as `charout` does, zero as nothing, above ASCII in octal. */
export const charCodec: Codec = {
  read(bytes, start, end, out) {
    const byte = bytes[start];
    if (byte === 0) out.utf8(bytes, start, start);
    else if (byte < 0x80) out.utf8(bytes, start, end);
    else writeText(`\\${byte.toString(8)}`, out);
  },
};

/** A codec for types that are rare and have no text of their own in the binary form: `print` makes it. */
export function printedCodec(print: (bytes: Uint8Array, start: number, end: number) => string): Codec {
  return {
    read(bytes, start, end, out) {
      writeText(print(bytes, start, end), out);
    },
  };
}

export function writeText(text: string, out: ValueWriter): void {
  const bytes = Buffer.from(text, 'utf8');
  out.utf8(bytes, 0, bytes.length);
}

/** UTF-8 at bytes[start, end) as a string. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
