import { invariant } from '../../base/errors.ts';
import type { TransactionMark } from '../../record/batch.ts';
import type { MarkCodec } from '../../record/batch-codec.ts';
import type { OffsetCodec, OffsetJson } from '../../record/offset.ts';
import type { PostgresOffset } from './offset.ts';
import { SnapshotMark, Transaction, WindowMark } from './transaction.ts';

type StoredMark =
  | readonly [
      't',
      base: number,
      xid: number,
      timestampMicros: number,
      end: string,
      previousEnd: string | null,
    ]
  | readonly ['s', offset: number, timestampMicros: number, txId: number | null]
  | readonly ['w', offset: number, position: string];

interface StoredMarks {
  /** All transactions of a batch count from one offset, mostly. */
  readonly offsets: readonly (readonly [epoch: number, json: OffsetJson])[];
  readonly marks: readonly StoredMark[];
}

/** Transactions, chunks and windows of batches that wait on disk. */
export function postgresMarks(codec: OffsetCodec): MarkCodec {
  const parse = ([epoch, json]: StoredMarks['offsets'][number]) => codec.parse(json, epoch) as PostgresOffset;
  return {
    write(marks) {
      const known = new Map<PostgresOffset, number>();
      const numberOf = (offset: PostgresOffset) => {
        if (!known.has(offset)) known.set(offset, known.size);
        return known.get(offset)!;
      };
      const written = marks.map((mark) => storedMark(mark, numberOf));
      const offsets = [...known.keys()].map((offset) => [offset.epoch, offset.toJSON()] as const);
      return JSON.stringify({ offsets, marks: written } satisfies StoredMarks);
    },
    read(text, last) {
      const { offsets, marks } = JSON.parse(text) as StoredMarks;
      const parsed = offsets.map(parse);
      return marks.map((stored, i) => {
        if (stored[0] === 's') return new SnapshotMark(parsed[stored[1]], stored[2], stored[3]);
        if (stored[0] === 'w') return new WindowMark(parsed[stored[1]], BigInt(stored[2]));
        const [, base, xid, timestampMicros, end, previousEnd] = stored;
        const goesOn = i === 0 && last instanceof Transaction && last.xid === xid && xid !== 0;
        const transaction = goesOn
          ? last
          : new Transaction(
              parsed[base],
              xid,
              timestampMicros,
              0n,
              previousEnd === null ? null : BigInt(previousEnd),
            );
        // Known for certain only with the last of its batches.
        transaction.end = BigInt(end);
        return transaction;
      });
    },
  };
}

function storedMark(mark: TransactionMark, numberOf: (offset: PostgresOffset) => number): StoredMark {
  if (mark instanceof Transaction) {
    const { base, xid, timestampMicros, end, previousEnd } = mark;
    return [
      't',
      numberOf(base),
      xid,
      timestampMicros,
      String(end),
      previousEnd === null ? null : String(previousEnd),
    ];
  }
  if (mark instanceof SnapshotMark) return ['s', numberOf(mark.offset), mark.timestampMicros, mark.txId];
  invariant(mark instanceof WindowMark, 'a mark of this connector');
  return ['w', numberOf(mark.offset), String(mark.position)];
}
