/** How long between two looks at something that gives no signal when it changes: another process's state, the lake. */
const LOOK_MS = 25;

export interface UntilOptions {
  readonly timeoutMs?: number;
  /** Asked before every look: throws when the wait has become pointless, because the service died. */
  readonly alive?: () => void;
  /** What is added to the error when the time is over. */
  readonly detail?: () => string | Promise<string>;
}

/** Looks until `look` gives something other than null, undefined or false. Errors of `look` are passed on. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  options: UntilOptions = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    options.alive?.();
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) {
      const detail = (await options.detail?.()) ?? '';
      throw new Error(`${what}: not within ${timeoutMs / 1000} s\n${detail}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
