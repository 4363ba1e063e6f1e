import { failed } from '../schema.ts';

/**
 * Well-known binary, `order type [srid] body` with order 0 (big end first) or 1, and the type's upper bits for z, m and, in
 * the extended form, the spatial reference (https://libgeos.org/specifications/wkb/).
 */
const HAS_Z = 0x8000_0000;
const HAS_M = 0x4000_0000;
const HAS_SRID = 0x2000_0000;
const KIND = 0xff;

export function isExtended(bytes: Uint8Array): boolean {
  if (bytes.length < 5) return false;
  return (viewOf(bytes).getUint32(1, isLittle(bytes[0])) & HAS_SRID) !== 0;
}

/** With the spatial reference. */
export function extended(bytes: Uint8Array, srid: number): Uint8Array {
  if (isExtended(bytes)) return bytes;
  const { out, type, little } = head(bytes, bytes.length + 4);
  out.setUint32(1, (type | HAS_SRID) >>> 0, little);
  out.setInt32(5, srid, little);
  return withBody(out, 9, bytes.subarray(5));
}

/** Without it. */
export function plain(bytes: Uint8Array): Uint8Array {
  if (!isExtended(bytes)) return bytes;
  const { out, type, little } = head(bytes, bytes.length - 4);
  out.setUint32(1, (type & ~HAS_SRID) >>> 0, little);
  return withBody(out, 5, bytes.subarray(9));
}

/** With x and y in each other's place in every coordinate. @throws IcestreamError transform.record: not a geometry */
export function swapped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  try {
    const end = new Swap(viewOf(copy)).geometry(0);
    return copy.subarray(0, end);
  } catch (error) {
    throw failed('Failed to swap EWKB/WKB coordinates', error);
  }
}

/** Walks a geometry and swaps as it goes; every method answers where its part ends. */
class Swap {
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  /** From the order's byte on. */
  geometry(at: number): number {
    const little = isLittle(this.#view.getUint8(at));
    const type = this.#view.getUint32(at + 1, little);
    const body = at + 5 + ((type & HAS_SRID) === 0 ? 0 : 4);
    if (body > at + 5) this.#view.getInt32(at + 5, little);
    return this.#body(body, type & KIND, strideOf(type), little);
  }

  #body(at: number, kind: number, stride: number, little: boolean): number {
    switch (kind) {
      case 1:
        return this.#point(at, stride, little);
      case 2:
        return this.#each(at, little, (part) => this.#point(part, stride, little));
      case 3:
        return this.#polygon(at, stride, little);
      // Parts of a collection of one kind have its dimensions, whatever their own types say.
      case 4:
      case 5:
      case 6:
        return this.#each(at, little, (part) => {
          const own = isLittle(this.#view.getUint8(part));
          this.#view.getUint32(part + 1, own);
          return this.#body(part + 5, kind - 3, stride, own);
        });
      case 7:
        return this.#each(at, little, (part) => this.geometry(part));
      default:
        throw failed(`Invalid geometry type: ${kind}`);
    }
  }

  #polygon(at: number, stride: number, little: boolean): number {
    return this.#each(at, little, (ring) =>
      this.#each(ring, little, (point) => this.#point(point, stride, little)),
    );
  }

  #each(at: number, little: boolean, part: (at: number) => number): number {
    const count = this.#view.getInt32(at, little);
    let next = at + 4;
    for (let i = 0; i < count; i++) next = part(next);
    return next;
  }

  #point(at: number, stride: number, little: boolean): number {
    const view = this.#view;
    const end = at + stride * 8;
    if (end > view.byteLength) throw failed('A coordinate is cut off');
    // As bits: a number that is none has more than one form.
    for (let half = 0; half < 8; half += 4) {
      const bits = view.getUint32(at + half, little);
      view.setUint32(at + half, view.getUint32(at + 8 + half, little), little);
      view.setUint32(at + 8 + half, bits, little);
    }
    return end;
  }
}

function strideOf(type: number): number {
  return 2 + ((type & HAS_Z) === 0 ? 0 : 1) + ((type & HAS_M) === 0 ? 0 : 1);
}

function isLittle(order: number): boolean {
  return order === 1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function head(bytes: Uint8Array, length: number): { out: DataView; type: number; little: boolean } {
  if (bytes.length < 5 || length < 5) throw failed('A geometry is cut off');
  const out = new DataView(new ArrayBuffer(length));
  out.setUint8(0, bytes[0]);
  const little = isLittle(bytes[0]);
  return { out, type: viewOf(bytes).getUint32(1, little), little };
}

function withBody(out: DataView, at: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(out.buffer);
  bytes.set(body, at);
  return bytes;
}
