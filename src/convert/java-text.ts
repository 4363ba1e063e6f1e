/** Numbers as Java's `toString` writes them, since that is what converters put into text. */

/** Double.toString of JDK 19 and later: the shortest decimal that reads back as the same double, with one digit after the point at least. */
export function doubleText(value: number): string {
  const size = Math.abs(value);
  // Here JavaScript's notation differs by the `.0` of whole numbers alone.
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  if (size === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (!Number.isFinite(value)) return String(value);
  const shortest = size.toExponential();
  // Java takes the nearest of two digits where one would do: 4.9E-324, not 5.0E-324.
  return javaNotation(value < 0, shortest.includes('.') ? shortest : size.toExponential(1));
}

/** Float.toString; `value` is one of the numbers that 32 bits hold. */
export function floatText(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(value) || (Number.isInteger(value) && size < 1e7)) {
    return doubleText(value);
  }
  return javaNotation(value < 0, shortestFloat(size));
}

function shortestFloat(size: number): string {
  // Six digits or fewer always survive the way through a normal float, so the shortest form is among the six nearest ones.
  for (let digits = size < FLOAT_NORMAL_MIN ? 2 : 6; digits < 9; digits++) {
    const nearest = nearestDecimal(size, digits);
    if (Math.fround(Number(nearest)) === size) return nearest;
    const above = nextDecimal(nearest);
    // Below a power of two floats lie closer: the nearest decimal may be outside of what rounds to it, and the next inside.
    if (Math.fround(Number(above)) === size) return above;
  }
  return size.toExponential(8);
}

/** Of two that are equally near the even one, as Java chooses. */
function nearestDecimal(size: number, digits: number): string {
  const [mantissa, exponent] = size.toExponential(digits).split('e');
  const below = mantissa.slice(0, -1);
  const isTie = mantissa.endsWith('5') && Number(`${mantissa}e${exponent}`) === size;
  return isTie && /[02468]$/.test(below) ? `${below}e${exponent}` : size.toExponential(digits - 1);
}

function nextDecimal(text: string): string {
  const [mantissa, exponent] = text.split('e');
  const digits = mantissa.replace('.', '');
  return `${BigInt(digits) + 1n}e${Number(exponent) - digits.length + 1}`;
}

const FLOAT_NORMAL_MIN = 2 ** -126;

/** `1.25e+10` as `1.25E10`, `1.25e-2` as `0.0125`. */
function javaNotation(negative: boolean, scientific: string): string {
  const [mantissa, power] = scientific.split('e');
  const point = mantissa.indexOf('.');
  const all = mantissa.replace('.', '');
  const exponent = Number(power) + (point < 0 ? all.length : point) - 1;
  const digits = all.replace(/0+$/, '').padEnd(1, '0');
  const sign = negative ? '-' : '';
  if (exponent < -3 || exponent >= 7)
    return `${sign}${digits[0]}.${digits.slice(1).padEnd(1, '0')}E${exponent}`;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1).padEnd(1, '0')}`;
}

/** BigDecimal.toString: scientific where the scale is negative or six zeros would follow the point. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled);
  const exponent = digits.length - 1 - scale;
  if (scale > 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0');
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const power = exponent === 0 ? '' : `E${exponent > 0 ? '+' : ''}${exponent}`;
  return `${sign}${digits[0]}${fraction}${power}`;
}
