import type { ConnectList, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { invalid } from '../options.ts';
import { failed, fieldIndex, optionalCopy } from '../schema.ts';

/** An entry of `add.fields` or `add.headers`: `op`, `source.ts_ms`, `lsn:position`. */
export interface FieldReference {
  /** The block of the envelope that has the field; null: the envelope itself. */
  readonly block: string | null;
  readonly field: string;
  /** What it is called in the row or among the headers. */
  readonly name: string;
}

/** Where a reference leads in one envelope schema. */
export interface BoundReference extends FieldReference {
  readonly schema: ConnectSchema;
  /** With a struct's fields, which `schema` lacks: a Java struct in a header is written by its own. */
  readonly headerSchema: ConnectSchema;
  valueIn(envelope: ConnectList): ConnectValue;
}

export function parseReferences(entries: readonly string[], prefix: string): FieldReference[] {
  return entries.filter((entry) => entry !== '').map((entry) => parseReference(entry, prefix));
}

function parseReference(entry: string, prefix: string): FieldReference {
  const [path, alias, ...rest] = entry.split(':');
  if (rest.length > 0) throw invalid(`Unexpected field name: ${entry}`);
  const steps = path.split('.');
  const field = steps.length === 1 ? steps[0] : steps[1];
  const block = steps.length === 1 ? blockOf(field) : steps[0];
  const own = steps.length === 1 ? field : `${block}_${field}`;
  return { block, field, name: prefix + (alias ?? own) };
}

/** Where a field without a path is looked for. */
function blockOf(field: string): string | null {
  switch (field) {
    case 'id':
    case 'data_collection_order':
    case 'total_order':
      return 'transaction';
    case 'op':
    case 'ts_ms':
    case 'ts_us':
    case 'ts_ns':
      return null;
    case 'updateDescription':
      return 'updateDescription';
    default:
      return 'source';
  }
}

/** Null: neither the block nor the envelope has the field. @throws IcestreamError transform.record: there is no such block */
export function bindReference(reference: FieldReference, envelope: ConnectSchema): BoundReference | null {
  const { block, field } = reference;
  const top = fieldIndex(envelope, field);
  const parent = block === null ? -1 : fieldIndex(envelope, block);
  if (block !== null && parent < 0) throw failed(`Unknown block ${block} of the envelope`);
  const inBlock = parent < 0 ? -1 : fieldIndex(envelope.fields![parent].schema, field);
  if (inBlock < 0 && top < 0) return null;
  const source = inBlock < 0 ? envelope.fields![top] : envelope.fields![parent].schema.fields![inBlock];
  return {
    ...reference,
    schema: optionalCopy(source.schema),
    headerSchema:
      source.schema.type === 'struct' ? { ...source.schema, optional: true } : optionalCopy(source.schema),
    valueIn(values) {
      if (parent < 0) return values[top];
      const struct = values[parent] as ConnectList | null;
      // The transaction block is null where a connector does not provide it.
      if (struct === null) return null;
      return inBlock < 0 ? values[top] : struct[inBlock];
    },
  };
}
