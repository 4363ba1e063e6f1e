const MICROS_PER_SECOND = 1_000_000;
const MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND;

/** `-12.340` for (-12340n, 3); a negative scale appends zeros. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return (unscaled * 10n ** BigInt(-scale)).toString();
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const text = `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

/** ISO 8601 time in UTC, `02:05:06.789012Z`; zero fractions are left out, as Debezium's ZonedTime does. */
export function timetzText(hi: number, lo: number, zoneSeconds: number): string {
  const local = hi * 0x1_0000_0000 + lo;
  const shifted = local - zoneSeconds * MICROS_PER_SECOND;
  const utc = ((shifted % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  return `${clock(utc)}Z`;
}

/** ISO 8601 duration with each part of its own sign, `P1Y2M3DT4H5M6.78S`; `PT0S` for none. */
export function intervalText(months: number, days: number, hi: number, lo: number): string {
  const micros = hi * 0x1_0000_0000 + lo;
  const years = Math.trunc(months / 12);
  const date = `${part(years, 'Y')}${part(months - years * 12, 'M')}${part(days, 'D')}`;
  const seconds = Math.trunc(micros / MICROS_PER_SECOND);
  const hours = Math.trunc(seconds / 3600);
  const minutes = Math.trunc((seconds - hours * 3600) / 60);
  const rest = micros - (hours * 3600 + minutes * 60) * MICROS_PER_SECOND;
  const time = `${part(hours, 'H')}${part(minutes, 'M')}${rest === 0 ? '' : `${secondsText(rest)}S`}`;
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

function part(value: number, unit: string): string {
  return value === 0 ? '' : `${value}${unit}`;
}

function secondsText(micros: number): string {
  const absolute = Math.abs(micros);
  const whole = Math.trunc(absolute / MICROS_PER_SECOND);
  return `${micros < 0 ? '-' : ''}${whole}${fraction(absolute % MICROS_PER_SECOND)}`;
}

function clock(micros: number): string {
  const seconds = Math.trunc(micros / MICROS_PER_SECOND);
  const hours = two(Math.trunc(seconds / 3600));
  const minutes = two(Math.trunc(seconds / 60) % 60);
  return `${hours}:${minutes}:${two(seconds % 60)}${fraction(micros % MICROS_PER_SECOND)}`;
}

function fraction(micros: number): string {
  return micros === 0 ? '' : `.${micros.toString().padStart(6, '0').replace(/0+$/, '')}`;
}

function two(value: number): string {
  return value.toString().padStart(2, '0');
}
