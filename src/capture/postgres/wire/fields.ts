import { IcestreamError } from '../../../base/errors.ts';

/**
 * Reads the fields of one message that is not on the hot path, never outside bytes[start, end). Every error carries
 * the message's name and the position in it, never its bytes.
 */
export class Fields {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #message: string;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number, message: string) {
    this.#bytes = bytes;
    this.#start = start;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
    this.#message = message;
  }

  get position(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)];
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** 64 bits, unsigned: a log position. */
  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  /** Microseconds since 2000-01-01 on the wire, since 1970-01-01 here; exact until the year 2255. */
  timestampMicros(): number {
    return Number(this.#bytes.readBigInt64BE(this.#take(8)) + 946_684_800_000_000n);
  }

  /** UTF-8 up to a zero byte. */
  string(): string {
    const zero = this.#bytes.indexOf(0, this.#at);
    if (zero < 0 || zero >= this.#end) throw this.error('a string without its end');
    const text = this.#bytes.toString('utf8', this.#at, zero);
    this.#at = zero + 1;
    return text;
  }

  /** A view, not a copy. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Bytes behind the last field are as wrong as missing ones: the message was not understood. */
  done(): void {
    if (this.#at !== this.#end) throw this.error(`${this.#end - this.#at} bytes too many`);
  }

  error(what: string): IcestreamError {
    return new IcestreamError('postgres.protocol', `malformed ${this.#message} message: ${what}`, {
      context: { message: this.#message, position: this.#at - this.#start, length: this.#end - this.#start },
    });
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#end) throw this.error('ends too early');
    this.#at = at + length;
    return at;
  }
}
