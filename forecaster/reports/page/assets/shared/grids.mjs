// Reading grids of quantiles: pure functions, tested in Node; the scripts of a page follow one another in one module.

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

/** Chance that a value is at the goal or below, where logs are its log quantiles at these levels; 0 and 1 mean beyond. */
export function chanceBelow(levels, logs, goal) {
  const last = logs.length - 1;
  if (goal < logs[0]) return 0;
  if (goal >= logs[last]) return 1;
  const i = before(logs, goal);
  const width = logs[i + 1] - logs[i];
  return levels[i] + (width > 0 ? (goal - logs[i]) / width : 1) * (levels[i + 1] - levels[i]);
}

/** Where along x the quantile at this chance, of rows by chance, first comes down to the goal; Infinity: nowhere. */
export function firstEnough(chances, rows, x, goal, chance) {
  const log = (i) => linear(chances, rows.map((row) => row[i]), chance);
  let previous = log(0);
  if (previous <= goal) return x[0];
  for (let i = 1; i < x.length; i++) {
    const here = log(i);
    if (here <= goal) return x[i - 1] + ((previous - goal) / (previous - here)) * (x[i] - x[i - 1]);
    previous = here;
  }
  return Infinity;
}
