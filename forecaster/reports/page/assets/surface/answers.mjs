// What the page of a surface answers, as pure functions of the numbers that it carries: no document, no state.
// Losses are interpolated by cubics in the logs of both sizes between the points of a mesh.

// Grids ----------------------------------------------------------------------------------------------

/** The page's data with its grids ready to be read. */
export function opened(data) {
  const { mesh, path, idle } = data;
  const [x, t] = [mesh.params, mesh.n].map((sizes) => Float64Array.from(sizes, Math.log));
  const best = (name) => unpacked(path[name], path.own.length);
  return {
    ...data,
    mesh: { x, t, error: unpacked(mesh.error, x.length * t.length), mean: unpacked(mesh.mean, x.length * t.length)[0] },
    path: { ...path, params: best("params"), n: best("n"), error: best("error"), lowest: unpacked(path.lowest, path.fine.length) },
    idle: { ...idle, error: unpacked(idle.error, 1).map((row) => row[0]) },
  };
}

/** First of four neighbouring points around v, and the weights of their values in the cubic through them. */
export function cubic(points, v) {
  const inside = Math.min(Math.max(v, points[0]), points.at(-1));
  const first = Math.min(Math.max(before(points, inside) - 1, 0), Math.max(points.length - 4, 0));
  const near = points.slice(first, first + 4);
  const weights = Array.from(near, (p, a) => near.reduce((w, q, b) => (a === b ? w : (w * (inside - q)) / (p - q)), 1));
  return { first, weights };
}

/** A value at logs of size and data, between those of the mesh. */
function onMesh({ x, t }, values, atX, atT) {
  let sum = 0;
  atX.weights.forEach((w, i) => {
    const row = (atX.first + i) * t.length + atT.first;
    atT.weights.forEach((v, j) => (sum += w * v * values[row + j]));
  });
  return sum;
}

/** Log quantiles of the loss by level, and the log of its mean, of a model on so much data. */
export function lossAt(data, params, n) {
  const atX = cubic(data.mesh.x, Math.log(params));
  const atT = cubic(data.mesh.t, Math.log(n));
  const logs = data.mesh.error.map((row) => onMesh(data.mesh, row, atX, atT));
  for (let i = 1; i < logs.length; i++) logs[i] = Math.max(logs[i], logs[i - 1]);
  return { logs, mean: onMesh(data.mesh, data.mesh.mean, atX, atT) };
}

/** Median, and the ends of the interval that holds the loss with this probability. */
function summed(data, logs, level) {
  const at = (share) => Math.exp(linear(data.levels, logs, share));
  return { yhat: at(0.5), yhat_lower: at(0.5 - level / 2), yhat_upper: at(0.5 + level / 2) };
}

/** The same of a model on so much data. */
export const errorAt = (data, params, n, level) => summed(data, lossAt(data, params, n).logs, level);

// Compute --------------------------------------------------------------------------------------------

/** Log of the operations of a run. */
export const logFlops = ({ compute }, x, t) => x + t + compute.log_factor + compute.slope * (x - compute.x0);

/** Log of the data that this compute trains a model of log size x on. */
export const logData = ({ compute }, log, x) => log - x - compute.log_factor - compute.slope * (x - compute.x0);

/** The model and the data on which a compute is spent best. */
export function spentBest(data, flops) {
  const { log_flops: nodes, x: sizes } = data.path;
  const log = Math.log(flops);
  const inside = Math.min(Math.max(log, nodes[0]), nodes.at(-1));
  const slope = (sizes.at(-1) - sizes[0]) / (nodes.at(-1) - nodes[0]);
  const x = linear(nodes, sizes, inside) + slope * (log - inside);
  return { params: Math.exp(x), n: Math.exp(logData(data, log, x)) };
}

/** Median and interval of the best size, of the data that go with it, and of the loss there; null beyond the path. */
export function bestUse(data, flops, level) {
  const nodes = data.path.own;
  const log = Math.log(flops);
  if (log < nodes[0] - 1e-9 || log > nodes.at(-1) + 1e-9) return null;
  const told = (rows) => {
    const logs = rows.map((row) => linear(nodes, row, log));
    return [0.5, 0.5 - level / 2, 0.5 + level / 2].map((share) => Math.exp(linear(data.ends, logs, share)));
  };
  return { params: told(data.path.params), n: told(data.path.n), error: told(data.path.error) };
}

