// Prices and days, which curves and surfaces share: pure functions.

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

/**
 * What an option costs on average, what is `paid` for it and what its error costs: null where errors cost no money. `worth` is the penalty
 * of missing the target, the value of a point of error, or the cost of a mistake.
 */
export function allIn(value, worth, paid, p_target, mean) {
  if (value.form === "none") return null;
  const quantity = { penalty: 1 - p_target, points: mean / value.point, mistakes: mean * (value.volume ?? 0) }[value.form];
  return paid + worth * quantity;
}
