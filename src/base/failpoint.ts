/**
 * Places where a crash test may end the process, named in `ICESTREAM_FAILPOINT=name` or `name:n` for the n-th time it is
 * reached. Between accepting a change and acknowledging it every step that leaves something behind has one.
 */
export const FAILPOINTS = [
  'snapshot.slot-created',
  'snapshot.chunk-read',
  'snapshot.table-read',
  'spool.written',
  'spool.releasing',
  'spool.released',
  'table.created',
  'table.evolved',
  'sink.accepted',
  'spill.written',
  'sink.spilled',
  'spill.merged',
  'sink.data-written',
  'commit.prepared',
  'commit.intent-written',
  'commit.member-done',
  'commit.attempted',
  'commit.done',
  'commit.settled',
  'pipeline.before-ack',
  'pipeline.acked',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

const [wanted, count = '1'] = (process.env['ICESTREAM_FAILPOINT'] ?? '').split(':');
let left = Number(count);

/** Ends the process by SIGKILL, as a crash would, if this is the place and the time. */
export function failpoint(name: Failpoint): void {
  if (wanted !== name || --left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal comes in its own time; nothing more may happen here.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
