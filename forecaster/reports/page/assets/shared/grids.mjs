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
