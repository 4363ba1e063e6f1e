import { IcestreamError } from '../../base/errors.ts';
import type { ColumnWriter } from './column-writer.ts';

/** A column that takes nothing: each column type overrides the methods that fit it. */
export abstract class RejectingColumn implements ColumnWriter {
  abstract readonly fieldId: number;
  /** Dotted path, for messages. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  protected reject(method: string): never {
    throw new IcestreamError('internal', `the column ${this.name} takes no ${method}`, {
      context: { column: this.name, method },
    });
  }

  protected outOfRange(what: string): never {
    throw new IcestreamError('table.value-out-of-range', `${what} in the column ${this.name}`, {
      context: { column: this.name },
    });
  }

  null(): void {
    this.reject('null');
  }
  bool(_value: boolean): void {
    this.reject('bool');
  }
  int32(_value: number): void {
    this.reject('int32');
  }
  int64(_hi: number, _lo: number): void {
    this.reject('int64');
  }
  float32(_value: number): void {
    this.reject('float32');
  }
  float64(_value: number): void {
    this.reject('float64');
  }
  decimalSmall(_unscaled: number, _scale: number): void {
    this.reject('decimalSmall');
  }
  decimal(_unscaled: bigint, _scale: number): void {
    this.reject('decimal');
  }
  utf8(_bytes: Uint8Array, _start: number, _end: number): void {
    this.reject('utf8');
  }
  bytes(_bytes: Uint8Array, _start: number, _end: number): void {
    this.reject('bytes');
  }
  uuid(_bytes: Uint8Array, _start: number): void {
    this.reject('uuid');
  }
  date(_days: number): void {
    this.reject('date');
  }
  time(_hi: number, _lo: number): void {
    this.reject('time');
  }
  timetz(_hi: number, _lo: number, _zoneSeconds: number): void {
    this.reject('timetz');
  }
  timestamp(_hi: number, _lo: number): void {
    this.reject('timestamp');
  }
  interval(_months: number, _days: number, _hi: number, _lo: number): void {
    this.reject('interval');
  }
  special(_kind: 'nan' | 'infinity' | '-infinity'): void {
    this.reject('special value');
  }
  beginList(_count: number): void {
    this.reject('list');
  }
  endList(): void {
    this.reject('end of a list');
  }
  beginStruct(): void {
    this.reject('struct');
  }
  endStruct(): void {
    this.reject('end of a struct');
  }
  beginMap(_count: number): void {
    this.reject('map');
  }
  endMap(): void {
    this.reject('end of a map');
  }
}
