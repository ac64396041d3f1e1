// What the page answers, as pure functions of the numbers that it carries: no document, no state.
// Sizes and errors are interpolated straight in log-log between the points of the grids.
// The page's script follows this file in one module; the tests import it in Node.

// Grids ----------------------------------------------------------------------------------------------

/** The quantiles of one grid as logs, a row a level: whole numbers of 16 bits in base64, times a step, from a low. */
export function unpacked(grid, columns) {
  const bytes = Uint8Array.from(atob(grid.text), (c) => c.charCodeAt(0));
  const rows = [];
  for (let at = 0; at < bytes.length; at += 2 * columns) {
    const row = new Float64Array(columns);
    for (let i = 0; i < columns; i++) row[i] = grid.low + grid.step * (bytes[at + 2 * i] + 256 * bytes[at + 2 * i + 1]);
    rows.push(row);
  }
  return rows;
}

/** A curve of the page's data with its grids ready to be read. */
export function opened(curve) {
  return {
    ...curve,
    x: Float64Array.from(curve.n, Math.log),
    error: unpacked(curve.error, curve.n.length),
    lowest: unpacked(curve.lowest, curve.n.length),
  };
}

/** Position of the last of the ascending values that is no more than v, but never the last of all. */
function before(values, v) {
  let low = 0;
  let high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] <= v) low = middle;
    else high = middle;
  }
  return low;
}

/** Straight lines through (x, y), x ascending, read at v; the ends hold beyond. */
export function linear(x, y, v) {
  if (x.length === 1) return y[0];
  const i = before(x, v);
  const share = x[i + 1] > x[i] ? Math.min(Math.max((v - x[i]) / (x[i + 1] - x[i]), 0), 1) : 1;
  return share === 0 ? y[i] : share === 1 ? y[i + 1] : (1 - share) * y[i] + share * y[i + 1];
}

/** Log quantile at this level, at one position (or log size) of the grid. */
const column = (rows, read) => rows.map(read);

/** The error at size n: median, and the ends of the equal-tailed interval that holds it with this probability. */
export function errorAt(data, curve, n, level) {
  const logs = column(curve.error, (row) => linear(curve.x, row, Math.log(n)));
  const at = (share) => Math.exp(linear(data.levels, logs, share));
  return { yhat: at(0.5), yhat_lower: at(0.5 - level / 2), yhat_upper: at(0.5 + level / 2) };
}

/** Chance that the error has come down to the target by size n; 0 and 1 mean beyond the grid's chances. */
export function chanceAt(data, curve, n, target) {
  const logs = column(curve.lowest, (row) => linear(curve.x, row, Math.log(n)));
  const goal = Math.log(target);
  const last = logs.length - 1;
  if (goal < logs[0]) return 0;
  if (goal >= logs[last]) return 1;
  const i = before(logs, goal);
  const width = logs[i + 1] - logs[i];
  return data.chances[i] + (width > 0 ? (goal - logs[i]) / width : 1) * (data.chances[i + 1] - data.chances[i]);
}

/** The size that is enough for the target with this chance; Infinity where none within the grid is. */
export function sizeFor(data, curve, target, chance) {
  const goal = Math.log(target);
  const log = (i) => linear(data.chances, column(curve.lowest, (row) => row[i]), chance);
  let previous = log(0);
  if (previous <= goal) return curve.n[0];
  for (let i = 1; i < curve.n.length; i++) {
    const here = log(i);
    if (here <= goal) {
      const share = (previous - goal) / (previous - here);
      return Math.exp(curve.x[i - 1] + share * (curve.x[i] - curve.x[i - 1]));
    }
    previous = here;
  }
  return Infinity;
}

// Money and time -------------------------------------------------------------------------------------

/** Price of so many items by the tiers [up to, price]; the last price holds beyond. */
export function itemsPrice(tiers, count) {
  let paid = 0;
  let below = 0;
  tiers.forEach(([upTo, price], k) => {
    const end = k === tiers.length - 1 ? Infinity : upTo;
    paid += price * Math.min(Math.max(count - below, 0), end - below);
    below = end;
  });
  return paid;
}

