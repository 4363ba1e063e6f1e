import type { ConnectList, ConnectMap, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { invalid, readOptions, text } from '../options.ts';
import { failed, fieldIndex, orDefault } from '../schema.ts';
import type { Transform, TransformDefinition } from '../transform.ts';
import { extended, isExtended, plain, swapped } from './geometry-bytes.ts';

const FORMAT = { format: text('wkb', { importance: 'LOW' }) };
const SRIDS = { srids: text(null, { importance: 'LOW' }) };
const GEOMETRY = 'io.debezium.data.geometry.Geometry';

/** Makes new bytes of a geometry; a null `srid` is one that is not known. */
type Convert = (wkb: Uint8Array | null, srid: number | null) => Uint8Array | null;

/**
 * io.debezium.transforms.GeometryFormatTransformer. The format names what geometries have, not what they get: `wkb` adds the
 * spatial reference. Once it has seen one that has it, it takes it away from all.
 */
export const geometryFormatTransformer: TransformDefinition = {
  options: FORMAT,
  create(config) {
    let removes = formatOf(readOptions(FORMAT, config).format) === 'ewkb';
    return converting(false, (wkb, srid) => {
      if (wkb !== null && isExtended(wkb)) removes = true;
      if (removes) return wkb === null ? null : plain(wkb);
      if (srid === null) throw failed('Cannot convert to EWKB when SRID is null');
      if (wkb === null) throw failed('A geometry has no bytes');
      return extended(wkb, srid);
    });
  },
};

/** io.debezium.transforms.SwapGeometryCoordinates: latitude and longitude in each other's place. */
export const swapGeometryCoordinates: TransformDefinition = {
  options: SRIDS,
  create(config) {
    const { srids } = readOptions(SRIDS, config);
    const swaps = new Set(srids === null ? [4326, 3857, 4269] : srids.split(',').map(sridOf));
    return converting(true, (wkb, srid) => {
      if (wkb === null || srid === null || !swaps.has(srid)) return wkb;
      return swapped(wkb);
    });
  },
};

/** Refused when the task starts, as Debezium does. */
function formatOf(given: string): string {
  const format = given.trim().toLowerCase();
  if (format === 'wkb' || format === 'ewkb') return format;
  const problem = "The 'format' value is invalid: Value must be one of ewkb, wkb";
  throw invalid(`Invalid value ${given} for configuration format: ${problem}`, 'format');
}

function sridOf(text: string): number {
  const srid = text.trim();
  if (/^[+-]?\d+$/.test(srid)) return Number(srid);
  throw invalid(`Invalid value ${text} for configuration srids: Not a number of type INT`, 'srids');
}

/** Geometries of a value's structs, and, `everywhere`, of its lists and maps. */
function converting(everywhere: boolean, convert: Convert): Transform {
  return {
    apply(record) {
      const { value, valueSchema: schema } = record;
      if (value === null || schema?.type !== 'struct') return record;
      return { ...record, value: structOf(schema, value as ConnectList) };
    },
  };

  function structOf(schema: ConnectSchema, struct: ConnectList): ConnectValue[] {
    return struct.map((each, i) => {
      const field = schema.fields![i].schema;
      return converted(field, orDefault(field, each));
    });
  }

  function converted(schema: ConnectSchema, value: ConnectValue): ConnectValue {
    if (value === null) return null;
    if (schema.type === 'struct')
      return (schema.name === GEOMETRY ? geometryOf : structOf)(schema, value as ConnectList);
    if (everywhere && schema.type === 'array')
      return (value as ConnectList).map((each) => converted(schema.values!, each));
    if (everywhere && schema.type === 'map') {
      const entries = [...(value as ConnectMap)];
      return new Map(
        entries.map(([key, each]) => [converted(schema.keys!, key), converted(schema.values!, each)]),
      );
    }
    return value;
  }

  function geometryOf(schema: ConnectSchema, struct: ConnectList): ConnectValue[] {
    const [wkb, srid] = [fieldIndex(schema, 'wkb'), fieldIndex(schema, 'srid')];
    const bytes = convert(struct[wkb] as Uint8Array | null, struct[srid] as number | null);
    return struct.with(wkb, bytes);
  }
}