/** The compute, spent best, that reaches the target with this chance; Infinity where none within reach does. */
export const computeFor = (data, target, chance) =>
  Math.exp(firstEnough(data.chances, data.path.lowest, data.path.fine, Math.log(target), chance));

// Money and time -------------------------------------------------------------------------------------

/** Accelerator hours of a run: by what an hour does, else as runs were measured; null where nothing says. */
export function hoursOf(data, question, flops) {
  if (question.rate !== null) return flops / question.rate;
  if (data.hours === null) return null;
  const { log_flops: x, log_hours: y } = data.hours;
  return Math.exp(linear(x, y, Math.log(flops)));
}

/** What a run takes. */
export function billed(data, question, params, n) {
  const flops = Math.exp(logFlops(data, Math.log(params), Math.log(n)));
  const hours = hoursOf(data, question, flops);
  const { prices } = data;
  const buy = Math.max(Math.min(n, data.unique ?? Infinity) - prices.owned, 0);
  const cost = orderPrice({ ...prices, tiers: question.tiers }, buy) + question.hour_price * (hours ?? 0);
  const delivery = prices.items_per_week === null ? 0 : (buy / prices.items_per_week) * 7;
  return { params, n, flops, hours, buy, cost, days: delivery + (hours ?? 0) / question.gpus / 24 };
}

/** Whether anything says how long runs or deliveries take. */
export const isTimed = (data, question) => question.rate !== null || data.hours !== null || data.prices.items_per_week !== null;

const budgetOf = (question) => (question.budget === null ? Infinity : question.budget);
const daysOf = (data, question) => (data.prices.deadline === null ? Infinity : daysBetween(question.start, data.prices.deadline));

/** The most compute that money and days allow, spent best; 0 where the least of the path is too much. */
export function mostWithin(data, question) {
  const fits = (log) => {
    const { params, n } = spentBest(data, Math.exp(log));
    const { cost, days } = billed(data, question, params, n);
    return cost <= budgetOf(question) && days <= daysOf(data, question);
  };
  let low = data.path.log_flops[0];
  let high = data.path.log_flops.at(-1);
  if (fits(high)) return Math.exp(high);
  if (!fits(low)) return 0;
  while (high - low > 1e-9) {
    const middle = 0.5 * (low + high);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return Math.exp(low);
}

// Everything at once ---------------------------------------------------------------------------------

export const ODDS = [0.5, 0.75, 0.95];

/** A run with its loss, its chance, its price and its day. */
export function runOf(data, question, params, n) {
  const bill = billed(data, question, params, n);
  const { logs, mean } = lossAt(data, params, n);
  return {
    ...bill,
    ...valued(data, question, bill.cost, logs, mean),
    date: isTimed(data, question) ? readyOn(question.start, bill.days) : null,
    affordable: bill.cost <= budgetOf(question),
    late: bill.days > daysOf(data, question),
  };
}

/** Loss, chance of the target, and what the run costs with what its loss costs. */
function valued(data, question, cost, logs, mean) {
  const p_target = chanceBelow(data.levels, logs, Math.log(question.target));
  const all_in = allIn(data.value, question.worth, cost + data.running, p_target, Math.exp(mean));
  return { ...summed(data, logs, question.level), p_target, all_in };
}

/** The answer to a question: the run, its compute spent best, what the target takes, and doing nothing. */
export function answered(data, question) {
  const run = runOf(data, question, question.params, question.n);
  const spent = (flops) => {
    const { params, n } = spentBest(data, flops);
    return { ...runOf(data, question, params, n), flops };
  };
  const best = bestUse(data, run.flops, question.level);
  const limited = question.budget !== null || data.prices.deadline !== null;
  const most = limited ? mostWithin(data, question) : 0;
  const { idle } = data;
  return {
    run,
    best,
    same: best === null ? null : spent(run.flops),
    limited,
    within: most > 0 ? spent(most) : null,
    idle: { params: idle.params, n: idle.n, flops: idle.flops, cost: 0, ...valued(data, question, 0, idle.error, Math.log(idle.mean)) },
    needs: ODDS.map((chance) => {
      const flops = computeFor(data, question.target, chance);
      return Number.isFinite(flops) ? { chance, ...spent(flops) } : { chance, flops };
    }),
  };
}