/** Price of an order: its items, and what is fixed; nothing where nothing is bought. */
export function orderPrice(prices, bought) {
  return bought > 0 ? itemsPrice(prices.tiers, bought) + prices.fixed : 0;
}

/** Accelerator hours of one training. */
const hours = (curve, n) => curve.hours.per_item * n ** curve.hours.exponent;

/** Days from the order to the trained model. */
function days(prices, curve, bought, n) {
  const delivery = prices.items_per_week === null ? 0 : (bought / prices.items_per_week) * 7;
  return delivery + hours(curve, n) / prices.gpus / 24;
}

/** The items to buy for a size, the cost and the days of buying them and training; a size measured last is there. */
export function offer(prices, curve, n) {
  if (Math.abs(n - curve.last) <= 1e-9 * curve.last) return { buy: 0, cost: 0, days: 0 };
  const buy = Math.max(n - prices.owned, 0);
  return { buy, cost: orderPrice(prices, buy) + curve.hour_price * hours(curve, n), days: days(prices, curve, buy, n) };
}

/** The same for a size that is needed, for which whole items are bought. */
export function need(prices, curve, n) {
  const buy = Math.ceil(Math.max(n - prices.owned, 0) - 1e-9);
  return { buy, cost: orderPrice(prices, buy) + curve.hour_price * hours(curve, n) };
}

/** The largest size up to `far` that can be bought and trained for so much money in so many days; 0 where none can. */
export function largestWithin(prices, curve, budget, most, far) {
  const fits = (n) => {
    const buy = Math.max(n - prices.owned, 0);
    const paid = orderPrice(prices, buy) + curve.hour_price * hours(curve, n);
    return paid <= budget && days(prices, curve, buy, n) <= most;
  };
  if (fits(far)) return far;
  let low = 0;
  let high = far;
  for (let i = 0; i < 200 && high - low > 1e-9 * high; i++) {
    const middle = 0.5 * (low + high);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return fits(low) ? low : 0;
}

const DAY = 86400000; // milliseconds

/** The day after so many days, begun ones counted, as 2027-02-01. */
export function readyOn(start, count) {
  const day = Date.parse(`${start}T00:00:00Z`) + DAY * Math.ceil(count - 1e-9);
  return Number.isFinite(day) && day < 8.64e15 ? new Date(day).toISOString().slice(0, 10) : "never";
}

/** Whole days from one day to another. */
export function daysBetween(start, end) {
  return Math.round((Date.parse(`${end}T00:00:00Z`) - Date.parse(`${start}T00:00:00Z`)) / DAY);
}

// Everything at once ---------------------------------------------------------------------------------

export const ODDS = [0.5, 0.75, 0.95];

/** The answer to a question: rows by architecture, the lowest error first. A budget of null is no limit. */
export function answered(data, curves, question) {
  const prices = { ...data.prices, tiers: question.tiers };
  const budget = question.budget === null ? Infinity : question.budget;
  const most = data.prices.deadline === null ? Infinity : daysBetween(question.start, data.prices.deadline);
  const rows = curves.map((curve) => {
    const { buy, cost, days: count } = offer(prices, curve, question.n);
    const within = largestWithin(prices, curve, budget, most, data.horizon);
    return {
      architecture: curve.name,
      ...errorAt(data, curve, question.n, question.level),
      p_target: chanceAt(data, curve, question.n, question.target),
      buy,
      cost,
      date: prices.timed ? readyOn(question.start, count) : null,
      affordable: cost <= budget,
      late: count > most,
      needs: ODDS.map((chance) => {
        const n = sizeFor(data, curve, question.target, chance);
        return { chance, n, ...(Number.isFinite(n) ? need(prices, curve, n) : { buy: Infinity, cost: Infinity }) };
      }),
      within: bought(data, curve, question, within),
    };
  });
  return rows.sort((a, b) => a.yhat - b.yhat);
}

/** What the largest size within the limits brings; null for less than the smallest measured size. */
function bought(data, curve, question, n) {
  if (n < curve.n[0] || (question.budget === null && data.prices.deadline === null)) return null;
  return { n, ...errorAt(data, curve, n, question.level), p_target: chanceAt(data, curve, n, question.target) };
}

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
