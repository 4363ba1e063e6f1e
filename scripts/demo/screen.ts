import type { TableState } from './service.ts';

const BAR = 24;

export interface Frame {
  readonly elapsedSeconds: number;
  readonly tables: readonly TableState[];
  readonly changesPerSecond: number;
  /** How far the lake is behind the source, seconds; null while unknown. */
  readonly lagSeconds: number | null;
}

/** Draws frame over frame on a terminal; elsewhere prints a line now and then. */
export class Screen {
  readonly #tty = process.stdout.isTTY === true;
  #lines = 0;
  #lastLineSecond = -5;

  draw(frame: Frame): void {
    if (this.#tty) this.#redraw([...frame.tables.map(tableLine), totalLine(frame)]);
    else if (frame.elapsedSeconds - this.#lastLineSecond >= 5) {
      this.#lastLineSecond = frame.elapsedSeconds;
      process.stdout.write(`${totalLine(frame)}\n`);
    }
  }

  /** Leaves the last frame where it is. */
  end(): void {
    this.#lines = 0;
  }

  #redraw(lines: readonly string[]): void {
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A`;
    process.stdout.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`);
    this.#lines = lines.length;
  }
}

function tableLine(table: TableState): string {
  const { rows, total, done } = table.snapshot;
  const share = done ? 1 : total === null || total === 0 ? 0 : Math.min(1, rows / total);
  const full = Math.round(share * BAR);
  const bar = `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
  const numbers = `${count(rows)} snapshot, ${count(table.rows_streamed)} streamed, ${count(table.rows_written)} rows and ${count(table.deletes_written)} deletes written, ${table.commits} commits`;
  const state = table.state === 'ok' ? '' : `  ${table.state}`;
  return `${table.table.padEnd(20)} ${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${numbers}${state}`;
}

function totalLine({ elapsedSeconds, tables, changesPerSecond, lagSeconds }: Frame): string {
  const commits = tables.reduce((sum, table) => Math.max(sum, table.commits), 0);
  const snapshot = tables.reduce((sum, table) => sum + table.snapshot.rows, 0);
  const lag = lagSeconds === null ? '-' : `${lagSeconds.toFixed(1)} s`;
  return `${elapsedSeconds.toFixed(0).padStart(4)} s   ${count(snapshot)} rows snapshot   ${count(Math.round(changesPerSecond))} changes/s   lag ${lag}   ${commits} commits`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
