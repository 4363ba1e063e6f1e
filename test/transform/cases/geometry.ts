import { eventOf } from './event.ts';
import {
  type Case,
  type CaseRecord,
  caseList,
  int32,
  of,
  type Schema,
  struct,
  tombstone,
  untyped,
} from './record.ts';

const { cases, debezium } = caseList();

const geometry = (more: Schema = {}) =>
  struct(
    'io.debezium.data.geometry.Geometry',
    { wkb: of('bytes', { optional: false }), srid: int32({ optional: true }) },
    { version: 1, optional: true, ...more },
  );
const GEOMETRIES = {
  id: int32({ default: 3, optional: true }),
  g: geometry(),
  list: of('array', { items: geometry() }),
  map: of('map', { keys: { type: 'string', optional: false }, values: geometry() }),
  nested: struct('n', { g: geometry({ optional: true }) }, { optional: true }),
  point: struct(
    'io.debezium.data.geometry.Point',
    {
      x: of('double', { optional: false }),
      y: of('double', { optional: false }),
      wkb: of('bytes'),
      srid: int32({ optional: true }),
    },
    { version: 1, optional: true },
  ),
};
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const [ONE, TWO, THREE] = ['000000000000f03f', '0000000000000040', '0000000000000840'];
/** Little end first, except the last. */
const SHAPES: Readonly<Record<string, string>> = {
  point: `0101000000${ONE}${TWO}`,
  'point with srid': `0101000020e6100000${ONE}${TWO}`,
  'point with z': `0101000080${ONE}${TWO}${THREE}`,
  'point with z, m and srid': `01010000e0e6100000${ONE}${TWO}${THREE}${ONE}`,
  'empty line': '010200000000000000',
  line: `010200000002000000${ONE}${TWO}${TWO}${THREE}`,
  polygon: `01030000000100000002000000${ONE}${TWO}${TWO}${THREE}`,
  points: `0104000000020000000101000000${ONE}${TWO}0101000000${TWO}${THREE}`,
  lines: `010500000001000000010200000001000000${ONE}${TWO}`,
  polygons: `01060000000100000001030000000100000001000000${ONE}${TWO}`,
  collection: `0107000020e6100000020000000101000000${ONE}${TWO}010200000001000000${TWO}${THREE}`,
  'big end in little': '010400000001000000000000000' + '13ff00000000000004000000000000000',
  'big end': '00000000013ff00000000000004000000000000000',
  'more behind': `0101000000${ONE}${TWO}ffff`,
  'cut off': `0101000000${ONE}`,
  'no such kind': `0111000000${ONE}${TWO}`,
};
const shaped = eventOf(GEOMETRIES);
const shapes: Record<string, CaseRecord> = { tombstone, untyped, truncate: shaped('t', null, null) };
for (const [name, hex] of Object.entries(SHAPES)) {
  for (const srid of [4326, 27700, null]) {
    const g = { wkb: base64(hex), srid };
    const row = { id: null, g, list: null, map: null, nested: null, point: null };
    shapes[`${name} ${srid}`] = shaped('c', null, row);
  }
}
const everywhere = { wkb: base64(SHAPES['point']!), srid: 4326 };
shapes['everywhere'] = shaped('u', null, {
  id: null,
  g: null,
  list: [everywhere, null],
  map: { a: everywhere },
  nested: { g: everywhere },
  point: { x: 1, y: 2, ...everywhere },
});
for (const config of [{}, { format: 'ewkb' }, { format: ' EWKB ' }, { format: 'other' }] as Record<
  string,
  string
>[])
  debezium('GeometryFormatTransformer', config, shapes);
for (const config of [{}, { srids: '27700' }, { srids: '1,4326' }, { srids: 'x' }] as Record<
  string,
  string
>[])
  debezium('SwapGeometryCoordinates', config, shapes);

export const GEOMETRY_CASES: readonly Case[] = cases;
