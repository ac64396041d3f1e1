// What the page answers, as pure functions of the numbers that it carries: no document, no state.
// Sizes and errors are interpolated straight in log-log between the points of the grids.
// The page's script follows this file in one module; the tests import it in Node.

// Grids ----------------------------------------------------------------------------------------------

/** A curve of the page's data with its grids ready to be read. */
export function opened(curve) {
  return {
    ...curve,
    x: Float64Array.from(curve.n, Math.log),
    error: unpacked(curve.error, curve.n.length),
    lowest: unpacked(curve.lowest, curve.n.length),
  };
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
