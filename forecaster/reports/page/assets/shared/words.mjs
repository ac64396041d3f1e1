// Numbers as they are typed and as they are shown: pure functions.

// What is typed --------------------------------------------------------------------------------------

const SUFFIXES = { "": 1, k: 1e3, m: 1e6, b: 1e9, t: 1e12 };

/** "7,200", "1.5M" or "1e6" as a number; NaN for anything else. A comma stands between thousands, or nowhere. */
export function parsed(text) {
  const found = /^(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?) ?([kmbt]?)$/i.exec(text.trim());
  return found === null ? NaN : Number(found[1].replaceAll(",", "")) * SUFFIXES[found[2].toLowerCase()];
}

// What is shown --------------------------------------------------------------------------------------

const fixed = (v, d) =>
  v.toLocaleString("en-US", { minimumFractionDigits: Math.max(d, 0), maximumFractionDigits: Math.max(d, 0) });
const to = (v, d) => (d >= 0 ? v : Math.round(v * 10 ** d) / 10 ** d);

/** A number to so many significant digits. */
export const rounded = (v, digits = 2) => (Number.isFinite(v) ? Number(v.toPrecision(digits)) : v);

const sign = (units) => (units.percent ? " %" : units.unit ? ` ${units.unit}` : "");
const scaled = (units, v) => (units.percent ? 100 * v : v);

/** Decimals that show two significant digits of an interval's width; of the lower end two digits stay. */
export function decimals(units, low, high) {
  let width = Math.abs(scaled(units, high) - scaled(units, low));
  if (!(Number.isFinite(width) && width > 0)) width = 0.1 * Math.abs(scaled(units, high));
  if (!(width > 0)) return 2;
  const least = Math.abs(scaled(units, low));
  const fewest = Number.isFinite(least) && least > 0 ? Math.min(1 - Math.floor(Math.log10(least)), 0) : 0;
  return Math.max(1 - Math.floor(Math.log10(width)), fewest);
}

/** An error with its unit: 0.25 %. */
export function errorText(units, value, places) {
  const number = scaled(units, value);
  if (number > 0 && places > 6 && number < 1e-3) {
    const digits = Math.max(Math.floor(Math.log10(number)) + places, 0);
    return number.toExponential(digits).replace("e+", "e") + sign(units);
  }
  const shown = fixed(to(number, places), places);
  return (value > 0 && !/[1-9]/.test(shown) ? `<${fixed(10 ** -places, places)}` : shown) + sign(units);
}

/** An error as exact as it was given, up to four digits: 0.3 %. */
export function plainText(units, value) {
  return rounded(scaled(units, value), 4).toLocaleString("en-US", { maximumSignificantDigits: 6 }) + sign(units);
}

/** Median and interval as written: ["0.25 %", "0.14 – 0.45 %"]. */
export function intervalText(units, row) {
  const places = decimals(units, row.yhat_lower, row.yhat_upper);
  const [middle, low, high] = [row.yhat, row.yhat_lower, row.yhat_upper].map((v) => errorText(units, v, places));
  const mark = sign(units);
  return [middle, `${mark && low.endsWith(mark) ? low.slice(0, -mark.length) : low} – ${high}`];
}

/** A chance in whole per cent; never 0 or 100, which draws cannot tell. */
export function chanceText(p) {
  return p < 0.01 ? "under 1 %" : p > 0.99 ? "over 99 %" : `${(100 * p).toFixed(0)} %`;
}

const WORDS = [[1e12, "trillion", "T"], [1e9, "billion", "B"], [1e6, "million", "M"]];

/** A size: 12,000, 16.8 million, or in short 12k, 16.8M; never for Infinity. */
export function sizeText(n, short = false) {
  if (n === Infinity) return "never";
  if (n >= 1e15) return rounded(n, 3).toExponential().replace("e+", "e");
  for (const [scale, word, letter] of WORDS) {
    if (n >= 0.9995 * scale) return `${rounded(n / scale, 3)}${short ? letter : ` ${word}`}`;
  }
  if (short) return n >= 1000 ? `${rounded(n / 1e3, 3)}k` : `${rounded(n, 3)}`;
  return n >= 10 ? fixed(n, 0) : `${rounded(n, 3)}`;
}

/** Money: 3,300 EUR. */
export function moneyText(amount, currency) {
  const whole = Math.abs(amount) >= 100 || amount === Math.round(amount);
  return `${fixed(amount, whole ? 0 : 2)} ${currency}`.trim();
}

const MONTHS = "January February March April May June July August September October November December".split(" ");

/** A day: 26 January 2027. */
export function dayText(iso) {
  const [year, month, day] = iso.split("-").map(Number);
  return Number.isFinite(day) ? `${day} ${MONTHS[month - 1]} ${year}` : iso;
}

/** How often an interval of this probability holds: 8 times in 10. */
export function timesIn(level) {
  const base = [10, 20, 100, 1000].find((b) => Math.abs(b * level - Math.round(b * level)) < 1e-9) ?? 1000;
  return `${fixed(base * level, 0)} times in ${fixed(base, 0)}`;
}
