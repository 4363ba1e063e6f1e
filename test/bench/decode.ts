/**
 * What decoding alone costs, without a server: one transaction of 1000 rows of 8 columns, over and over, in chunks as a
 * socket gives them.
 *
 *   node test/bench/decode.ts [rows]
 */
import { messageTable } from '../../src/capture/postgres/messages.ts';
import { PostgresOffset } from '../../src/capture/postgres/offset.ts';
import { Decoder, Stop } from '../../src/capture/postgres/wire/decoder.ts';
import { plainPlan } from './plain-catalog.ts';

const ROWS_PER_TRANSACTION = 1000;
const CHUNK = 64 * 1024;
const rows = Number(process.argv[2] ?? 5_000_000);

const decoder = new Decoder(
  new PostgresOffset({
    epoch: 0,
    lsn: 0n,
    txId: null,
    timestampMicros: 0,
    initialSnapshot: false,
    progress: null,
    mayExistUntil: 0n,
  }),
  {
    messageTable: messageTable('bench'),
    ownPrefix: null,
    wantsMessage: () => false,
    keepalive: () => {},
    batchBytes: 1 << 20,
    batchRows: 1 << 14,
    batchBytesMax: 1 << 22,
  },
);
drain(relation());
const bytes = transaction();
let seen = 0;
drain(bytes);
seen = 0;
const cpu = process.cpuUsage();
while (seen < rows) {
  for (let at = 0; at < bytes.length; at += CHUNK) drain(bytes.subarray(at, at + CHUNK));
}
const { user, system } = process.cpuUsage(cpu);
const seconds = (user + system) / 1e6;
console.log(
  `decode  ${(seen / seconds / 1e6).toFixed(2)} M rows/CPU-s, ${((seen * 8) / seconds / 1e6).toFixed(1)} M cells/CPU-s`,
);

function drain(chunk: Buffer): void {
  decoder.feed(chunk);
  for (let stop = decoder.run(); stop !== Stop.more; stop = decoder.run()) {
    if (stop === Stop.relation) decoder.resolve(plainPlan(decoder.relation!));
    else if (stop === Stop.batch) seen += decoder.take().rowCount;
  }
}

function relation(): Buffer {
  const columns = Array.from({ length: 8 }, (_, i) =>
    Buffer.concat([Buffer.from([i === 0 ? 1 : 0]), Buffer.from(`c${i}\0`), int32(23), int32(-1)]),
  );
  return frame(
    Buffer.concat([Buffer.from('R'), int32(1), Buffer.from('public\0t\0d\0\x08', 'latin1'), ...columns]),
  );
}

function transaction(): Buffer {
  const frames = [frame(Buffer.concat([Buffer.from('B'), Buffer.alloc(16), int32(7)]))];
  for (let row = 0; row < ROWS_PER_TRANSACTION; row++) {
    const cells = [8, 4, 12, 10, 8, 50, 1, 8].map((length) =>
      Buffer.concat([Buffer.from('b'), int32(length), Buffer.alloc(length, row)]),
    );
    frames.push(frame(Buffer.concat([Buffer.from('I'), int32(1), Buffer.from([0x4e, 0, 8]), ...cells])));
  }
  frames.push(frame(Buffer.concat([Buffer.from('C'), Buffer.alloc(25)])));
  return Buffer.concat(frames);
}

function frame(message: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from('d'),
    int32(message.length + 29),
    Buffer.from('w'),
    Buffer.alloc(24),
    message,
  ]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
