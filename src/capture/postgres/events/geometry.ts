import type { ConnectField, ConnectSchema } from '../../../record/connect-schema.ts';
import type { ValueWriter } from '../../../record/value.ts';
import { printFloat4 } from '../codecs/print.ts';
import { Adapter } from './adapter.ts';
import { asIs, BYTES, FLOAT64, INT16, named, optional, type Shape } from './shape.ts';

const SRID: ConnectField = { name: 'srid', schema: { type: 'int32', optional: true } };

/** Little-endian WKB of a point: byte order 1, type 1, x, y. */
function pointWkb(x: number, y: number, into = Buffer.alloc(21)): Buffer {
  into[0] = 1;
  into.writeUInt32LE(1, 1);
  into.writeDoubleLE(x, 5);
  into.writeDoubleLE(y, 13);
  return into;
}

export const POINT: Shape = {
  schema: {
    ...named('struct', 'io.debezium.data.geometry.Point'),
    doc: 'Geometry (POINT)',
    fields: [
      { name: 'x', schema: FLOAT64 },
      { name: 'y', schema: FLOAT64 },
      { name: 'wkb', schema: optional(BYTES) },
      SRID,
    ],
  },
  zero: [0, 0, pointWkb(0, 0), null],
  adapt: (out) => new Point(out),
};

class Point extends Adapter {
  readonly #wkb = Buffer.alloc(21);
  #x = 0;
  #y = 0;
  #count = 0;

  override beginStruct(): void {
    this.#count = 0;
  }
  override float64(value: number): void {
    if (this.#count++ === 0) this.#x = value;
    else this.#y = value;
  }
  override endStruct(): void {
    const { out } = this;
    out.beginStruct();
    out.float64(this.#x);
    out.float64(this.#y);
    out.bytes(pointWkb(this.#x, this.#y, this.#wkb), 0, 21);
    out.null();
    out.endStruct();
  }
}

/** POINT(-99999999 -99999999), SRID 4326: what stands for a geometry that the log does not carry. */
const GEOMETRY_PLACEHOLDER = Buffer.from('0101000020E6100000000000FC83D797C1000000FC83D797C1', 'hex');
/** POINT(179.999999 89.999999), SRID 4326: the same within the globe. */
const GEOGRAPHY_PLACEHOLDER = Buffer.from('0101000020E61000000C21E7FDFF7F66401842CEFBFF7F5640', 'hex');
/** GEOMETRYCOLLECTION EMPTY. */
const EMPTY_WKB = Buffer.from('010700000000000000', 'hex');

export const GEOMETRY = postgis('Geometry', GEOMETRY_PLACEHOLDER);
export const GEOGRAPHY = postgis('Geography', GEOGRAPHY_PLACEHOLDER);

function postgis(name: string, placeholder: Uint8Array): Shape {
  const schema: ConnectSchema = {
    ...named('struct', `io.debezium.data.geometry.${name}`),
    doc: name,
    fields: [{ name: 'wkb', schema: BYTES }, SRID],
  };
  return asIs(schema, [EMPTY_WKB, null], [placeholder, 4326]);
}

/** pgvector's `vector`. Debezium reads the text, so that a float4 becomes the double that it is printed as. */
export const VECTOR: Shape = {
  schema: { ...named('array', 'io.debezium.data.DoubleVector'), values: FLOAT64 },
  zero: [],
  adapt: (out) => new DoubleVector(out),
};

class DoubleVector extends Adapter {
  override beginList(count: number): void {
    this.out.beginList(count);
  }
  override float32(value: number): void {
    this.out.float64(Number(printFloat4(value)));
  }
  override endList(): void {
    this.out.endList();
  }
}

export const HALF_VECTOR: Shape = asIs(
  {
    ...named('array', 'io.debezium.data.FloatVector'),
    values: { type: 'float32', optional: false },
  },
  [],
);

export const SPARSE_VECTOR: Shape = {
  schema: {
    ...named('struct', 'io.debezium.data.SparseDoubleVector'),
    doc: 'Sparse double vector',
    fields: [
      { name: 'dimensions', schema: INT16 },
      { name: 'vector', schema: { type: 'map', optional: false, keys: INT16, values: FLOAT64 } },
    ],
  },
  zero: [0, new Map()],
  adapt: (out) => new SparseVector(out),
};

/** The codec writes dimensions, a list of indices, a list of values. */
class SparseVector extends Adapter {
  #dimensions = 0;
  #indices: number[] = [];
  #values: number[] = [];
  #lists = 0;

  override beginStruct(): void {
    this.#indices = [];
    this.#values = [];
    this.#lists = 0;
  }
  override beginList(_count: number): void {
    this.#lists++;
  }
  override endList(): void {}
  override int32(value: number): void {
    if (this.#lists === 0) this.#dimensions = value;
    else this.#indices.push(value);
  }
  override float32(value: number): void {
    this.#values.push(Number(printFloat4(value)));
  }
  override endStruct(): void {
    const { out } = this;
    out.beginStruct();
    out.int32(this.#dimensions);
    this.#writeMap(out);
    out.endStruct();
  }

  #writeMap(out: ValueWriter): void {
    out.beginMap(this.#indices.length);
    this.#indices.forEach((index, i) => {
      out.int32(index);
      out.float64(this.#values[i]);
    });
    out.endMap();
  }
}
