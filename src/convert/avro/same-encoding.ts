type Avro = string | readonly Avro[] | { readonly [property: string]: unknown };

/**
 * Whether values of two Avro schemas have the same bytes: names, order and types of fields, as Avro's Parsing Canonical Form
 * compares them; what they say beside that may differ.
 */
export function hasSameEncoding(one: string, other: string): boolean {
  return JSON.stringify(canonical(parse(one), '')) === JSON.stringify(canonical(parse(other), ''));
}

function parse(text: string): Avro {
  return JSON.parse(text) as Avro;
}

function canonical(avro: Avro, space: string): unknown {
  if (typeof avro === 'string') return PRIMITIVES.has(avro) ? avro : fullName(avro, space);
  if (Array.isArray(avro)) return avro.map((branch: Avro) => canonical(branch, space));
  const node = avro as { readonly [property: string]: unknown };
  const { type, items, values, symbols, size } = node;
  if (typeof type !== 'string') return canonical(type as Avro, space);
  if (items !== undefined) return [type, canonical(items as Avro, space)];
  if (values !== undefined) return [type, canonical(values as Avro, space)];
  if (typeof node['name'] !== 'string') return type;
  const name = fullName(node['name'], (node['namespace'] as string | undefined) ?? space);
  const inside = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  const fields = (node['fields'] as { name: string; type: Avro }[] | undefined)?.map((field) => [
    field.name,
    canonical(field.type, inside),
  ]);
  return [type, name, fields ?? null, symbols ?? null, size ?? null];
}

function fullName(name: string, space: string): string {
  return name.includes('.') || space === '' ? name : `${space}.${name}`;
}

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);
