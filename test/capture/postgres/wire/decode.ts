import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageTable } from '../../../../src/capture/postgres/messages.ts';
import { PostgresOffset } from '../../../../src/capture/postgres/offset.ts';
import { Decoder, type DecoderOptions, Stop } from '../../../../src/capture/postgres/wire/decoder.ts';
import type { ChangeBatch } from '../../../../src/record/batch.ts';
import { plainPlan } from '../../../bench/plain-catalog.ts';
import { type PlainRow, plainRows } from '../plain.ts';

export function recorded(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, '../../../fixtures/postgres', `pgoutput-${name}.bin`));
}

export function offsetAt(lsn: bigint, mayExistUntil = 0n): PostgresOffset {
  return new PostgresOffset({
    epoch: 0,
    lsn,
    txId: null,
    timestampMicros: 0,
    initialSnapshot: false,
    progress: null,
    mayExistUntil,
  });
}

export function newDecoder(options: Partial<DecoderOptions> = {}, from = offsetAt(0n)): Decoder {
  return new Decoder(from, {
    messageTable: messageTable('postgres'),
    ownPrefix: null,
    wantsMessage: () => true,
    keepalive: () => {},
    batchBytes: 1 << 20,
    batchRows: 1 << 14,
    batchBytesMax: 1 << 22,
    ...options,
  });
}

/** What the stream around the decoder does, without a socket or a disk. */
export class Driver {
  readonly decoder: Decoder;
  readonly batches: ChangeBatch[] = [];
  readonly stops: number[] = [];
  readonly #spools = new Map<number, { bytes: Buffer; aborted: Set<number> }>();

  constructor(decoder: Decoder) {
    this.decoder = decoder;
  }

  get rows(): PlainRow[] {
    return this.batches.flatMap(plainRows);
  }

  feed(bytes: Uint8Array): void {
    this.decoder.feed(bytes);
    this.#run();
  }

  /** Hands out what is complete. */
  flush(): this {
    if (this.decoder.ready) this.batches.push(this.decoder.take());
    return this;
  }

  #run(): void {
    const { decoder } = this;
    for (let stop = decoder.run(); stop !== Stop.more; stop = decoder.run()) {
      this.stops.push(stop);
      if (stop === Stop.relation) decoder.resolve(plainPlan(decoder.relation!));
      else if (stop === Stop.batch) this.batches.push(decoder.take());
      else if (stop === Stop.spool) this.#keep();
      else if (stop === Stop.streamAbort) this.#abort();
      else if (stop === Stop.streamCommit) this.#replay();
      else if (stop === Stop.message) decoder.messages.splice(0);
      else decoder.skip();
    }
  }

  #keep(): void {
    const { decoder } = this;
    const spool = this.#spools.get(decoder.streamXid) ?? { bytes: Buffer.alloc(0), aborted: new Set() };
    const bytes = decoder.builder.bytes.subarray(decoder.streamFrom, decoder.at);
    this.#spools.set(decoder.streamXid, { ...spool, bytes: Buffer.concat([spool.bytes, bytes]) });
    decoder.spooled();
  }

  #abort(): void {
    const { xid, subxid } = this.decoder.abort!;
    if (xid === subxid) this.#spools.delete(xid);
    else this.#spools.get(xid)?.aborted.add(subxid);
  }

  #replay(): void {
    const { decoder } = this;
    const commit = decoder.commit!;
    const spool = this.#spools.get(commit.xid);
    const rest = decoder.detach();
    decoder.beginReplay(commit, spool?.aborted ?? new Set());
    this.feed(spool?.bytes ?? Buffer.alloc(0));
    decoder.endReplay(commit);
    decoder.feed(rest);
  }
}
