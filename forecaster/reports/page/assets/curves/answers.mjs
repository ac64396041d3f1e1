// What the page of curves answers, as pure functions of the numbers that it carries: no document, no state.
// Sizes and errors are interpolated straight in log-log between the points of the grids.

// Grids ----------------------------------------------------------------------------------------------

/** A curve of the page's data with its grids ready to be read. */
export function opened(curve) {
  return {
    ...curve,
    x: Float64Array.from(curve.n, Math.log),
    error: unpacked(curve.error, curve.n.length),
    lowest: unpacked(curve.lowest, curve.n.length),
    mean: unpacked(curve.mean, curve.n.length)[0],
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
  return chanceBelow(data.chances, logs, Math.log(target));
}

/** The size that is enough for the target with this chance; Infinity where none within the grid is. */
export function sizeFor(data, curve, target, chance) {
  const log = firstEnough(data.chances, curve.lowest, curve.x, Math.log(target), chance);
  return log === curve.x[0] ? curve.n[0] : Math.exp(log);
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
      all_in: weighed(data, curve, question, question.n, cost),
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
      idle: weighed(data, curve, question, curve.last, 0),
    };
  });
  return rows.sort((a, b) => a.yhat - b.yhat);
}

/** What a size costs on average with what its error costs; null where errors cost no money. */
function weighed(data, curve, question, n, cost) {
  const mean = Math.exp(linear(curve.x, curve.mean, Math.log(n)));
  return allIn(data.value, question.worth, cost + curve.running, chanceAt(data, curve, n, question.target), mean);
}

/** What the largest size within the limits brings; null for less than the smallest measured size. */
function bought(data, curve, question, n) {
  if (n < curve.n[0] || (question.budget === null && data.prices.deadline === null)) return null;
  return { n, ...errorAt(data, curve, n, question.level), p_target: chanceAt(data, curve, n, question.target) };
}
