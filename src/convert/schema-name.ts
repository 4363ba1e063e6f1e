/** A schema's name as `schema.name.adjustment.mode` wants it: none, avro (others become `_`) or avro_unicode (`_uXXXX`). */
export function adjustedName(name: string, mode: string): string {
  const wanted = mode.trim().toLowerCase();
  if (wanted === 'none') return name;
  const replace = wanted === 'avro_unicode' ? unicodeEscape : () => '_';
  const legal = wanted === 'avro_unicode' ? /[^A-Za-z0-9.]/g : /[^A-Za-z0-9_.]/g;
  // A digit may not come first: it is escaped as well, or has an underscore put before it.
  return name
    .replace(/^[0-9.]/, (char) => (wanted === 'avro' && char !== '.' ? `_${char}` : replace(char)))
    .replace(legal, (char, at) => (at === 0 && char === '_' ? char : replace(char)));
}

function unicodeEscape(char: string): string {
  return `_u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
