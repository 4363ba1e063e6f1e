/** How many rows a chunk has. Starts small: how wide they are shows with the first ones. */
export class ChunkRows {
  readonly #max: number;
  readonly #bytes: number;
  #rows: number;

  /** `bytes`: what a chunk may take. */
  constructor(max: number, bytes: number) {
    this.#max = max;
    this.#bytes = bytes;
    this.#rows = Math.min(max, 256);
  }

  get next(): number {
    return this.#rows;
  }

  observe(rows: number, bytes: number): void {
    if (rows === 0) return;
    const affordable = Math.floor(this.#bytes / (bytes / rows));
    this.#rows = Math.min(this.#max, Math.max(1, Math.min(affordable, this.#rows * 4)));
  }
}
