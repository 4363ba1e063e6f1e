import type { ByteBuffer } from '../base/byte-buffer.ts';
import { PhysicalWriter } from './physical-writer.ts';

/**
 * What writers of bytes have in common: a window over the buffer that they append to, which is looked at again only when it grows,
 * because a call of the buffer for every number would cost more than the number.
 */
export abstract class ByteWriter extends PhysicalWriter {
  protected out: ByteBuffer = NOWHERE;
  protected target: Uint8Array = NOWHERE.bytes;
  protected view: DataView = new DataView(NOWHERE.bytes.buffer);
  /** Where the next byte goes. */
  protected at = 0;
  private limit = 0;

  protected start(out: ByteBuffer): void {
    this.out = out;
    this.at = out.length;
    if (out.bytes !== this.target) this.follow();
  }

  protected finish(): void {
    this.out.length = this.at;
  }

  /** Makes room for `count` more bytes, and for as much as copying whole words goes too far; `target` and `view` may be others then. */
  protected reserve(count: number): void {
    if (this.at + count + WORD_BYTES <= this.limit) return;
    this.out.length = this.at;
    this.out.reserve(count + WORD_BYTES);
    this.follow();
  }

  /** 32 bits, taken as unsigned, seven to a byte and the lowest first; there is room for 5 bytes. */
  protected varint(value: number): void {
    const { target } = this;
    let at = this.at;
    let rest = value >>> 0;
    while (rest > 127) {
      target[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    target[at++] = rest;
    this.at = at;
  }

  /** The same for hi * 2^32 + lo; there is room for 10 bytes. */
  protected varint64(hi: number, lo: number): void {
    const { target } = this;
    let at = this.at;
    let high = hi;
    let low = lo;
    while (high !== 0) {
      target[at++] = (low & 127) | 128;
      low = (low >>> 7) | (high << 25);
      high >>>= 7;
    }
    this.at = at;
    this.varint(low);
  }

  private follow(): void {
    const { bytes } = this.out;
    this.target = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limit = bytes.length;
  }
}

const NOWHERE = { bytes: Buffer.alloc(0), length: 0 } as ByteBuffer;
const WORD_BYTES = 8;
